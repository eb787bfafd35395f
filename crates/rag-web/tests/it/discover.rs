//! What a site says about itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rag_web::{Discovery, FetchError, discover};
use testsite::{Answer, Site, Target, sites};

use crate::fetcher;

async fn found(site: &Site, root: &str) -> Discovery {
    discover(&fetcher(&[site]), &site.url(root), 100_000)
        .await
        .unwrap()
}

fn paths(found: &Discovery) -> Vec<&str> {
    found.urls.iter().map(|page| page.url.path()).collect()
}

fn urlset(paths: &[&str]) -> Answer {
    let entries = paths
        .iter()
        .map(|path| format!("<url><loc>{path}</loc></url>"));
    Answer::xml(format!("<urlset>{}</urlset>", entries.collect::<String>()))
}

#[tokio::test]
async fn a_documentation_site_says_it_all() {
    let site = Site::start().await;
    sites::documentation(&site);
    let found = found(&site, "/").await;
    assert_eq!((found.has_robots, found.crawling_forbidden), (true, false));
    assert_eq!(found.sitemaps, [site.url("/sitemap.xml")]);
    assert_eq!(paths(&found), sites::DOCUMENTATION_PAGES);
    let llms = found.llms_txt.unwrap();
    assert_eq!(llms.url, site.url("/llms.txt"));
    assert_eq!(llms.title.as_deref(), Some("Kestrel"));
    let expected = [
        "/guide/installation",
        "/guide/configuration",
        "/guide/retries",
        "/blog/",
    ];
    assert_eq!(llms.links, expected.map(|path| site.url(path)));
    assert_eq!(found.warnings, [""; 0]);
    assert!(!found.truncated);
}

#[tokio::test]
async fn large_sitemaps_are_read_whole_or_as_far_as_asked() {
    let site = Site::start().await;
    sites::large_sitemap(&site, 50_000);
    let whole = found(&site, "/").await;
    assert_eq!((whole.urls.len(), whole.truncated), (50_000, false));
    assert_eq!(whole.sitemaps.len(), 5, "{:?}", whole.sitemaps);
    assert_eq!(whole.urls[49_999].url.path(), "/news/v1/49999");

    site.clear_requests();
    let part = discover(&fetcher(&[&site]), &site.url("/"), 12_000)
        .await
        .unwrap();
    assert_eq!((part.urls.len(), part.truncated), (12_000, true));
    assert_eq!(site.count("/sitemaps/1.xml.gz"), 1);
    assert_eq!(site.count("/sitemaps/2.xml.gz"), 0);
}

#[tokio::test]
async fn indexes_that_go_in_circles_end() {
    let site = Site::start().await;
    sites::looping_sitemap(&site);
    let found = found(&site, "/").await;
    assert_eq!(paths(&found), ["/one", "/two"]);
    assert_eq!(found.sitemaps, [site.url("/pages.xml")]);
    for path in ["/sitemap.xml", "/other-index.xml", "/pages.xml"] {
        assert_eq!(site.count(path), 1, "{path}");
    }
}

#[tokio::test]
async fn indexes_are_read_within_bounds() {
    let site = Site::start().await;
    let index = |sitemaps: &[String]| {
        let entry = |path: &String| format!("<sitemap><loc>{path}</loc></sitemap>");
        let entries: String = sitemaps.iter().map(entry).collect();
        Answer::xml(format!("<sitemapindex>{entries}</sitemapindex>"))
    };
    let many: Vec<String> = (0..600)
        .map(|number| format!("/many/{number}.xml"))
        .collect();
    site.put("/sitemap.xml", index(&many));
    let wide = found(&site, "/").await;
    assert!(wide.truncated);
    assert_eq!(site.count("/many/498.xml"), 1);
    assert_eq!(site.count("/many/499.xml"), 0);
    assert_eq!(wide.warnings.len(), 52);
    let stopped = "only the first 500 sitemaps are read";
    assert_eq!(wide.warnings.last().map(String::as_str), Some(stopped));

    site.put("/sitemap.xml", index(&["/deep/1".to_owned()]));
    for depth in 1..10 {
        site.put(
            &format!("/deep/{depth}"),
            index(&[format!("/deep/{}", depth + 1)]),
        );
    }
    let deep = found(&site, "/").await;
    assert_eq!((site.count("/deep/5"), site.count("/deep/6")), (1, 0));
    assert!(deep.warnings[0].contains("nested"), "{:?}", deep.warnings);
}

#[tokio::test]
async fn a_site_without_anything_has_nothing() {
    let site = Site::start().await;
    for page_for_everything in [false, true] {
        if page_for_everything {
            let page = "<!doctype html><html><body><h1>Welcome</h1></body></html>";
            site.put_fallback(Arc::new(move |_| Some(Answer::html(page))));
        }
        let found = found(&site, "/").await;
        assert!(
            found.urls.is_empty() && found.sitemaps.is_empty(),
            "{found:?}"
        );
        assert_eq!((found.llms_txt, found.warnings), (None, Vec::new()));
        assert!(!found.has_robots && !found.crawling_forbidden && !found.truncated);
    }
    for path in [
        "/sitemap.xml",
        "/sitemap_index.xml",
        "/sitemap1.xml",
        "/sitemap.xml.gz",
    ] {
        assert_eq!(site.count(path), 2, "{path}");
    }
}

