//! Pages and repositories, over MCP.

use serde_json::json;
use testsite::{GitHubDouble, Site, sites};

use crate::client::{Client, Setup};

/// A site, a double of GitHub, and a client whose server may reach both.
pub(crate) async fn connected() -> (Site, GitHubDouble, Client) {
    let (site, github) = (Site::start().await, GitHubDouble::start().await);
    let mut private_hosts = github.hosts();
    private_hosts.push(site.host());
    let client = Client::with(Setup {
        private_hosts,
        github_api: github.api(),
        ..Setup::default()
    });
    let client = client.await;
    (site, github, client)
}

/// Calls the tools that reach the web.
pub(crate) async fn use_all(site: &Site, github: &GitHubDouble, client: &mut Client) {
    sites::documentation(site);
    let arguments = json!({"base_url": site.url("/").as_str(), "include_url_lists": true});
    let analysis = client.answer("analyze_website", arguments).await;
    assert_eq!(analysis["analysis_method"], "sitemap", "{analysis}");
    assert_eq!(
        analysis["total_urls"],
        sites::DOCUMENTATION_PAGES.len(),
        "{analysis}"
    );

    client.collection("web").await;
    let arguments = json!({
        "url": site.url("/guide/retries").as_str(), "collection_name": "web", "include_document_ids": true,
    });
    let page = client.answer("ingest_url", arguments).await;
    assert_eq!(
        (&page["status"], &page["pages_ingested"]),
        (&json!("done"), &json!(1)),
        "{page}"
    );

    github.put_file("me/lib", "README.md", "# Lib\n\nIt counts sheep.");
    let head = github.commit("me/lib");
    let arguments = json!({"repository": "me/lib", "collection_name": "web"});
    let repository = client.answer("ingest_repository", arguments).await;
    assert_eq!(repository["source_commit"], head, "{repository}");
    let status = json!({"collection_name": "web"});
    let status = client.answer("get_index_status", status).await;
    assert_eq!(status["total_docs"], 2, "{status}");

    let id = page["job_id"].clone();
    let job = client.answer("get_job", json!({"job_id": id})).await;
    assert_eq!(job["kind"], "crawl");
    let jobs = client.answer("list_jobs", json!({"limit": 1})).await;
    assert_eq!(jobs["has_more"], true);
    client.answer("cancel_job", json!({"job_id": id})).await;
}

#[tokio::test]
async fn a_crawl_tells_how_far_it_is() {
    let (site, _github, mut client) = connected().await;
    sites::documentation(&site);
    client.collection("docs").await;
    let params = json!({
        "name": "ingest_url",
        "arguments": {
            "url": site.url("/").as_str(), "collection_name": "docs", "follow_links": true, "max_depth": 5,
        },
        "_meta": {"progressToken": "t"},
    });
    let id = client.start("tools/call", params).await;
    let response = client.response(id).await;
    let answer = client
        .checked_answer("ingest_url", response["result"].clone())
        .await;
    let pages = sites::DOCUMENTATION_PAGES.len();
    assert_eq!(answer["pages_ingested"], pages, "{answer}");
    let mut last = -1.0;
    for notification in &client.notifications {
        let params = &notification["params"];
        let progress = params["progress"].as_f64().unwrap();
        assert!(progress > last, "{progress} came after {last}");
        let total = params["total"].as_f64();
        assert!(
            total.is_none_or(|total| total >= progress && total > 0.0),
            "{params}"
        );
        last = progress;
    }
    assert!(last >= 1.0, "nothing was told");
    for (_, question, sentence) in sites::FACTS {
        let arguments = json!({"query": question, "collection_name": "docs", "limit": 10});
        let found = client.answer("search_documents", arguments).await;
        let found = found.to_string().replace("\\n", " ");
        assert!(found.contains(sentence), "{question}: {found}");
    }
}

#[tokio::test]
async fn what_may_not_be_reached_is_refused_with_a_reason() {
    let site = Site::start().await;
    let mut client = Client::new().await;
    client.collection("docs").await;
    let url = site.url("/").to_string();
    for (tool, arguments) in [
        ("ingest_url", json!({"url": url, "collection_name": "docs"})),
        ("analyze_website", json!({"base_url": url})),
    ] {
        let refusal = client.refusal(tool, arguments).await;
        assert!(refusal.contains("private address"), "{tool}: {refusal}");
        assert!(
            refusal.contains("RAG_ALLOW_PRIVATE_HOSTS"),
            "{tool}: {refusal}"
        );
    }
    assert_eq!(site.requests().len(), 0);
}
