//! Makes of chosen content the plain HTML that turns into clean Markdown: links
//! absolute or gone, tables regular, nothing empty, no attribute that is not
//! used.

mod inline;
mod table;

use dom_query::{Document, NodeRef};
use url::Url;

pub(super) use self::inline::undisguise;
pub(super) use self::table::{COLUMNS, take_apart};
use super::head::squeeze;
use super::prepare::{DISPLAY, INLINE};
use super::tree::{has_any, unwrap, unwrap_apart};

/// What is never content.
const NO_CONTENT: &str = "script, style, noscript, template, iframe, object, embed, canvas, svg, \
    video, audio, input, select, textarea, button:not([role='tab']), dialog, link, meta, map";

/// Elements that stand in lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "details",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

const HEADINGS: &str = "h1, h2, h3, h4, h5, h6";

/// Rewrites the content, whose links are relative to `base`.
pub(super) fn finish(content: &Document, base: &Url) {
    content.select(NO_CONTENT).remove();
    images(content);
    links(content, base);
    definitions(content);
    formulas(content);
    table::rewrite(content);
    inline::rewrite(content);
    headings(content);
    empties(content);
    for node in content.select("*").nodes() {
        node.retain_attrs(match &*node.node_name().unwrap_or_default() {
            "a" => &["href"],
            "ol" => &["start"],
            "code" | "span" => &["class"],
            "tr" => &[COLUMNS],
            _ => &[],
        });
    }
}

/// An image is what its description says; without one it is nothing.
fn images(content: &Document) {
    for image in content.select("img").nodes() {
        let alt = squeeze(&image.attr_or("alt", ""));
        if is_description(&alt) {
            image.replace_with(&content.tree.new_text(alt));
        } else {
            image.remove_from_parent();
        }
    }
}

/// Whether an image's text is for readers: neither a file's name nor empty.
fn is_description(alt: &str) -> bool {
    let lower = alt.to_ascii_lowercase();
    let is_file = [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif"]
        .iter()
        .any(|extension| lower.ends_with(extension));
    !alt.is_empty() && !is_file && !matches!(&*lower, "image" | "img" | "logo" | "icon" | "photo")
}

/// Makes links absolute. Those that lead nowhere else become their text, and so
/// do those around blocks, which Markdown does not have.
fn links(content: &Document, base: &Url) {
    for link in content.select("a").nodes() {
        let href = link.attr_or("href", "");
        let href = href.trim();
        let target = (!href.is_empty() && !href.starts_with('#'))
            .then(|| base.join(href).ok())
            .flatten()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        match target {
            Some(_) if link.text().trim().is_empty() => link.remove_from_parent(),
            Some(url) if !has_blocks(link) && !same_page(&url, base) => {
                link.set_attr("href", url.as_str());
            }
            _ => unwrap(link),
        }
    }
}

fn same_page(url: &Url, base: &Url) -> bool {
    let without_fragment = |url: &Url| {
        let mut url = url.clone();
        url.set_fragment(None);
        url
    };
    url.fragment().is_some() && without_fragment(url) == without_fragment(base)
}

/// Terms in bold type, what they mean in paragraphs of their own.
fn definitions(content: &Document) {
    for term in content.select("dt").nodes() {
        if has_blocks(term) {
            term.rename("div");
            continue;
        }
        let has_own_type = has_any(term, "code, strong, b");
        term.rename("p");
        if !has_own_type && !term.text().trim().is_empty() {
            let strong = content.tree.new_element("strong");
            for child in term.children() {
                strong.append_child(&child);
            }
            term.append_child(&strong);
        }
    }
    content.select("dd, dl").rename("div");
}

/// Formulas in the form that the converter knows.
fn formulas(content: &Document) {
    for (class, converted) in [(INLINE, "math math-inline"), (DISPLAY, "math math-display")] {
        for formula in content.select(&format!("code.{class}")).nodes() {
            formula.rename("span");
            formula.set_attr("class", converted);
        }
    }
}

/// A heading is one line.
fn headings(content: &Document) {
    for heading in content.select(HEADINGS).nodes() {
        if heading.text().trim().is_empty() {
            heading.remove_from_parent();
            continue;
        }
        for inner in heading.descendants() {
            if inner.has_name("br") {
                inner.replace_with(&content.tree.new_text(" "));
            } else if is_block(&inner) || inner.has_name("strong") || inner.has_name("b") {
                unwrap_apart(&inner);
            }
        }
    }
}

/// Takes out what has nothing in it, the innermost first.
fn empties(content: &Document) {
    for node in content
        .select("p, li, ul, ol, blockquote, strong, b, em, i, code")
        .nodes()
        .iter()
        .rev()
    {
        if node.text().trim().is_empty() {
            node.replace_with(&content.tree.new_text(" "));
        }
    }
}

fn is_block(node: &NodeRef) -> bool {
    node.node_name()
        .is_some_and(|name| BLOCKS.contains(&&*name))
}

fn has_blocks(node: &NodeRef) -> bool {
    node.descendants_it().any(|inner| is_block(&inner))
}
