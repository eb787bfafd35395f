//! Putting web sites in, over plain HTTP.

use std::collections::BTreeSet;
use std::time::Duration;

use rag_memory::api::{
    GetCollectionInfo, GetDocument, IngestUrl, JobStatus, ListDocuments, SearchDocuments,
    UrlIngested,
};
use rag_memory::{ErrorKind, Watch};
use testsite::{Answer, Site, sites};

use crate::Fixture;

/// The whole of a site.
pub(crate) fn all(site: &Site) -> IngestUrl {
    IngestUrl {
        follow_links: true,
        max_depth: 5,
        ..IngestUrl::new(site.url("/"), "docs")
    }
}

impl Fixture {
    pub(crate) async fn crawl(&self, request: IngestUrl) -> UrlIngested {
        self.memory
            .ingest_url(request, &Watch::nobody())
            .await
            .unwrap()
    }

    /// The addresses of the collection's documents.
    pub(crate) async fn pages(&self) -> BTreeSet<String> {
        let request = ListDocuments {
            limit: 200,
            include_details: true,
            ..ListDocuments::default()
        };
        let list = self.memory.list_documents(request).await.unwrap();
        list.documents
            .into_iter()
            .map(|item| item.source_uri)
            .collect()
    }
}

#[tokio::test]
async fn every_page_of_a_site_is_put_in_once() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::documentation(&site);
    let reply = fixture.crawl(all(&site)).await;
    assert_eq!(reply.status, JobStatus::Done);
    assert_eq!(reply.pages_failed, 0, "{:?}", reply.failed_pages);
    let expected: BTreeSet<String> = sites::DOCUMENTATION_PAGES
        .iter()
        .map(|path| site.url(path).to_string())
        .collect();
    assert_eq!(fixture.pages().await, expected);
    assert_eq!(
        site.count(sites::DOCUMENTATION_FORBIDDEN),
        0,
        "robots.txt was not obeyed"
    );
    let why = |part: &str| {
        reply
            .skipped_pages
            .iter()
            .any(|page| page.error.contains(part))
    };
    assert!(why("robots.txt"), "{:?}", reply.skipped_pages);
    assert!(why("same content"), "{:?}", reply.skipped_pages);
}

#[tokio::test]
async fn what_its_pages_say_is_found_and_can_be_cited() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::documentation(&site);
    fixture.crawl(all(&site)).await;
    for (path, question, sentence) in sites::FACTS {
        let found = fixture
            .memory
            .search_documents(SearchDocuments::new(*question))
            .await
            .unwrap();
        let hit = found
            .results
            .iter()
            .find(|hit| hit.content.contains(sentence));
        let hit = hit.unwrap_or_else(|| panic!("`{sentence}` was not found"));
        assert_eq!(hit.source_uri, site.url(path).as_str());
    }
}

#[tokio::test]
async fn a_collection_tells_what_was_crawled_into_it() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::documentation(&site);
    let reply = fixture.crawl(all(&site)).await;
    let request = GetCollectionInfo {
        collection_name: "docs".to_owned(),
    };
    let details = fixture.memory.collection_info(request).await.unwrap();
    let [crawled] = &details.crawled_urls[..] else {
        panic!("{details:?}");
    };
    assert_eq!(crawled.url, site.url("/").as_str());
    assert_eq!(crawled.timestamp, reply.crawl_metadata.crawl_timestamp);
    assert_eq!(crawled.page_count, reply.pages_ingested);
    assert_eq!(crawled.chunk_count, reply.total_chunks);
}

#[tokio::test]
async fn metadata_are_true() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::documentation(&site);
    let reply = fixture.crawl(all(&site)).await;
    let request = ListDocuments {
        limit: 200,
        include_details: true,
        ..ListDocuments::default()
    };
    let list = fixture.memory.list_documents(request).await.unwrap();
    let page = |path: &str| {
        let address = site.url(path).to_string();
        list.documents
            .iter()
            .find(|item| item.source_uri == address)
            .unwrap()
            .clone()
    };
    let root = page("/").metadata.unwrap();
    assert_eq!(root["crawl_depth"], 0);
    assert!(!root.contains_key("parent_url"));
    assert_eq!(
        root["crawl_session_id"],
        reply.crawl_metadata.crawl_session_id.as_str()
    );
    assert_eq!(
        root["crawl_timestamp"],
        reply.crawl_metadata.crawl_timestamp.as_str()
    );
    assert_eq!(root["crawl_root_url"], site.url("/").as_str());
    assert_eq!(
        (&root["status_code"], &root["language"]),
        (&200.into(), &"en".into())
    );
    let german = page("/de/anleitung").metadata.unwrap();
    assert_eq!(german["language"], "de");
    assert!(german["crawl_depth"].as_u64().unwrap() > 0);
    assert!(!page("/guide/retries").filename.is_empty());
}