#[tokio::test]
async fn a_site_that_is_down_is_an_error() {
    let site = Site::start().await;
    let fetcher = fetcher(&[&site]);
    discover(&fetcher, &site.url("/"), 10).await.unwrap();
    site.go_down().await;
    // What its robots.txt says is known still.
    let error = discover(&fetcher, &site.url("/"), 10).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    let error = discover(&crate::fetcher(&[]), &site.url("/"), 10)
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Refused(_)), "{error}");
}

#[tokio::test]
async fn what_is_wrong_is_told_and_the_rest_is_read() {
    let site = Site::start().await;
    let target = Target::start().await;
    let elsewhere = target.url();
    let robots = format!(
        "User-agent: *\nCrawl-delay: 0.125\nSitemap: {0}cut.xml\nSitemap: {0}page.html\n\
         Sitemap: {0}missing.xml\nSitemap: {elsewhere}sitemap.xml\nSitemap: {0}good.xml\n\
         Sitemap: {0}again.xml\n",
        site.url("/")
    );
    site.put("/robots.txt", Answer::text(robots));
    site.put(
        "/cut.xml",
        Answer::xml("<urlset><url><loc>/cut</loc></url><url><loc>/half"),
    );
    site.put(
        "/page.html",
        Answer::html("<html><body>Hello</body></html>"),
    );
    site.put("/again.xml", Answer::redirect(site.url("/good.xml")));
    site.put(
        "/good.xml",
        urlset(&["/a?utm_source=map", "/a", "/b", "https://b.example/c"]),
    );
    let begun = Instant::now();
    let found = found(&site, "/").await;
    let urls: Vec<&str> = found.urls.iter().map(|page| page.url.as_str()).collect();
    let own = |path: &str| site.url(path).to_string();
    let expected = [
        own("/cut"),
        own("/a?utm_source=map"),
        own("/b"),
        "https://b.example/c".into(),
    ];
    assert_eq!(urls, expected);
    assert_eq!(found.crawl_delay_s, Some(0.125));
    // Five of the sitemaps are asked of the site.
    assert!(begun.elapsed() >= Duration::from_millis(4 * 125));
    let read = ["/cut.xml", "/good.xml"];
    assert_eq!(found.sitemaps, read.map(|path| site.url(path)));
    for (warning, words) in found.warnings.iter().zip([
        "cut.xml` is damaged",
        "page.html` is no sitemap",
        "missing.xml` answers 404",
        "is a private address",
    ]) {
        assert!(warning.contains(words), "{warning}");
    }
    assert_eq!(found.warnings.len(), 4, "{:?}", found.warnings);
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn what_is_forbidden_is_not_guessed() {
    let site = Site::start().await;
    let robots = format!(
        "User-agent: *\nDisallow: /\nSitemap: {}\n",
        site.url("/named.xml")
    );
    site.put("/robots.txt", Answer::text(robots));
    site.put("/llms.txt", Answer::text("# Title"));
    let nothing = found(&site, "/").await;
    assert!(nothing.has_robots && nothing.crawling_forbidden);
    assert_eq!((nothing.urls.len(), nothing.llms_txt), (0, None));
    assert_eq!(
        (site.count("/sitemap.xml"), site.count("/llms.txt")),
        (0, 0)
    );

    site.put("/named.xml", urlset(&["/a"]));
    assert_eq!(paths(&found(&site, "/").await), ["/a"]);
}

#[tokio::test]
async fn what_others_forbid_is_not_read_for_being_named() {
    let (site, other) = (Site::start().await, Site::start().await);
    let map = other.url("/named.xml");
    let robots = format!("Sitemap: {map}\nSitemap: {}", site.url("/out.xml"));
    site.put("/robots.txt", Answer::text(robots));
    site.put("/out.xml", Answer::redirect(other.url("/out.xml")));
    other.put("/named.xml", urlset(&["/a"]));
    other.put("/out.xml", urlset(&["/b"]));
    for (robots, expected) in [
        ("User-agent: *\nDisallow: /", &[][..]),
        ("User-agent: *\nDisallow: /out", &["/a"]),
        ("", &["/a", "/b"]),
    ] {
        other.put("/robots.txt", Answer::text(robots));
        let fetcher = fetcher(&[&site, &other]);
        let found = discover(&fetcher, &site.url("/"), 10).await.unwrap();
        assert_eq!(paths(&found), expected, "{robots}");
        assert_eq!(found.warnings.len(), 2 - expected.len());
    }
}

#[tokio::test]
async fn a_project_below_a_site_has_its_own() {
    let site = Site::start().await;
    site.put("/sitemap.xml", urlset(&["/top"]));
    site.put("/llms.txt", Answer::text("# Top"));
    let title = |found: &Discovery| found.llms_txt.as_ref().and_then(|llms| llms.title.clone());
    let top = found(&site, "/project/").await;
    assert_eq!(
        (paths(&top), title(&top).as_deref()),
        (vec!["/top"], Some("Top"))
    );

    site.put("/project/sitemap.xml", urlset(&["one"]));
    site.put(
        "/project/llms.txt",
        Answer::text("# Project\n- [One](one.md)"),
    );
    let project = found(&site, "/project/").await;
    assert_eq!(paths(&project), ["/project/one"]);
    assert_eq!(title(&project).as_deref(), Some("Project"));
    let links = project.llms_txt.unwrap().links;
    assert_eq!(links, [site.url("/project/one.md")]);
}
