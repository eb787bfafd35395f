//! A web page: its main content as Markdown, what it says about itself, and
//! where it links to.
//!
//! A page passes through `nesting`, which bounds what it may ask of a parser,
//! is parsed once, and read for its `head`, `links` and whether it is an empty
//! `shell`. `prepare` then says in plain HTML what the page says by classes,
//! `content` finds what to keep by way of `preset` and `prune`, `finish` cleans
//! that up, and `markdown` writes it.

mod content;
mod finish;
mod head;
mod links;
mod markdown;
mod nesting;
mod prepare;
mod preset;
mod prune;
mod shell;
mod tags;
mod tree;

use std::panic::{AssertUnwindSafe, catch_unwind};

use dom_query::Document;
use url::Url;

use self::content::Content;
use self::shell::Signs;
use crate::decode::decode_html;
use crate::{ExtractError, Limits};

/// The most bytes of a page that are looked at.
const PAGE_BYTES_MAX: usize = 32 << 20;

/// The stack that a page as deep as `nesting` allows is sure to fit. Only what
/// is used of it takes memory.
const STACK_BYTES: usize = 32 << 20;

/// A web page that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Its title; empty when it has none.
    pub title: String,
    /// How it describes itself.
    pub description: Option<String>,
    /// Its language as a BCP 47 tag, such as `en` or `pt-BR`.
    pub language: Option<String>,
    /// The address it wants to be known by.
    pub canonical: Option<Url>,
    /// Its main content; empty when it has none.
    pub markdown: String,
    /// Where it links to: http and https, absolute, without fragments, each
    /// once, in order. Links that ask not to be followed are left out.
    pub links: Vec<Url>,
    /// The headings of the content that can be linked to, in order.
    pub anchors: Vec<Anchor>,
    /// It asks not to be kept (`robots` meta tag).
    pub no_index: bool,
    /// It asks for its links not to be followed.
    pub no_follow: bool,
    /// It looks like an empty shell that a script fills.
    pub needs_browser: bool,
    /// What found the main content: `selector`, a preset's name such as
    /// `mdbook`, `trafilatura` or `body`.
    pub method: &'static str,
}

/// A heading and the fragment that leads to it: the page's address, `#` and the
/// id make a citation of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The heading's text, as it stands in the Markdown but for its marks.
    pub heading: String,
    /// The id, as the page has it: it is not percent-encoded.
    pub id: String,
}

/// Reads a web page that came from `url`. With a CSS `selector`, what matches
/// it is the main content.
///
/// # Errors
/// [`ExtractError::TooLarge`] for a page of more than 32 MiB or a million
/// elements, or whose Markdown is longer than `limits` allow;
/// [`ExtractError::Selector`] when `selector` is none or matches nothing;
/// [`ExtractError::ParserFailed`] when no way to read it works.
pub fn extract_page(
    body: &[u8],
    content_type: Option<&str>,
    url: &Url,
    selector: Option<&str>,
    limits: &Limits,
) -> Result<Page, ExtractError> {
    if body.len() > PAGE_BYTES_MAX {
        return Err(ExtractError::TooLarge {
            limit: format!("{PAGE_BYTES_MAX} bytes of HTML"),
        });
    }
    let html = decode_html(body, content_type, url);
    let html = nesting::bounded(&html)?;
    // A thread of its own has the stack it takes, whoever calls; and what a
    // parser leaves behind there when it panics is gone with it.
    let page = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("page".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || read(&html, url, selector));
        thread.map_or(Err(FAILED), |thread| thread.join().unwrap_or(Err(FAILED)))
    })?;
    if page.markdown.len() as u64 > limits.text_bytes_max {
        return Err(ExtractError::TooLarge {
            limit: format!("{} bytes of text", limits.text_bytes_max),
        });
    }
    Ok(page)
}

/// Checks a CSS selector before it is used on many pages.
///
/// # Errors
/// [`ExtractError::Selector`] when it is none.
pub fn check_selector(selector: &str) -> Result<(), ExtractError> {
    content::matcher(selector).map(drop)
}

const FAILED: ExtractError = ExtractError::ParserFailed { format: "HTML" };

fn read(html: &str, url: &Url, selector: Option<&str>) -> Result<Page, ExtractError> {
    let document = Document::from(html);
    nesting::flatten(&document);
    let base = links::base_of(&document, url);
    let head = head::read_head(&document, &base);
    let links = links::links(&document, &base);
    let anchors = links::anchors(&document);
    let signs = Signs::of(&document);
    let preset = preset::preset_of(&document);
    let selected = selector.map(|selector| content::by_selector(&document, selector));
    let content = match selected.transpose()? {
        Some(content) => {
            prepare::prepare(&content.document);
            content
        }
        None => {
            prepare::prepare(&document);
            content::find(&document, preset, url)
        }
    };
    let method = content.method;
    let (method, markdown) = match write(content, &base) {
        Some(markdown) => (method, markdown),
        None => (
            "body",
            write(content::body(&document), &base).ok_or(FAILED)?,
        ),
    };
    let words = markdown.split_whitespace().count();
    Ok(Page {
        title: head.title,
        description: head.description,
        language: head.language,
        canonical: head.canonical,
        anchors,
        needs_browser: signs.tell_shell(words),
        markdown,
        links,
        no_index: head.no_index,
        no_follow: head.no_follow,
        method,
    })
}

/// The content's Markdown, unless a parser fails on it.
fn write(content: Content, base: &Url) -> Option<String> {
    let written = catch_unwind(AssertUnwindSafe(move || {
        finish::finish(&content.document, base);
        let html = content.document.html();
        drop(content);
        markdown::to_markdown(&html)
    }));
    written.ok()?.ok()
}
