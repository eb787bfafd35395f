//! Formulas: their TeX source where the page has it.

use dom_query::{Document, NodeRef, Selection};

use super::super::head::squeeze;

/// The class of a `code` element that holds TeX; `finish` makes formulas of
/// them.
pub(crate) const INLINE: &str = "math-inline";

/// The same, for a formula that stands by itself.
pub(crate) const DISPLAY: &str = "math-display";

/// Makes `<code class="math-…">` of every formula whose source is known.
pub(super) fn rewrite(document: &Document) {
    let scripts = document.select("script[type^='math/tex']");
    if scripts.exists() {
        // What MathJax has drawn already stands before the source.
        document
            .select(".MathJax, .MathJax_Display, .MathJax_Preview, .MathJax_SVG")
            .remove();
    }
    for script in scripts.nodes() {
        let is_display = script.attr_or("type", "").contains("mode=display");
        replace(script, &script.text(), is_display);
    }
    document
        .select(".mwe-math-fallback-image-inline, .mwe-math-fallback-image-display")
        .remove();
    for math in document.select("math").nodes() {
        let source = Selection::from(*math)
            .select("annotation[encoding='application/x-tex'], annotation[encoding='TeX']")
            .nodes()
            .first()
            .map(NodeRef::text)
            .or_else(|| math.attr("alttext"));
        let Some(source) = source else {
            continue;
        };
        // The same formula is drawn beside its MathML.
        let drawn = math
            .ancestors_it(Some(4))
            .filter(|node| {
                ["katex", "katex-display", "mwe-math-element", "MathJax"]
                    .iter()
                    .any(|class| node.has_class(class))
                    || node.has_name("mjx-container")
            })
            .last();
        let is_display = math.attr_or("display", "").eq_ignore_ascii_case("block")
            || drawn.is_some_and(|node| node.has_class("katex-display"));
        replace(&drawn.unwrap_or(*math), &source, is_display);
    }
    for node in document.select("span.math, div.math, .arithmatex").nodes() {
        let text = node.text();
        let text = text.trim();
        let between = |start: &str, end: &str| text.strip_prefix(start)?.strip_suffix(end);
        if let Some(source) = between("\\(", "\\)") {
            replace(node, source, false);
        } else if let Some(source) = between("\\[", "\\]").or_else(|| between("$$", "$$")) {
            replace(node, source, true);
        }
    }
}

fn replace(node: &NodeRef, source: &str, is_display: bool) {
    let source = squeeze(source);
    if source.is_empty() {
        node.remove_from_parent();
        return;
    }
    let formula = node.tree.new_element("code");
    formula.set_attr("class", if is_display { DISPLAY } else { INLINE });
    formula.set_text(source);
    node.replace_with(&formula);
}
