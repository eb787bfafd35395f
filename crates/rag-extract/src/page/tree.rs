//! What `dom_query` has no method for.

use dom_query::{NodeRef, Selection};

/// Puts a node's children in its place.
pub(super) fn unwrap(node: &NodeRef) {
    for child in node.children() {
        node.insert_before(&child);
    }
    node.remove_from_parent();
}

/// The same, with space around them.
pub(super) fn unwrap_apart(node: &NodeRef) {
    node.insert_before(&node.tree.new_text(" "));
    node.insert_after(&node.tree.new_text(" "));
    unwrap(node);
}

/// Whether something in the node matches the selector.
pub(super) fn has_any(node: &NodeRef, selector: &str) -> bool {
    Selection::from(*node).select_single(selector).exists()
}
