//! Notices beside the text (notes, tips, warnings) become quotes that begin
//! with their title.

use dom_query::{Document, NodeRef, Selection};

use super::super::head::squeeze;
use super::prepend_title;

/// How generators mark a notice.
const CALLOUTS: &str = ".admonition, .theme-admonition, .admonitionblock, .custom-block, \
    .markdown-alert, .starlight-aside, .hint-container, .callout, .bd-callout, .notecard, \
    .alert[role='alert'], .alert-info, .alert-warning, .alert-danger, .alert-primary, aside[role='note']";

/// Where they put its title.
const TITLES: &str = ".admonition-title, [class*='admonitionHeading'], .custom-block-title, \
    .markdown-alert-title, .starlight-aside__title, .hint-container-title, .callout-title, \
    .alert-heading, summary, td.icon";

/// Words in classes that are a title where there is no other.
const KINDS: &[&str] = &[
    "note",
    "tip",
    "info",
    "important",
    "warning",
    "caution",
    "danger",
    "hint",
    "error",
    "attention",
    "seealso",
    "deprecated",
    "example",
];

/// Makes a quote of every notice.
pub(super) fn rewrite(document: &Document) {
    for callout in document.select(CALLOUTS).nodes() {
        let titles = Selection::from(*callout).select(TITLES);
        let own = titles.nodes().first();
        let title = own
            .map(|node| squeeze(&node.text()))
            .filter(|text| !text.is_empty());
        if let Some(own) = own {
            own.remove_from_parent();
        }
        if callout.text().trim().is_empty() && title.is_none() {
            continue;
        }
        if let Some(title) = title.or_else(|| kind_of(callout)) {
            prepend_title(callout, &title);
        }
        callout.rename("blockquote");
        callout.remove_all_attrs();
    }
}

fn kind_of(callout: &NodeRef) -> Option<String> {
    let class = callout.attr_or("class", "").to_ascii_lowercase();
    let mut words = class.split(|c: char| !c.is_ascii_alphabetic());
    let kind = words.find(|word| KINDS.contains(word))?;
    Some(kind[..1].to_ascii_uppercase() + &kind[1..])
}
