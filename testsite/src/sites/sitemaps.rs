//! Sitemaps that are large, or go in circles. Their pages do not exist.

use std::fmt::Write;
use std::sync::Arc;

use url::Url;

use super::many::urlset;
use crate::answer::gzip;
use crate::{Answer, SeenRequest, Site};

/// Of each sitemap that the index names.
const ENTRIES_PER_SITEMAP: usize = 10_000;

const SECTIONS: [&str; 4] = ["docs", "blog", "api", "news"];

/// Puts `/sitemap.xml`, an index of gzip files that name `entries` pages in
/// all: `/docs/v1/0`, `/blog/v1/1`, `/api/v1/2`, `/news/v1/3`, `/docs/v1/4`, …
/// robots.txt names the index.
pub fn large_sitemap(site: &Site, entries: usize) {
    put_robots(site);
    let root = site.url("/");
    let sitemaps = entries.div_ceil(ENTRIES_PER_SITEMAP);
    let files = (0..sitemaps).map(|number| format!("/sitemaps/{number}.xml.gz"));
    site.put("/sitemap.xml", Answer::xml(index(&root, files)));
    site.put_fallback(Arc::new(move |request: &SeenRequest| {
        let name = request.path().strip_prefix("/sitemaps/")?;
        let number: usize = name.strip_suffix(".xml.gz")?.parse().ok()?;
        let start = number.checked_mul(ENTRIES_PER_SITEMAP)?;
        let numbers = start..entries.min(start.saturating_add(ENTRIES_PER_SITEMAP));
        if numbers.is_empty() {
            return None;
        }
        let path = |number: usize| format!("/{}/v1/{number}", SECTIONS[number % SECTIONS.len()]);
        let xml = urlset(&root, numbers.map(path));
        Some(Answer::bytes("application/x-gzip", gzip(xml.as_bytes())))
    }));
}

/// Puts `/sitemap.xml`, an index that names itself, an index that names it, and
/// one honest sitemap with the two pages `/one` and `/two`.
pub fn looping_sitemap(site: &Site) {
    put_robots(site);
    let root = site.url("/");
    let names = |paths: &[&str]| index(&root, paths.iter().map(|&path| path.to_owned()));
    let first = names(&["/sitemap.xml", "/other-index.xml", "/pages.xml"]);
    site.put("/sitemap.xml", Answer::xml(first));
    let second = names(&["/sitemap.xml", "/other-index.xml"]);
    site.put("/other-index.xml", Answer::xml(second));
    let pages = ["/one", "/two"].map(str::to_owned).into_iter();
    site.put("/pages.xml", Answer::xml(urlset(&root, pages)));
}

fn put_robots(site: &Site) {
    let sitemap = site.url("/sitemap.xml");
    let robots = format!("User-agent: *\nDisallow:\n\nSitemap: {sitemap}\n");
    site.put("/robots.txt", Answer::text(robots));
}

fn index(root: &Url, paths: impl Iterator<Item = String>) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    let root = root.as_str().trim_end_matches('/');
    for path in paths {
        writeln!(xml, "<sitemap><loc>{root}{path}</loc></sitemap>")
            .expect("a string takes any text");
    }
    xml + "</sitemapindex>\n"
}