#[tokio::test]
async fn limits_and_patterns_are_kept() {
    let site = Site::start().await;
    sites::documentation(&site);
    for (request, pages) in [
        (IngestUrl::new(site.url("/"), "docs"), 1),
        (
            IngestUrl {
                max_depth: 0,
                ..all(&site)
            },
            1,
        ),
        (
            IngestUrl {
                max_pages: 3,
                ..all(&site)
            },
            3,
        ),
        (
            IngestUrl {
                include: vec!["/".into(), "/guide/**".into()],
                ..all(&site)
            },
            5,
        ),
        (
            IngestUrl {
                exclude: vec!["/**".into()],
                ..all(&site)
            },
            1,
        ),
    ] {
        let fixture = Fixture::new().await;
        let reply = fixture.crawl(request.clone()).await;
        assert_eq!(fixture.pages().await.len(), pages, "{request:?}\n{reply:?}");
    }
}

#[tokio::test]
async fn a_selector_says_what_the_content_is() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    site.put(
        "/",
        Answer::html("<p>around</p><div class='x'><p>This is inside of it.</p></div>"),
    );
    let request = IngestUrl {
        selector: Some(".x".to_owned()),
        include_document_ids: true,
        ..IngestUrl::new(site.url("/"), "docs")
    };
    let id = fixture.crawl(request).await.document_ids.unwrap().remove(0);
    let page = fixture
        .memory
        .get_document(GetDocument::new(id))
        .await
        .unwrap();
    assert_eq!(page.content.trim(), "This is inside of it.");
    let wrong = IngestUrl {
        selector: Some("p[".to_owned()),
        ..IngestUrl::new(site.url("/"), "docs")
    };
    assert!(
        fixture
            .memory
            .ingest_url(wrong, &Watch::nobody())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn hostile_pages_are_items_and_the_rest_goes_on() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    let long = "This page says something that is worth keeping, at some length. ".repeat(5);
    let links = [
        "/private", "/loop", "/endless", "/deep", "/broken", "/off", "/bomb", "/image", "/good",
    ];
    let list: String = links
        .iter()
        .map(|path| format!("<a href='{path}'>{path}</a>"))
        .collect();
    site.put(
        "/",
        Answer::html(format!("<main><p>{long}</p>{list}</main>")),
    );
    site.put("/private", Answer::redirect("http://10.0.0.1/secret"));
    site.put("/loop", Answer::redirect("/loop"));
    site.put("/endless", Answer::html("<p>more and more</p>").endless());
    let deep = format!(
        "{}{long}{}",
        "<div>".repeat(10_000),
        "</div>".repeat(10_000)
    );
    site.put("/deep", Answer::html(deep));
    site.put(
        "/broken",
        Answer::html(format!("<table><p><b>{long} broken<div")),
    );
    site.put("/off", Answer::html(long.clone()).broken_off());
    site.put("/bomb", Answer::html("x".repeat(30 << 20)).gzip());
    site.put(
        "/image",
        Answer::bytes("image/png", b"\x89PNG\r\n\x1a\n".to_vec()),
    );
    site.put(
        "/good",
        Answer::html(format!("<main><p>good: {long}</p></main>")),
    );
    let reply = tokio::time::timeout(Duration::from_secs(60), fixture.crawl(all(&site)))
        .await
        .unwrap();
    let failed: BTreeSet<String> = reply
        .failed_pages
        .iter()
        .map(|page| page.url.clone())
        .collect();
    for path in ["/private", "/loop", "/endless", "/off", "/bomb"] {
        assert!(
            failed.contains(site.url(path).as_str()),
            "{path}: {reply:?}"
        );
    }
    assert!(
        reply
            .skipped_pages
            .iter()
            .any(|page| page.url.ends_with("/image")),
        "{reply:?}"
    );
    let pages = fixture.pages().await;
    for path in ["/", "/good", "/broken"] {
        assert!(pages.contains(site.url(path).as_str()), "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn a_shell_without_a_browser_is_told() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::javascript(&site);
    let (path, _) = sites::JAVASCRIPT_PAGES[0];
    let reply = fixture.crawl(IngestUrl::new(site.url(path), "docs")).await;
    assert!(
        reply
            .warnings
            .iter()
            .any(|warning| warning.contains("JavaScript")),
        "{reply:?}"
    );
}

#[tokio::test]
async fn addresses_that_are_none_are_refused() {
    let fixture = Fixture::new().await;
    for (address, kind) in [
        ("", ErrorKind::Invalid),
        ("example", ErrorKind::Invalid),
        ("ftp://example.org/", ErrorKind::Invalid),
        ("file:///etc/passwd", ErrorKind::Invalid),
        ("http://10.0.0.1/", ErrorKind::Forbidden),
        (
            "http://169.254.169.254/latest/meta-data/",
            ErrorKind::Forbidden,
        ),
        ("http://[::ffff:10.0.0.1]/", ErrorKind::Forbidden),
        ("http://192.168.1.1/", ErrorKind::Forbidden),
    ] {
        let request = IngestUrl::new(address, "docs");
        let error = fixture
            .memory
            .ingest_url(request, &Watch::nobody())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{address}: {error}");
    }
}
