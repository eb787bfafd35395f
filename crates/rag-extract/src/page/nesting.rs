//! Keeps a page from being too much for its parser: elements that are nested
//! too deep lose their tags, not their text, and a page with too many elements
//! is refused. The parser takes time in the square of the depth, and everything
//! after it takes stack.
//!
//! This follows the tree builder of the HTML standard (13.2.6) only as far as
//! it takes to tell the depth: which elements end others, and which are opened
//! anew in every paragraph. [`flatten`] makes sure of the tree that came out.

use std::borrow::Cow;

use dom_query::Document;

use super::tags::{Tag, Tags};
use super::tree::unwrap;
use crate::ExtractError;

/// How deep elements may be nested. Real pages stay below 100.
pub(super) const DEPTH_MAX: usize = 200;

/// How many elements a page may have: three times the HTML standard on one page.
const ELEMENTS_MAX: usize = 1_000_000;

/// How many formatting elements may be open. The parser opens all of them anew
/// in each paragraph.
const FORMATTING_MAX: usize = 24;

/// The most attributes of a tag. The parser compares each with all before it.
const ATTRIBUTES_MAX: usize = 500;

const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr", "html", "head", "body",
];

/// Elements that are closed with the block they are in, and opened anew in the
/// next (HTML standard, 13.2.4.3).
const FORMATTING: &[&str] = &[
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

/// Elements that end SVG and MathML (HTML standard, 13.2.6.5).
const BREAK_OUT: &[&str] = &[
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "center",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "hr",
    "i",
    "img",
    "li",
    "listing",
    "menu",
    "meta",
    "nobr",
    "ol",
    "p",
    "pre",
    "ruby",
    "s",
    "small",
    "span",
    "strong",
    "strike",
    "sub",
    "sup",
    "table",
    "tt",
    "u",
    "ul",
    "var",
];

/// What ends by the start of something like it, and what bounds the search.
const IMPLIED_ENDS: &[(&[&str], &[&str], &[&str])] = &[
    (&["li"], &["li"], &["ul", "ol", "menu", "table", "td", "th"]),
    (&["dt", "dd"], &["dt", "dd"], &["dl", "table", "td", "th"]),
    (&["td", "th"], &["td", "th"], &["table"]),
    (&["tr"], &["tr"], &["table"]),
    (
        &["tbody", "thead", "tfoot"],
        &["tbody", "thead", "tfoot", "caption", "colgroup"],
        &["table"],
    ),
    (&["option", "optgroup"], &["option"], &["select"]),
    (&["rt", "rp"], &["rt", "rp"], &["ruby"]),
];

/// The page, without the tags that would nest it too deep.
///
/// # Errors
/// [`ExtractError::TooLarge`] when it has too many elements.
pub(super) fn bounded(html: &str) -> Result<Cow<'_, str>, ExtractError> {
    let mut open = Open::default();
    let mut tags = Tags::new(html);
    let mut kept = String::new();
    let mut copied = 0;
    while let Some(tag) = tags.next(open.foreign_at.is_some()) {
        let (start, end) = (tag.start, tag.end);
        let keep = if tag.is_end {
            open.end(&tag.name)
        } else {
            open.start(tag)
        };
        if open.elements > ELEMENTS_MAX {
            return Err(ExtractError::TooLarge {
                limit: format!("{ELEMENTS_MAX} elements"),
            });
        }
        if !keep {
            kept.push_str(&html[copied..start]);
            copied = end;
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(html));
    }
    kept.push_str(&html[copied..]);
    Ok(Cow::Owned(kept))
}

/// Takes apart what is nested too deep in spite of [`bounded`].
pub(super) fn flatten(document: &Document) {
    let mut waiting = vec![(document.root(), 0)];
    while let Some((node, depth)) = waiting.pop() {
        let children = node.children();
        let mut depth = depth;
        if depth > DEPTH_MAX && node.is_element() && !children.is_empty() {
            unwrap(&node);
            depth -= 1;
        }
        waiting.extend(children.into_iter().map(|child| (child, depth + 1)));
    }
}

/// The elements that are open.
#[derive(Default)]
struct Open<'a> {
    stack: Vec<Cow<'a, str>>,
    formatting: usize,
    /// Where SVG or MathML began.
    foreign_at: Option<usize>,
    /// Elements whose start tags were left out.
    left_out: Vec<Cow<'a, str>>,
    elements: usize,
}

impl<'a> Open<'a> {
    /// Whether the start tag is to be kept.
    fn start(&mut self, tag: Tag<'a>) -> bool {
        let name = &*tag.name;
        self.elements += 1;
        if tag.attribute_count > ATTRIBUTES_MAX {
            return false;
        }
        if let Some(at) = self.foreign_at
            && BREAK_OUT.contains(&name)
        {
            self.close(at);
        }
        if VOID.contains(&name) || (tag.is_self_closing && self.foreign_at.is_some()) {
            return true;
        }
        self.end_implied(name);
        let is_formatting = FORMATTING.contains(&name);
        if !is_formatting {
            self.elements += self.formatting;
        }
        if self.stack.len() >= DEPTH_MAX - 2 || (is_formatting && self.formatting >= FORMATTING_MAX)
        {
            self.left_out.push(tag.name);
            return false;
        }
        if self.foreign_at.is_none() && matches!(name, "svg" | "math") {
            self.foreign_at = Some(self.stack.len());
        }
        self.formatting += usize::from(is_formatting);
        self.stack.push(tag.name);
        true
    }

