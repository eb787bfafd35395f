//! Finds the main content of a page: where the caller says it is, where the
//! page's generator puts it, where `rs-trafilatura` sees it, or else all of the
//! page that is not plainly around it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dom_query::{Document, Matcher};
use rs_trafilatura::Options;
use url::Url;

use super::head::squeeze;
use super::preset::{Preset, outer_html};
use super::prune::prune;
use super::tree::has_any;
use crate::ExtractError;

/// The main content, as a document of its own.
pub(super) struct Content {
    /// What found it.
    pub(super) method: &'static str,
    pub(super) document: Document,
}

/// Pages of more bytes go without `rs-trafilatura`, which works through a page
/// many times.
const TRAFILATURA_BYTES_MAX: usize = 4 << 20;

/// The same for pages of more elements.
const TRAFILATURA_ELEMENTS_MAX: usize = 60_000;

/// Fewer words than this are what `rs-trafilatura` makes of a title.
const FOUND_WORDS_MIN: usize = 10;

/// A preset that finds fewer words than this is taken to be wrong.
const PRESET_WORDS_MIN: usize = 10;

/// Blocks of text, but for a page's own heading.
const BLOCKS: &str = "p, li, h2, h3, h4, h5, h6, dt, dd, blockquote, div, section";

/// How many hundredths of a block's runs of words are in a text that has it.
const AGREED_MIN: usize = 70;

/// What the caller's selector matches.
///
/// # Errors
/// [`ExtractError::Selector`] when it is none, or nothing matches.
pub(super) fn by_selector(document: &Document, selector: &str) -> Result<Content, ExtractError> {
    let matcher = matcher(selector)?;
    let html = outer_html(document.select_matcher(&matcher).nodes());
    if html.is_empty() {
        return Err(bad_selector(selector, "matches nothing on the page"));
    }
    Ok(Content {
        method: "selector",
        document: Document::fragment(html),
    })
}

/// The selector, if it is one.
pub(super) fn matcher(selector: &str) -> Result<Matcher, ExtractError> {
    Matcher::new(selector).map_err(|_| bad_selector(selector, "is not a CSS selector"))
}

fn bad_selector(selector: &str, problem: &'static str) -> ExtractError {
    ExtractError::Selector {
        selector: selector.to_owned(),
        problem,
    }
}

/// The content as `preset` or the page's looks say.
pub(super) fn find(document: &Document, preset: Option<&Preset>, url: &Url) -> Content {
    if let Some(preset) = preset
        && let Some(content) = preset.content(document)
        && words(&content) >= PRESET_WORDS_MIN
    {
        return Content {
            method: preset.name,
            document: content,
        };
    }
    let found = trafilatura(document, url);
    let pruned = body(document);
    match found {
        Some(found) if words(&found) >= FOUND_WORDS_MIN && !loses(&found, &pruned.document) => {
            Content {
                method: "trafilatura",
                document: found,
            }
        }
        _ => pruned,
    }
}

/// All of the page that is not plainly around its content.
pub(super) fn body(document: &Document) -> Content {
    Content {
        method: "body",
        document: Document::fragment(prune(document)),
    }
}

fn words(content: &Document) -> usize {
    content.text().split_whitespace().count()
}

/// What `rs-trafilatura` finds, unless it fails.
fn trafilatura(document: &Document, url: &Url) -> Option<Document> {
    let html = document.html();
    let elements = document.select("*").length();
    if html.len() > TRAFILATURA_BYTES_MAX || elements > TRAFILATURA_ELEMENTS_MAX {
        return None;
    }
    let options = Options {
        url: Some(url.to_string()),
        include_links: true,
        include_formatting: true,
        ..Options::default()
    };
    let extract = AssertUnwindSafe(|| rs_trafilatura::extract_with_options(&html, &options));
    let result = catch_unwind(extract).ok()?.ok()?;
    let html = match result.content_html {
        Some(html) if !html.trim().is_empty() => html,
        // Put together of several parts, it is text only.
        _ => paragraphs(&result.content_text),
    };
    let content = Document::fragment(html);
    agree(&content, &result.content_text);
    (words(&content) > 0).then_some(content)
}

/// Takes blocks out of the HTML that the text does not have, which is the
/// stricter of the two: fewer lists of related pages, fewer repeated titles.
fn agree(content: &Document, text: &str) {
    let said = grams(text);
    for block in content.select(BLOCKS).nodes() {
        let in_table = block.ancestors_it(None).any(|node| node.has_name("table"));
        if in_table || has_any(block, BLOCKS) || has_any(block, "pre, code, table") {
            continue;
        }
        let own = grams(&block.text());
        let known = own.iter().filter(|gram| said.contains(*gram)).count();
        if known * 100 < own.len() * AGREED_MIN {
            block.remove_from_parent();
        }
    }
}

/// The hashes of all runs of one to four words.
fn grams(text: &str) -> HashSet<u64> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let hash = |run: &[&str]| {
        let mut hasher = DefaultHasher::new();
        run.hash(&mut hasher);
        hasher.finish()
    };
    (1..=4)
        .flat_map(|length| words.windows(length).map(hash))
        .collect()
}

fn paragraphs(text: &str) -> String {
    let document = Document::fragment("");
    let root = document.html_root();
    for line in text.lines().map(squeeze).filter(|line| !line.is_empty()) {
        let paragraph = document.tree.new_element("p");
        paragraph.set_text(line);
        root.append_child(&paragraph);
    }
    root.inner_html().to_string()
}

/// Whether what was found has lost most of what the whole has: nearly all of
/// the text, or half of the code or tables.
fn loses(found: &Document, whole: &Document) -> bool {
    let code = |document: &Document| document.select("pre").text().len();
    let rows = |document: &Document| document.select("td").length();
    let lost = |found: usize, whole: usize| found * 2 < whole;
    words(found) * 20 < words(whole)
        || code(whole) > 200 && lost(code(found), code(whole))
        || rows(whole) > 20 && lost(rows(found), rows(whole))
}
