//! What a page says about itself: title, description, language, canonical
//! address, and what it asks of robots.

use dom_query::{Document, NodeRef};
use url::Url;

/// What a page says about itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Head {
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) language: Option<String>,
    pub(super) canonical: Option<Url>,
    pub(super) no_index: bool,
    pub(super) no_follow: bool,
}

/// What stands between a page's title and its site's.
const SEPARATORS: &[&str] = &[" | ", " - ", " – ", " — ", " · ", " :: ", " » ", " • "];

/// Reads what the page says about itself; `base` is what links are relative to.
pub(super) fn read_head(document: &Document, base: &Url) -> Head {
    let robots = document
        .select("meta[name][content]")
        .nodes()
        .iter()
        .filter(|meta| meta.attr_or("name", "").eq_ignore_ascii_case("robots"))
        .map(|meta| meta.attr_or("content", "").to_ascii_lowercase())
        .collect::<Vec<_>>()
        .join(",");
    let asks = |word: &str| {
        let mut words = robots.split([',', ' ']);
        words.any(|asked| asked.trim() == word)
    };
    let canonical = attribute(document, "link[rel~='canonical' i][href]", "href")
        .and_then(|href| base.join(&href).ok())
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|mut url| {
            url.set_fragment(None);
            url
        });
    Head {
        title: title(document),
        description: meta(
            document,
            &["description", "og:description", "twitter:description"],
        ),
        language: language(document),
        canonical,
        no_index: asks("noindex") || asks("none"),
        no_follow: asks("nofollow") || asks("none"),
    }
}

/// The page's own part of its title: the whole of it, unless a heading says
/// which part is the site's.
fn title(document: &Document) -> String {
    let headings: Vec<String> = document
        .select("h1")
        .nodes()
        .iter()
        .map(heading_text)
        .filter(|text| !text.is_empty())
        .take(8)
        .collect();
    let og = meta(document, &["og:title", "twitter:title"]);
    let element = document.select("head > title");
    let element = element.nodes().first().map(|node| squeeze(&node.text()));
    let candidates = [element.unwrap_or_default(), og.unwrap_or_default()];
    for candidate in &candidates {
        if let Some(heading) = headings
            .iter()
            .find(|heading| candidate == *heading || is_part_of_title(heading, candidate))
        {
            return heading.clone();
        }
    }
    let first = candidates.into_iter().find(|title| !title.is_empty());
    first
        .or_else(|| headings.into_iter().next())
        .unwrap_or_default()
}

/// Whether `part` stands at one end of the title, cut off by a separator.
fn is_part_of_title(part: &str, title: &str) -> bool {
    let separated = |separator: &str| {
        let at_start = title.strip_prefix(part);
        let at_end = title.strip_suffix(part);
        at_start.is_some_and(|rest| rest.starts_with(separator))
            || at_end.is_some_and(|rest| rest.ends_with(separator))
    };
    SEPARATORS.iter().any(|separator| separated(separator))
}

/// A heading's text without the sign that links to it.
pub(super) fn heading_text(heading: &NodeRef) -> String {
    let mut text = String::new();
    push_text(heading, &mut text);
    let text = squeeze(&text);
    text.trim_end_matches(['¶', '#', '§', '🔗', '\u{200b}', ' '])
        .trim_start_matches(['§', '\u{200b}', ' '])
        .to_owned()
}

fn push_text(node: &NodeRef, text: &mut String) {
    for child in node.children_it(false) {
        if child.is_text() {
            text.push_str(&child.text());
        } else if !is_mark(&child) {
            push_text(&child, text);
        }
    }
}

/// Whether a link's text only says that it links to where it stands.
pub(super) fn is_sign(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    !text.contains(char::is_alphanumeric)
        || ["permalink", "link to", "direct link", "anchor", "copy link"]
            .iter()
            .any(|start| text.starts_with(start))
}

