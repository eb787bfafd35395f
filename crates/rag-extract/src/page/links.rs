//! Where a page links to, and what its headings are known by.

use std::collections::HashSet;

use dom_query::{Document, NodeRef};
use url::Url;

use super::Anchor;
use super::head::heading_text;

/// The most links and anchors that are taken from a page.
const LINKS_MAX: usize = 10_000;

/// What the page's relative addresses are relative to.
pub(super) fn base_of(document: &Document, url: &Url) -> Url {
    let base = document.select("base[href]");
    base.nodes()
        .first()
        .and_then(|node| node.attr("href"))
        .and_then(|href| url.join(href.trim()).ok())
        .filter(|base| matches!(base.scheme(), "http" | "https"))
        .unwrap_or_else(|| url.clone())
}

/// The http and https addresses the page links to: absolute, without fragment,
/// each once, in their order.
pub(super) fn links(document: &Document, base: &Url) -> Vec<Url> {
    let mut seen = HashSet::new();
    let mut links = Vec::new();
    for node in document.select("a[href], area[href]").nodes() {
        let rel = node.attr_or("rel", "").to_ascii_lowercase();
        if rel.split_ascii_whitespace().any(|word| word == "nofollow") {
            continue;
        }
        let href = node.attr_or("href", "");
        let Ok(mut link) = base.join(href.trim()) else {
            continue;
        };
        link.set_fragment(None);
        if matches!(link.scheme(), "http" | "https") && seen.insert(link.clone()) {
            links.push(link);
        }
        if links.len() == LINKS_MAX {
            break;
        }
    }
    links
}

/// What the headings are known by: their own `id`, that of the section they
/// open, or that of an empty anchor in or before them.
pub(super) fn anchors(document: &Document) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    for heading in document.select("h1, h2, h3, h4, h5, h6").nodes() {
        let inner = heading.descendants_it().filter(NodeRef::is_element);
        let own = std::iter::once(*heading).chain(inner).find_map(|node| {
            let name = || node.attr("name").filter(|_| node.has_name("a"));
            node.attr("id").or_else(name)
        });
        let section = || {
            let parent = heading.parent()?;
            let opens = heading.prev_element_sibling().is_none();
            let id = parent.attr("id").filter(|_| opens);
            let before = || {
                let before = heading.prev_element_sibling()?;
                let is_empty = before.has_name("a") && before.text().trim().is_empty();
                before
                    .attr("id")
                    .or_else(|| before.attr("name"))
                    .filter(|_| is_empty)
            };
            id.or_else(before)
        };
        let Some(id) = own.or_else(section).filter(|id| !id.is_empty()) else {
            continue;
        };
        let heading = heading_text(heading);
        if !heading.is_empty() {
            let id = id.to_string();
            anchors.push(Anchor { heading, id });
        }
        if anchors.len() == LINKS_MAX {
            break;
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_absolute_and_each_once() {
        let document = Document::from(
            "<base href='/docs/v1/'><a href='a#x'>1</a><a href='./a'>2</a><a href='#top'>3</a>\
             <a href='mailto:x@y'>4</a><a href='https://other.org/b?q=1'>5</a>\
             <a rel='external nofollow' href='/secret'>6</a><a href='http://['>7</a><a>8</a>",
        );
        let base = base_of(&document, &Url::parse("https://example.com/index").unwrap());
        let links: Vec<String> = links(&document, &base).iter().map(Url::to_string).collect();
        let expected = [
            "https://example.com/docs/v1/a",
            "https://example.com/docs/v1/",
            "https://other.org/b?q=1",
        ];
        assert_eq!(links, expected);
    }

    #[test]
    fn headings_are_known_by_what_stands_nearest() {
        let document = Document::from(
            "<h1 id=one>One<a class=headerlink href='#one'>¶</a></h1><section id=two><h2>Two</h2>\
             <h3><a name=three></a>Three</h3></section><a id=four></a><h4>Four</h4><h2>None</h2>",
        );
        let anchors = anchors(&document);
        let found: Vec<_> = anchors.iter().map(|a| (&*a.heading, &*a.id)).collect();
        let expected = [
            ("One", "one"),
            ("Two", "two"),
            ("Three", "three"),
            ("Four", "four"),
        ];
        assert_eq!(found, expected);
    }
}
