//! Looking at a site.

use rag_memory::ErrorKind;
use rag_memory::api::AnalyzeWebsite;
use testsite::{Answer, Site, sites};

use crate::Fixture;

#[tokio::test]
async fn a_site_is_told_by_its_sitemap() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    sites::documentation(&site);
    let request = AnalyzeWebsite {
        include_url_lists: true,
        max_urls_per_pattern: 2,
        ..AnalyzeWebsite::new(site.url("/"))
    };
    let analysis = fixture.memory.analyze_website(request).await.unwrap();
    assert_eq!(analysis.analysis_method, "sitemap");
    assert_eq!(analysis.total_urls, sites::DOCUMENTATION_PAGES.len());
    assert_eq!(analysis.domains, ["127.0.0.1"]);
    assert_eq!(analysis.pattern_stats["/guide"].count, 4);
    assert_eq!(analysis.pattern_stats["/guide"].avg_depth, 2.0);
    assert_eq!(analysis.pattern_stats["/guide"].example_urls.len(), 3);
    assert_eq!(analysis.patterns[0], "/guide");
    assert_eq!(analysis.url_groups.unwrap()["/guide"].len(), 2);
    assert!(!analysis.crawling_forbidden);
    assert!(analysis.llms_txt.unwrap().link_count > 0);
}

#[tokio::test]
async fn unreachable_not_found_and_malformed_are_three_answers() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    let ask = || {
        fixture
            .memory
            .analyze_website(AnalyzeWebsite::new(site.url("/")))
    };
    let nothing = ask().await.unwrap();
    assert_eq!(
        (nothing.analysis_method.as_str(), nothing.total_urls),
        ("not_found", 0)
    );
    assert!(nothing.warnings.is_empty(), "{:?}", nothing.warnings);

    site.put("/sitemap.xml", Answer::xml("<urlset><url><loc>http://"));
    let malformed = ask().await.unwrap();
    assert_eq!(malformed.analysis_method, "not_found");
    assert!(
        malformed.warnings[0].contains("/sitemap.xml"),
        "{:?}",
        malformed.warnings
    );

    site.go_down().await;
    let unreachable = ask().await.unwrap_err();
    assert_eq!(unreachable.kind(), ErrorKind::Unavailable, "{unreachable}");

    let private = AnalyzeWebsite::new("http://10.0.0.1/");
    let refused = fixture.memory.analyze_website(private).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden, "{refused}");
    assert!(
        refused.to_string().contains("RAG_ALLOW_PRIVATE_HOSTS"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_site_that_forbids_crawling_is_told_as_such() {
    let fixture = Fixture::new().await;
    let site = Site::start().await;
    site.put("/robots.txt", Answer::text("User-agent: *\nDisallow: /\n"));
    let request = AnalyzeWebsite::new(site.url("/"));
    let analysis = fixture.memory.analyze_website(request).await.unwrap();
    assert!(analysis.crawling_forbidden);
    assert!(analysis.notes.contains("forbids"), "{}", analysis.notes);
}
