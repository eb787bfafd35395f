//! `rag analyze`: what a site has, and three ways of not having it.

use testsite::{Answer, Site, sites};

use crate::program::User;

fn visitor(site: &Site) -> User {
    User::new().with("RAG_ALLOW_PRIVATE_HOSTS", site.host())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_described() {
    let site = Site::start().await;
    sites::documentation(&site);
    let user = visitor(&site);
    let root = site.url("/").to_string();
    let analysis = user.json(&["analyze", &root, "--include-urls", "--max-urls", "2"]);
    assert_eq!(analysis["analysis_method"], "sitemap");
    assert_eq!(analysis["total_urls"], sites::DOCUMENTATION_PAGES.len());
    assert_eq!(
        analysis["pattern_stats"]["/guide"]["count"], 4,
        "{analysis}"
    );
    assert_eq!(
        analysis["url_groups"]["/guide"].as_array().unwrap().len(),
        2
    );
    assert!(
        analysis["llms_txt"]["link_count"].as_u64().unwrap() > 0,
        "{analysis}"
    );
    let human = user.rag(&["analyze", &root]).stdout;
    for part in ["pages known by its sitemaps", "/guide", "llms.txt offers"] {
        assert!(human.contains(part), "{part} is not in {human}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_not_found_and_malformed_are_three_answers() {
    let site = Site::start().await;
    let user = visitor(&site);
    let root = site.url("/").to_string();

    site.put("/", Answer::html("<p>Nothing but a page.</p>"));
    let bare = user.json(&["analyze", &root]);
    assert_eq!(bare["analysis_method"], "not_found", "{bare}");
    assert_eq!(bare["total_urls"], 0);

    site.put("/sitemap.xml", Answer::xml("<urlset><url><loc>broken"));
    let malformed = user.json(&["analyze", &root]);
    let warnings = malformed["warnings"].to_string();
    assert!(warnings.contains("sitemap.xml"), "{malformed}");

    site.put(
        "/robots.txt",
        Answer::text("User-agent: *\nDisallow: /\nCrawl-delay: 3\n"),
    );
    let forbidden = user.json(&["analyze", &root]);
    assert_eq!(forbidden["crawling_forbidden"], true, "{forbidden}");

    site.go_down().await;
    let down = user.rag(&["analyze", &root, "--timeout", "2"]);
    assert_eq!(down.code, 9, "{}{}", down.stdout, down.stderr);
    assert!(down.stderr.contains("cannot be reached"), "{}", down.stderr);

    let wrong = user.rag(&["analyze", &root, "--timeout", "0"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
}
