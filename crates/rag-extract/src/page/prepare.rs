//! Says in plain HTML what a page says by classes and scripts, before anything
//! that does not know those chooses or drops: code blocks become `pre` and
//! `code`, notices become quotes, tabs follow each other with their names, and
//! formulas become `code` of a class of their own.

mod callout;
mod code;
mod math;

use dom_query::{Document, NodeRef, Selection};

pub(super) use self::math::{DISPLAY, INLINE};
use super::finish::take_apart;
use super::head::{is_sign, squeeze};
use super::tree::has_any;

/// Signs beside headings that link to them, and other marks that are no text.
const MARKS: &str = "a.headerlink, a.header-anchor, a.hash-link, a.anchorjs-link, a.heading-anchor, \
    a.heading-link, a.doc-anchor, a.subheading-anchor, a.td-heading-self-link, a.direct-link, a.sl-anchor-link, a.anchor-heading, \
    h1 .anchor, h2 .anchor, h3 .anchor, h4 .anchor, h5 .anchor, h6 .anchor, \
    .mw-editsection, .zeroclipboard-container, clipboard-copy";

/// Names of tabs, and the panes they show: list, name, pane.
const TABS: &[(&str, &str, &str)] = &[
    ("[role='tablist']", "[role='tab']", "[role='tabpanel']"),
    (".tabbed-labels", "label", ".tabbed-block"),
];

/// Rewrites the document.
pub(super) fn prepare(document: &Document) {
    for mark in document.select(MARKS).nodes() {
        // Some generators put a heading's text in there.
        if !mark.has_name("a") || is_sign(&mark.text()) {
            mark.remove_from_parent();
        }
    }
    code::rewrite(document);
    math::rewrite(document);
    tabs(document);
    callout::rewrite(document);
    details(document);
    signatures(document);
    superscripts(document);
    layouts(document);
}

/// Puts each tab's name before its pane.
fn tabs(document: &Document) {
    for (list, name, pane) in TABS {
        for tabs in document.select(list).nodes() {
            let names: Vec<String> = Selection::from(*tabs)
                .select(name)
                .nodes()
                .iter()
                .map(|tab| squeeze(&tab.text()))
                .collect();
            let Some(parent) = tabs.parent() else {
                continue;
            };
            let panes = Selection::from(parent).select(pane);
            if names.is_empty() || panes.length() != names.len() {
                continue;
            }
            for (pane, name) in panes.nodes().iter().zip(&names) {
                pane.remove_attrs(&["hidden", "style", "aria-hidden"]);
                prepend_title(pane, name);
            }
            tabs.remove_from_parent();
        }
    }
    for label in document
        .select(".sd-tab-set > label, .tabbed-set > label")
        .nodes()
    {
        let name = squeeze(&label.text());
        label.rename("p");
        set_strong(label, &name);
    }
}

/// Opens what a reader can fold.
fn details(document: &Document) {
    for summary in document.select("details > summary").nodes() {
        if has_any(summary, "h1, h2, h3, h4, h5, h6, pre") {
            summary.rename("div");
        } else {
            let title = squeeze(&summary.text());
            summary.rename("p");
            set_strong(summary, &title);
        }
    }
    document.select("details").rename("div");
}

/// Signatures in references of an API are code.
fn signatures(document: &Document) {
    for signature in document
        .select("dt.sig, dl.py > dt, dl.function > dt, dl.method > dt")
        .nodes()
    {
        let text = squeeze(&signature.text());
        if !text.is_empty() {
            let code = signature.tree.new_element("code");
            code.set_text(text);
            signature.remove_children();
            signature.append_child(&code);
        }
    }
}

/// Tables around tables are there for the looks.
fn layouts(document: &Document) {
    for table in document.select("table").nodes() {
        let role = table.attr_or("role", "");
        if matches!(&*role, "presentation" | "none") || has_any(table, "table") {
            take_apart(table);
        }
    }
}

/// Keeps powers from becoming digits of their base, and references to notes
/// from becoming part of a word.
fn superscripts(document: &Document) {
    for node in document.select("sup").nodes() {
        let text = squeeze(&node.text());
        let is_power = text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '−' | 'n' | 'x' | 'k' | 'm'));
        if text.is_empty() {
            node.remove_from_parent();
        } else if has_any(node, "a[href*='#']") {
            let is_marked = text.starts_with(['[', '(']);
            node.set_text(if is_marked { text } else { format!("[{text}]") });
        } else if is_power {
            node.set_text(format!("^{text}"));
        }
    }
}

/// Puts a title in bold type before everything in `node`.
fn prepend_title(node: &NodeRef, title: &str) {
    if !title.is_empty() {
        let paragraph = node.tree.new_element("p");
        set_strong(&paragraph, title);
        node.prepend_child(&paragraph);
    }
}

/// Makes text in bold type all that is in `node`.
fn set_strong(node: &NodeRef, text: &str) {
    let strong = node.tree.new_element("strong");
    strong.set_text(text);
    node.remove_children();
    node.append_child(&strong);
}