    /// Whether the end tag is to be kept.
    fn end(&mut self, name: &str) -> bool {
        if self.left_out.last().is_some_and(|last| last == name) {
            self.left_out.pop();
            return false;
        }
        let Some(at) = self.stack.iter().rposition(|open| open == name) else {
            return true;
        };
        if FORMATTING.contains(&name) {
            self.stack.remove(at);
            self.formatting -= 1;
        } else {
            self.close(at);
            self.left_out.clear();
        }
        true
    }

    fn end_implied(&mut self, name: &str) {
        // A paragraph ends where another block begins, which is every element
        // here but the inline ones; those in between are opened anew.
        if !FORMATTING.contains(&name)
            && !matches!(
                name,
                "span" | "sub" | "sup" | "q" | "cite" | "kbd" | "label"
            )
            && let Some(at) = self
                .stack
                .iter()
                .rposition(|open| !FORMATTING.contains(&&**open))
            && self.stack[at] == "p"
        {
            self.stack.remove(at);
        }
        let rule = IMPLIED_ENDS
            .iter()
            .find(|(starts, ..)| starts.contains(&name));
        let Some((_, ends, bounds)) = rule else {
            return;
        };
        let bound = self
            .stack
            .iter()
            .rposition(|open| bounds.contains(&&**open));
        let from = bound.map_or(0, |at| at + 1);
        if let Some(at) = self.stack[from..]
            .iter()
            .rposition(|open| ends.contains(&&**open))
        {
            self.close(from + at);
        }
    }

    /// Closes the element at a place in the stack, and all in it. Formatting
    /// elements stay, to be opened anew.
    fn close(&mut self, at: usize) {
        let inner = self.stack.split_off(at);
        let formatting = inner
            .into_iter()
            .filter(|name| FORMATTING.contains(&&**name));
        self.stack.extend(formatting);
        if self.foreign_at.is_some_and(|foreign| foreign >= at) {
            self.foreign_at = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(html: &str) -> usize {
        let document = Document::from(html);
        flatten(&document);
        let nodes = document.root().descendants();
        let depths = nodes.iter().map(|node| node.ancestors(None).len());
        depths.max().unwrap_or_default()
    }

    #[test]
    fn what_is_nested_as_pages_are_is_left_alone() {
        for html in [
            String::new(),
            "<p>one<p>two".repeat(5_000),
            "<ul>".to_owned() + &"<li>item".repeat(5_000),
            "<table>".to_owned() + &"<tr><td>a<td>b".repeat(5_000),
            "<dl>".to_owned() + &"<dt>a<dd>b".repeat(5_000),
            "<p><b>bold</b></p>".repeat(5_000),
            "<svg>".to_owned() + &"<path d='M0 0'/>".repeat(5_000) + "</svg>",
            "<div>".repeat(100) + &"</div>".repeat(100),
        ] {
            let kept = bounded(&html).unwrap();
            assert!(
                matches!(kept, Cow::Borrowed(_)),
                "{}",
                &html[..html.len().min(40)]
            );
        }
    }

    #[test]
    fn what_is_nested_deep_keeps_its_text() {
        for element in [
            "div",
            "span",
            "blockquote",
            "b",
            "font",
            "x-y",
            "svg",
            "section",
        ] {
            let start = format!("<{element}>");
            let end = format!("</{element}>");
            let html = start.repeat(10_000) + "needle" + &end.repeat(10_000) + "<p>after</p>";
            let kept = bounded(&html).unwrap();
            assert!(kept.contains("needle") && kept.contains("<p>after</p>"));
            assert!(depth(&kept) <= DEPTH_MAX + 3, "{element}: {}", depth(&kept));
        }
    }

    #[test]
    fn what_the_parser_would_multiply_is_bounded() {
        let paragraphs: String = (0..100_000).map(|n| format!("<p><b id={n}>x")).collect();
        assert!(matches!(
            bounded(&paragraphs),
            Err(ExtractError::TooLarge { .. })
        ));
        let attributes: String = (0..100_000).map(|n| format!(" a{n}")).collect();
        let kept = bounded(&format!("<p{attributes}>text"))
            .unwrap()
            .into_owned();
        assert_eq!(kept, "text");
    }

    #[test]
    fn a_tree_that_is_too_deep_is_flattened() {
        let html = "<div>".repeat(2_000) + "needle";
        assert!(depth(&html) <= DEPTH_MAX + 3, "{}", depth(&html));
    }
}
