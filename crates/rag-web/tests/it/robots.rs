//! What robots.txt allows, and what follows when it cannot be had.

use std::time::{Duration, Instant};

use rag_web::{FetchError, FetchRequest};
use testsite::{Answer, Site, Target};

use crate::fetcher;

/// A site with a page, and this robots.txt.
async fn site_with(robots: Answer) -> Site {
    let site = Site::start().await;
    site.put("/robots.txt", robots);
    site.put("/page", Answer::html("page"));
    site.put("/private/page", Answer::html("private"));
    site
}

#[tokio::test]
async fn what_is_forbidden_is_not_asked_for() {
    let site = site_with(Answer::text("User-agent: *\nDisallow: /private/")).await;
    let fetcher = fetcher(&[&site]);
    let private = FetchRequest::new(site.url("/private/page"));
    let error = fetcher.fetch(&private).await.unwrap_err();
    let expected = FetchError::Forbidden {
        host: "127.0.0.1".to_owned(),
        path: "/private/page".to_owned(),
    };
    assert_eq!(error, expected);
    assert_eq!(site.count("/private/page"), 0);
    let asked_for = FetchRequest {
        obey_robots: false,
        ..private
    };
    assert_eq!(fetcher.fetch(&asked_for).await.unwrap().body, b"private");
}

#[tokio::test]
async fn a_redirect_is_no_way_around_it() {
    let open = site_with(Answer::status(404)).await;
    let shut = site_with(Answer::text("User-agent: rag-memory\nDisallow: /")).await;
    open.put("/out", Answer::redirect(shut.url("/page").as_str()));
    let fetcher = fetcher(&[&open, &shut]);
    let request = FetchRequest::new(open.url("/out"));
    let error = fetcher.fetch(&request).await.unwrap_err();
    assert!(matches!(error, FetchError::Forbidden { .. }), "{error}");
    assert_eq!(shut.count("/page"), 0);
}

#[tokio::test]
async fn it_is_asked_for_once_for_all() {
    let site =
        site_with(Answer::text("User-agent: *\nDisallow: /x").slow(Duration::from_millis(50)));
    let site = site.await;
    let fetcher = fetcher(&[&site]);
    let fetches = (0..8).map(|_| {
        let (fetcher, url) = (fetcher.clone(), site.url("/page"));
        tokio::spawn(async move { fetcher.fetch(&FetchRequest::new(url)).await })
    });
    for fetch in fetches.collect::<Vec<_>>() {
        assert!(fetch.await.unwrap().is_ok());
    }
    assert_eq!(site.count("/robots.txt"), 1);
}

#[tokio::test]
async fn what_is_not_there_forbids_nothing() {
    let loops = Answer::redirect("/robots.txt");
    let statuses = [401, 403, 404, 410].map(Answer::status);
    for answer in statuses.into_iter().chain([loops]) {
        let site = site_with(answer).await;
        let fetcher = fetcher(&[&site]);
        let robots = fetcher.robots(&site.url("/page")).await.unwrap();
        assert!(!robots.exists && robots.allowed(&site.url("/private/page")));
        assert_eq!(site.count("/robots.txt"), 1);
    }
}

#[tokio::test]
async fn what_leads_to_where_nobody_may_go_forbids_nothing() {
    let target = Target::start().await;
    for location in [
        target.url().to_string(),
        "http://1.1.1.1:25/robots.txt".to_owned(),
        "ftp://a.example/robots.txt".to_owned(),
    ] {
        let site = site_with(Answer::redirect(location)).await;
        let fetched = fetcher(&[&site])
            .fetch(&FetchRequest::new(site.url("/page")))
            .await;
        assert_eq!(fetched.unwrap().body, b"page");
    }
    assert_eq!(target.connections(), 0);
    // But a site that is refused itself is told as such.
    let error = fetcher(&[]).robots(&target.url()).await.unwrap_err();
    assert!(matches!(error, FetchError::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_say_is_left_alone() {
    let site = site_with(Answer::status(500)).await;
    let fetcher = fetcher(&[&site]);
    for _ in 0..2 {
        let request = FetchRequest::new(site.url("/page"));
        let error = fetcher.fetch(&request).await.unwrap_err();
        assert!(matches!(error, FetchError::NoRobots { .. }), "{error}");
        assert!(error.to_string().contains("answers 500"), "{error}");
    }
    assert_eq!((site.count("/robots.txt"), site.count("/page")), (3, 0));
}

#[tokio::test]
async fn a_server_that_recovers_is_heard() {
    let robots = Answer::text("User-agent: *\nDisallow: /private");
    let site = site_with(robots.failing_first(1, 503, None)).await;
    let robots = fetcher(&[&site]).robots(&site.url("/")).await.unwrap();
    assert!(robots.exists && !robots.allowed(&site.url("/private/page")));
}

#[tokio::test]
async fn a_site_out_of_reach_is_told_as_such() {
    let site = site_with(Answer::status(404)).await;
    site.go_down().await;
    let request = FetchRequest::new(site.url("/page"));
    let error = fetcher(&[&site]).fetch(&request).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn only_its_first_500_kib_count() {
    let filler = "# nothing\n".repeat(51_199);
    let rules = "User-agent: *\nDisallow: /private\n";
    for (text, expected) in [
        (format!("{rules}{filler}Disallow: /page"), [false, true]),
        (format!("{filler}{rules}"), [true, true]),
    ] {
        let site = site_with(Answer::text(text)).await;
        let robots = fetcher(&[&site]).robots(&site.url("/")).await.unwrap();
        let allowed = ["/private/page", "/page"].map(|path| robots.allowed(&site.url(path)));
        assert_eq!(allowed, expected);
    }
}

#[tokio::test]
async fn it_may_be_elsewhere() {
    let other = Site::start().await;
    let text = "User-agent: *\nDisallow: /private\nSitemap: /map.xml";
    other.put("/rules", Answer::text(text));
    let site = site_with(Answer::redirect(other.url("/rules").as_str())).await;
    let fetcher = fetcher(&[&site, &other]);
    let robots = fetcher.robots(&site.url("/page?q#part")).await.unwrap();
    assert!(!robots.allowed(&site.url("/private/page")));
    assert_eq!(robots.sitemaps, [other.url("/map.xml")]);
}

#[tokio::test]
async fn its_delay_is_kept() {
    let site = site_with(Answer::text("User-agent: *\nCrawl-delay: 0.3")).await;
    let fetcher = fetcher(&[&site]);
    let request = FetchRequest::new(site.url("/page"));
    let begun = Instant::now();
    for _ in 0..3 {
        fetcher.fetch(&request).await.unwrap();
    }
    assert!(begun.elapsed() >= Duration::from_millis(600));
}
