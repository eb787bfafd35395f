//! A generated site of any size, the same on every run.

use std::fmt::Write;
use std::sync::Arc;

use url::Url;

use crate::{Answer, SeenRequest, Site};

/// Each page links to so many below it.
const CHILDREN: usize = 10;

/// A sitemap may name no more (sitemaps.org), so the site has no more.
const PAGES_MAX: usize = 50_000;

/// Of the prose on a page.
const PROSE_BYTES: usize = 3000;

const WORDS: &[&str] = &[
    "harbour", "lantern", "granite", "meadow", "compass", "timber", "signal", "copper", "river",
    "archive", "barrel", "canvas", "glacier", "orchard", "paddle", "quarry", "ribbon", "saddle",
    "tunnel", "velvet", "willow", "anchor", "bridge", "cellar", "desert", "engine", "furnace",
    "garden", "hammer", "island", "jetty", "kettle", "ladder", "market", "needle", "oyster",
    "pillar", "quiver", "rafter", "shelter", "and", "of", "the", "near", "with", "under", "beside",
    "from", "keeps", "carries", "finds", "holds", "leaves", "crosses", "old", "wide", "quiet",
    "heavy", "northern", "narrow", "bright", "hollow", "seldom", "often",
];

/// Puts a site of `pages` pages, each about 3 kB of prose of its own with
/// navigation around it: a tree of links from `/`, ten below each page, and a
/// sitemap of all. Page `number` is at [`many_path`] and says [`many_fact`].
/// Panics above 50,000 pages.
pub fn many(site: &Site, pages: usize) {
    assert!((1..=PAGES_MAX).contains(&pages), "1 to {PAGES_MAX} pages");
    let sitemap = site.url("/sitemap.xml");
    let robots = format!("User-agent: *\nAllow: /\n\nSitemap: {sitemap}\n");
    site.put("/robots.txt", Answer::text(robots));
    let root = site.url("/");
    site.put_fallback(Arc::new(move |request: &SeenRequest| {
        if request.path() == "/sitemap.xml" {
            return Some(Answer::xml(urlset(&root, (0..pages).map(many_path))));
        }
        let number = match request.path() {
            "/" => 0,
            path => path.strip_prefix("/page/")?.parse().ok()?,
        };
        (number < pages).then(|| Answer::html(page(number, pages)).with_etag())
    }));
}

/// Where page `number` is; page 0 is the root.
pub fn many_path(number: usize) -> String {
    match number {
        0 => "/".to_owned(),
        number => format!("/page/{number}"),
    }
}

/// A sentence that only page `number` has.
pub fn many_fact(number: usize) -> String {
    let [first, second, third] = [number, number / 40, number / 1600].map(|part| WORDS[part % 40]);
    format!("Station {number} of the survey lies between {first}, {second} and {third}.")
}

/// A sitemap of these paths.
pub(super) fn urlset(root: &Url, paths: impl Iterator<Item = String>) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    let root = root.as_str().trim_end_matches('/');
    for path in paths {
        writeln!(xml, "<url><loc>{root}{path}</loc></url>").expect("a string takes any text");
    }
    xml + "</urlset>\n"
}

fn page(number: usize, pages: usize) -> String {
    let children = number * CHILDREN + 1..(number * CHILDREN + 1 + CHILDREN).min(pages);
    let link = |number: usize| {
        let path = many_path(number);
        format!("<li><a href=\"{path}\">Station {number}</a></li>")
    };
    let below: String = children.map(link).collect();
    let above = link(number.saturating_sub(1) / CHILDREN);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>Station {number} – The survey</title></head><body>\n\
         <header><a href=\"/\">The survey</a><nav><ul>{above}</ul></nav></header>\n\
         <main><article><h1>Station {number}</h1>\n{prose}</article></main>\n\
         <nav><h2>Further stations</h2><ul>{below}</ul></nav>\n\
         <footer>The survey is kept by nobody. Imprint, terms, cookies.</footer>\n\
         </body></html>\n",
        prose = prose(number),
    )
}

/// Paragraphs of words in an order that depends on the number only.
fn prose(number: usize) -> String {
    let mut random = number as u64 ^ 0x9E37_79B9_7F4A_7C15;
    let mut word = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        WORDS[usize::try_from(random % WORDS.len() as u64).expect("smaller than the list")]
    };
    let mut text = format!("<p>{}", many_fact(number));
    let mut sentences = 1;
    while text.len() < PROSE_BYTES {
        if sentences % 6 == 0 {
            text.push_str("</p>\n<p>");
        }
        text.push_str(" The");
        for _ in 0..12 {
            text.push(' ');
            text.push_str(word());
        }
        text.push('.');
        sentences += 1;
    }
    text + "</p>\n"
}
