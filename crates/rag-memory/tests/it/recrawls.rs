//! Crawling a site again, or on: what changed, what moved, what was left.

use rag_memory::api::{CrawlMode, GetDocument, IngestUrl, JobStatus};
use rag_memory::{ErrorKind, Patience, Watch};
use testsite::{Answer, Site, sites};

use crate::crawls::all;
use crate::{Fixture, error};

fn again(site: &Site) -> IngestUrl {
    IngestUrl {
        mode: CrawlMode::Recrawl,
        ..all(site)
    }
}

/// A page that links to others, long enough to be worth keeping.
fn linking(text: &str, links: &[&str]) -> Answer {
    let list: String = links
        .iter()
        .map(|path| format!("<a href='{path}'>{path}</a> "))
        .collect();
    let html = format!(
        "<html><body><main><h1>{text}</h1><p>{text} is what this page says, at some length and \
         in a whole sentence.</p>{list}</main></body></html>"
    );
    Answer::html(html).with_etag()
}

#[tokio::test]
async fn a_recrawl_follows_what_changed_and_keeps_to_its_collection() {
    let fixture = Fixture::new().await;
    fixture.create("other").await.unwrap();
    let site = Site::start().await;
    let page = |text: &str| {
        let links = "<a href='/a'>a</a> <a href='/b'>b</a> <a href='/c'>c</a>";
        let html = format!(
            "<html><body><main><h1>{text}</h1><p>{text} is what this page says, at some length.</p>{links}</main></body></html>"
        );
        Answer::html(html).with_etag()
    };
    for path in ["/", "/a", "/b", "/c"] {
        site.put(path, page(&format!("page {path} one")));
    }
    fixture.crawl(all(&site)).await;
    let other = IngestUrl {
        collection_name: "other".to_owned(),
        ..all(&site)
    };
    fixture.crawl(other).await;

    let twice = fixture
        .memory
        .ingest_url(all(&site), &Watch::nobody())
        .await;
    let said = error(twice);
    assert!(
        said.contains("has been crawled") && said.contains("recrawl"),
        "{said}"
    );

    site.put("/a", page("page a two"));
    site.remove("/b");
    site.put("/c", Answer::status(500));
    site.clear_requests();
    let reply = fixture.crawl(again(&site)).await;
    assert_eq!(
        (
            reply.pages_ingested,
            reply.pages_unchanged,
            reply.old_pages_deleted,
            reply.pages_failed
        ),
        (1, 1, 1, 1),
        "{reply:?}"
    );
    let requests = site.requests();
    let conditional = requests
        .iter()
        .filter(|seen| seen.header("if-none-match").is_some())
        .count();
    assert_eq!(conditional, 4);
    let pages = fixture.pages().await;
    assert_eq!(
        pages.len(),
        4,
        "the other collection still has /b: {pages:?}"
    );
}

#[tokio::test]
async fn a_site_that_cannot_be_reached_changes_nothing() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::documentation(&site);
    fixture.crawl(all(&site)).await;
    let before = fixture.pages().await;
    site.go_down().await;
    for request in [again(&site), IngestUrl::new(site.url("/else"), "docs")] {
        let error = fixture
            .memory
            .ingest_url(request, &Watch::nobody())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    assert_eq!(fixture.pages().await, before);
    site.come_back().await;
    let reply = fixture.crawl(again(&site)).await;
    assert_eq!((reply.pages_failed, reply.old_pages_deleted), (0, 0));
}

#[tokio::test]
async fn a_partial_crawl_is_finished_by_retry_failed() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::documentation(&site);
    site.put("/guide/retries", Answer::status(500));
    let first = fixture.crawl(all(&site)).await;
    assert_eq!(first.pages_failed, 1, "{:?}", first.failed_pages);
    sites::documentation(&site);
    let retry = IngestUrl {
        retry_failed: true,
        ..all(&site)
    };
    let second = fixture.crawl(retry).await;
    assert_eq!((second.job_id, second.pages_failed), (first.job_id, 0));
    assert_eq!(
        fixture.pages().await.len(),
        sites::DOCUMENTATION_PAGES.len()
    );
}

#[tokio::test]
async fn a_page_that_moved_keeps_its_text() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    site.put("/", linking("root", &["/old"]));
    site.put("/old", linking("moved", &[]));
    fixture.crawl(all(&site)).await;
    site.put("/", linking("root", &["/new"]));
    site.put("/new", linking("moved", &[]));
    site.remove("/old");
    let reply = fixture.crawl(again(&site)).await;
    assert_eq!(reply.old_pages_deleted, 1, "{reply:?}");
    let pages = fixture.pages().await;
    assert!(pages.contains(site.url("/new").as_str()), "{pages:?}");
    assert_eq!(pages.len(), 2);
}

#[tokio::test]
async fn a_recrawl_with_larger_limits_finds_what_was_left() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    site.put("/", linking("root", &["/a", "/b"]));
    site.put("/a", linking("a", &["/c"]));
    site.put("/b", linking("b", &[]));
    site.put("/c", linking("c", &[]));
    let narrow = IngestUrl {
        max_pages: 2,
        ..all(&site)
    };
    let reply = fixture.crawl(narrow).await;
    assert!(
        reply
            .warnings
            .iter()
            .any(|text| text.contains("max_pages=2")),
        "{reply:?}"
    );
    fixture.crawl(again(&site)).await;
    assert_eq!(fixture.pages().await.len(), 4);
    // Now all is known, so that everything may be asked for with conditions.
    site.clear_requests();
    let reply = fixture.crawl(again(&site)).await;
    assert_eq!((reply.pages_unchanged, reply.pages_ingested), (4, 0));
    let conditional = |path: &str| {
        let requests = site.requests();
        requests
            .iter()
            .any(|seen| seen.path() == path && seen.header("if-none-match").is_some())
    };
    assert!(["/", "/a", "/b", "/c"].into_iter().all(conditional));
}

#[tokio::test]
async fn the_same_call_goes_on_with_a_crawl_that_was_stopped() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::many(&site, 60);
    let cancel = tokio_util::sync::CancellationToken::new();
    let on_tenth = cancel.clone();
    let watch = Watch {
        progress: std::sync::Arc::new(move |progress| {
            if progress.done >= 10 {
                on_tenth.cancel();
            }
        }),
        cancel,
        patience: Patience::Endless,
    };
    let stopped = fixture
        .memory
        .ingest_url(all(&site), &watch)
        .await
        .unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Cancelled, "{stopped}");
    let reply = fixture.crawl(all(&site)).await;
    assert_eq!(reply.status, JobStatus::Done);
    assert_eq!(reply.pages_crawled, 60);
    assert_eq!(fixture.pages().await.len(), 60);
}

#[tokio::test]
async fn a_recrawl_reads_pages_as_the_crawl_did() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    let page =
        |text: &str| Answer::html(format!("<p>around</p><div class='x'><p>{text}</p></div>"));
    site.put("/", page("This is the first version."));
    let request = IngestUrl {
        selector: Some(".x".to_owned()),
        ..IngestUrl::new(site.url("/"), "docs")
    };
    fixture.crawl(request).await;
    site.put("/", page("This is the second version."));
    let recrawl = IngestUrl {
        mode: CrawlMode::Recrawl,
        include_document_ids: true,
        ..IngestUrl::new(site.url("/"), "docs")
    };
    let id = fixture.crawl(recrawl).await.document_ids.unwrap().remove(0);
    let page = fixture
        .memory
        .get_document(GetDocument::new(id))
        .await
        .unwrap();
    assert_eq!(page.content.trim(), "This is the second version.");
}