fn is_mark(node: &NodeRef) -> bool {
    node.has_name("button")
        || node.has_class("mw-editsection")
        || node.has_name("a") && is_sign(&node.text())
}

fn language(document: &Document) -> Option<String> {
    attribute(document, "html[lang]", "lang")
        .or_else(|| attribute(document, "html[xml\\:lang]", "xml:lang"))
        .or_else(|| attribute(document, "meta[http-equiv='content-language' i]", "content"))
        .or_else(|| meta(document, &["og:locale"]))
        .and_then(|tag| language_tag(&tag))
}

/// A BCP 47 tag as it is usually written: `pt-BR`, also when it is given as
/// `pt_br`.
fn language_tag(given: &str) -> Option<String> {
    let given = given.split([',', ';']).next()?.trim().replace('_', "-");
    let mut parts = given.split('-');
    let primary = parts.next()?.to_ascii_lowercase();
    let is_subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let mut tag = primary;
    for part in parts.take_while(|part| is_subtag(part)) {
        tag.push('-');
        match part.len() {
            2 => tag.push_str(&part.to_ascii_uppercase()),
            4 => {
                tag.push_str(&part[..1].to_ascii_uppercase());
                tag.push_str(&part[1..].to_ascii_lowercase());
            }
            _ => tag.push_str(&part.to_ascii_lowercase()),
        }
    }
    Some(tag)
}

/// The first of these `meta` elements that says something.
fn meta(document: &Document, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let selector = format!("meta[name='{name}' i], meta[property='{name}' i]");
        attribute(document, &selector, "content")
    })
}

fn attribute(document: &Document, selector: &str, name: &str) -> Option<String> {
    let nodes = document.select(selector);
    let mut values = nodes
        .nodes()
        .iter()
        .filter_map(|node| node.attr(name))
        .map(|value| squeeze(&value));
    values.find(|value| !value.is_empty())
}

/// The text with single spaces for all space.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(html: &str) -> Head {
        let base = Url::parse("https://example.com/docs/page").unwrap();
        read_head(&Document::from(html), &base)
    }

    #[test]
    fn a_title_loses_its_site_only_when_a_heading_says_so() {
        for (html, expected) in [
            ("<title>Install - Site</title><h1>Install</h1>", "Install"),
            ("<title>Site | Install</title><h1>Install</h1>", "Install"),
            ("<title>Install - Site</title>", "Install - Site"),
            (
                "<title>Install - Site</title><h1>Other</h1>",
                "Install - Site",
            ),
            ("<title>Installing</title><h1>Install</h1>", "Installing"),
            ("<title> A\n title </title>", "A title"),
            (
                "<title>x</title><meta property=og:title content='Set up — Site'><h1>Set up</h1>",
                "Set up",
            ),
            ("<h1>Only<a>¶</a></h1>", "Only"),
            ("<body><svg><title>Icon</title></svg>", ""),
            (
                "<title></title><meta property=og:title content=Graph>",
                "Graph",
            ),
        ] {
            assert_eq!(head(html).title, expected, "{html}");
        }
    }

    #[test]
    fn a_page_says_its_language_address_and_wishes() {
        let page = head(
            "<html lang=pt_br><meta name=Description content=' What it is '>\
             <link rel=canonical href='/docs/other#part'><meta name=ROBOTS content='NoIndex, follow'>",
        );
        assert_eq!(page.language.as_deref(), Some("pt-BR"));
        assert_eq!(page.description.as_deref(), Some("What it is"));
        let canonical = page.canonical.as_ref().map(Url::as_str);
        assert_eq!(canonical, Some("https://example.com/docs/other"));
        assert!(page.no_index && !page.no_follow);
        let page =
            head("<html lang=''><meta name=robots content=none><link rel=canonical href=data:x>");
        assert!(page.no_index && page.no_follow);
        assert_eq!((page.language, page.canonical), (None, None));
    }
}
