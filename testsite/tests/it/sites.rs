//! Whole sites: that they are what their constants say.

use std::io::Read;

use testsite::{Site, Target, sites};

use crate::client::get;

async fn text(site: &Site, path: &str) -> String {
    let reply = get(site.address(), path, "").await.unwrap();
    assert_eq!(reply.status, 200, "{path}");
    reply.text().to_owned()
}

#[tokio::test]
async fn the_documentation_holds_its_facts_once() {
    let site = Site::start().await;
    sites::documentation(&site);
    let mut pages = Vec::new();
    for &path in sites::DOCUMENTATION_PAGES {
        let page = text(&site, path)
            .await
            .replace("<code>", "`")
            .replace("</code>", "`");
        pages.push((path, page));
    }
    for (path, _, sentence) in sites::FACTS {
        let on = pages.iter().filter(|(_, page)| page.contains(sentence));
        let on: Vec<_> = on.map(|(path, _)| path).collect();
        assert_eq!(on, [path], "{sentence}");
    }
    let sitemap = text(&site, "/sitemap.xml").await;
    assert_eq!(
        sitemap.matches("<loc>").count(),
        sites::DOCUMENTATION_PAGES.len()
    );
    for (duplicate, original) in sites::DOCUMENTATION_DUPLICATES {
        assert_eq!(text(&site, duplicate).await, text(&site, original).await);
    }
    assert!(
        text(&site, "/robots.txt")
            .await
            .contains("Disallow: /private/")
    );
    let llms = text(&site, "/llms.txt").await;
    assert!(llms.contains(site.url("/guide/installation").as_str()));
}

#[tokio::test]
async fn every_link_of_the_documentation_leads_somewhere() {
    let site = Site::start().await;
    sites::documentation(&site);
    let mut pending = vec![site.url("/")];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(url) = pending.pop() {
        if !seen.insert(url.clone()) {
            continue;
        }
        let page = text(&site, &url[url::Position::BeforePath..]).await;
        for link in page.split("<a ").skip(1) {
            let (_, link) = link.split_once("href=\"").unwrap();
            let (link, _) = link.split_once('"').unwrap();
            let mut link = url.join(&link.replace("&amp;", "&")).unwrap();
            link.set_fragment(None);
            if link.scheme() == "http" {
                pending.push(link);
            }
        }
    }
    let expected = sites::DOCUMENTATION_PAGES.len() + sites::DOCUMENTATION_DUPLICATES.len() + 1;
    assert_eq!(seen.len(), expected, "{seen:?}");
}

#[tokio::test]
async fn scripted_pages_say_nothing_without_scripts() {
    let site = Site::start().await;
    sites::javascript(&site);
    for &(path, sentence) in sites::JAVASCRIPT_PAGES {
        let page = text(&site, path).await;
        assert_eq!(page.contains(sentence), path == "/js/looping", "{path}");
    }
    assert!(text(&site, "/js/data.json").await.contains("ferry"));
}

#[tokio::test]
async fn the_hostile_page_names_its_target_and_reaches_nothing_by_itself() {
    let (site, target) = (Site::start().await, Target::start().await);
    sites::hostile_page(&site, &target.url());
    let page = text(&site, sites::HOSTILE_PAGE).await;
    assert!(!page.contains(sites::HOSTILE_DONE));
    let port = target.port();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.00.00.01",
        "[::ffff:127.0.0.1]",
    ] {
        assert!(
            page.contains(&format!("http://{host}:{port}/secret")),
            "{host}"
        );
    }
    for path in sites::HOSTILE_LEAVING {
        assert!(
            get(site.address(), path, "").await.unwrap().status < 400,
            "{path}"
        );
    }
    let redirect = get(site.address(), "/redirect-out?307", "").await.unwrap();
    assert_eq!(redirect.status, 307);
    assert!(
        redirect
            .header("location")
            .unwrap()
            .starts_with(target.url().as_str())
    );
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_generated_site_is_one_tree_of_distinct_pages() {
    let site = Site::start().await;
    sites::many(&site, 120);
    let sitemap = text(&site, "/sitemap.xml").await;
    assert_eq!(sitemap.matches("<loc>").count(), 120);
    let mut linked = std::collections::BTreeSet::new();
    for number in 0..120 {
        let page = text(&site, &sites::many_path(number)).await;
        assert!(page.contains(&sites::many_fact(number)), "{number}");
        assert!((3000..5000).contains(&page.len()), "{}", page.len());
        linked.extend(
            page.split("href=\"")
                .skip(1)
                .map(|link| link.split('"').next().unwrap().to_owned()),
        );
    }
    assert_eq!(linked.len(), 120);
    assert_eq!(
        get(site.address(), "/page/120", "").await.unwrap().status,
        404
    );
}

#[tokio::test]
async fn large_sitemaps_name_as_many_pages_as_asked() {
    let site = Site::start().await;
    sites::large_sitemap(&site, 25_001);
    let index = text(&site, "/sitemap.xml").await;
    let mut entries = 0;
    for number in 0..index.matches("<loc>").count() {
        let path = format!("/sitemaps/{number}.xml.gz");
        assert!(index.contains(&path));
        let file = get(site.address(), &path, "").await.unwrap();
        let mut xml = String::new();
        flate2::read::GzDecoder::new(&*file.body)
            .read_to_string(&mut xml)
            .unwrap();
        entries += xml.matches("<loc>").count();
    }
    assert_eq!(entries, 25_001);
    assert_eq!(
        get(site.address(), "/sitemaps/3.xml.gz", "")
            .await
            .unwrap()
            .status,
        404
    );

    let site = Site::start().await;
    sites::looping_sitemap(&site);
    assert!(
        text(&site, "/sitemap.xml")
            .await
            .contains(site.url("/sitemap.xml").as_str())
    );
}
