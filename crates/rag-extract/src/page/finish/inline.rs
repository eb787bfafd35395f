//! Text and the marks in it.

use dom_query::{Document, NodeRef};

use super::super::tree::{unwrap, unwrap_apart};
use super::{has_blocks, is_block};

/// Characters that Markdown gives a meaning only beside others, and which names
/// in programs are full of. The converter would escape them one by one, and
/// `snake\_case` is not found by who looks for `snake_case`. They pass it as
/// characters for private use, which mean nothing in text but the pictures of
/// some font.
const DISGUISED: [(char, char); 3] = [('_', '\u{f8e0}'), ('[', '\u{f8e1}'), (']', '\u{f8e2}')];

/// Rewrites text outside of code, and the elements around it.
pub(super) fn rewrite(content: &Document) {
    unwrap_others(content);
    for mark in content.select("b, strong, i, em, del, s, a, code").nodes() {
        // A mark does not reach over blocks in Markdown; one in its like would
        // end it.
        let doubled = mark
            .ancestors_it(None)
            .any(|outer| outer.node_name() == mark.node_name());
        let in_block_of_code =
            mark.has_name("code") && mark.parent().is_some_and(|p| p.has_name("pre"));
        if !in_block_of_code && (doubled || has_blocks(mark)) {
            unwrap(mark);
        }
    }
    join_marks(content);
    let mut waiting = vec![content.root()];
    while let Some(node) = waiting.pop() {
        if node.is_text() {
            let text = node.text();
            let clean = clean(&text);
            if *clean != *text {
                node.replace_with(&content.tree.new_text(clean));
            }
        } else if !is_verbatim(&node) {
            waiting.extend(node.children_it(false));
        }
    }
}

/// The Markdown with its characters back.
pub(in crate::page) fn undisguise(markdown: &str) -> String {
    let original = |c| DISGUISED.iter().find(|(_, disguise)| *disguise == c);
    markdown
        .chars()
        .map(|c| original(c).map_or(c, |(plain, _)| *plain))
        .collect()
}

fn is_verbatim(node: &NodeRef) -> bool {
    node.has_name("code") || (node.has_name("span") && node.has_class("math"))
}

/// Text without what cannot be seen, its spaces made plain.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Soft hyphens, spaces without width, marks of direction.
            '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}' => {}
            // Pictures from fonts.
            '\u{e000}'..='\u{f8ff}' => {}
            '\u{a0}' | '\u{2007}' | '\u{202f}' => clean.push(' '),
            _ => match DISGUISED.iter().find(|(plain, _)| *plain == c) {
                Some((_, disguise)) => clean.push(*disguise),
                None => clean.push(c),
            },
        }
    }
    clean
}

/// Joins marks of one kind that follow each other directly, which the converter
/// does in the square of their number.
fn join_marks(content: &Document) {
    for mark in content.select("b, strong, i, em, del, s, code").nodes() {
        let before = mark.prev_sibling();
        let Some(before) = before.filter(|before| before.node_name() == mark.node_name()) else {
            continue;
        };
        for child in mark.children() {
            before.append_child(&child);
        }
        mark.remove_from_parent();
    }
}

/// Takes away elements that Markdown has nothing for, not what is in them.
fn unwrap_others(content: &Document) {
    for node in content.select("body *").nodes() {
        if is_block(node) || is_mark(node) || is_verbatim(node) {
            continue;
        }
        let is_custom = node.node_name().is_some_and(|name| name.contains('-'));
        if is_custom && has_blocks(node) {
            node.rename("div");
        } else if is_custom {
            unwrap_apart(node);
        } else {
            unwrap(node);
        }
    }
}

fn is_mark(node: &NodeRef) -> bool {
    let is = |name: &&str| node.has_name(name);
    ["a", "b", "strong", "i", "em", "del", "s", "br"]
        .iter()
        .any(is)
}
