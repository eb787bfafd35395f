//! The whole page without what is plainly around its content: navigation, forms,
//! banners. The way that works when no other does.

use std::collections::HashSet;

use dom_query::{Document, NodeRef};

/// What is never content.
const NO_CONTENT: &str = "script, style, noscript, template, iframe, img, nav, form, dialog, \
    [role='navigation'], [role='search'], [role='banner'], [role='contentinfo'], \
    [role='complementary'], [role='dialog'], [role='alertdialog'], [role='menu'], \
    [role='menubar'], [aria-modal='true'], [hidden]:not([hidden='until-found']), \
    [style*='display:none'], [style*='display: none'], .visually-hidden, .sr-only, .noprint";

/// What is no content unless it is in an article.
const AROUND: &str = "header, footer, aside";

/// Words in ids and classes of what is around the content.
const WORDS: &[&str] = &[
    "ad",
    "ads",
    "advert",
    "advertisement",
    "breadcrumb",
    "breadcrumbs",
    "consent",
    "cookie",
    "cookies",
    "copyright",
    "footer",
    "gdpr",
    "login",
    "masthead",
    "menu",
    "modal",
    "nav",
    "navbar",
    "navigation",
    "newsletter",
    "paginate",
    "pagination",
    "pager",
    "popup",
    "promo",
    "promotion",
    "recommended",
    "related",
    "share",
    "sharing",
    "sidebar",
    "signup",
    "skip",
    "skiplink",
    "social",
    "sponsor",
    "sponsored",
    "subscribe",
    "subscription",
    "toc",
];

/// How much of a page's text, in hundredths, goes by its name at most: what
/// holds more is the page.
const NAMED_SHARE_MAX: usize = 20;

/// How much of what is left, in hundredths, the part that says it is the content
/// has at least.
const MAIN_SHARE_MIN: usize = 50;

/// Where a page says its content is.
const MAIN: &str = "main, [role='main'], article, [itemprop='articleBody']";

/// The body, pruned; the part that says it is the content, where it is most of
/// what is left.
pub(super) fn prune(document: &Document) -> String {
    document.select(NO_CONTENT).remove();
    let Some(body) = document.body() else {
        return String::new();
    };
    for node in document.select(AROUND).nodes() {
        let is_inside = node
            .ancestors_it(None)
            .any(|outer| outer.has_name("article") || outer.has_name("main"));
        if !is_inside || node.has_name("aside") || has_word(node) {
            node.remove_from_parent();
        }
    }
    let whole = length(&body).max(1);
    for node in document.select("body [id], body [class]").nodes() {
        let is_box = [
            "div", "section", "ul", "ol", "p", "span", "table", "header", "footer", "a",
        ]
        .iter()
        .any(|name| node.has_name(name));
        if is_box && has_word(node) && length(node) * 100 < whole * NAMED_SHARE_MAX {
            node.remove_from_parent();
        }
    }
    let main = document.select(MAIN);
    let main = super::preset::outer_html(main.nodes());
    let text = length(&Document::fragment(&*main).root());
    if text * 100 >= length(&body) * MAIN_SHARE_MIN {
        main
    } else {
        body.html().to_string()
    }
}

fn length(node: &NodeRef) -> usize {
    node.normalized_char_count()
}

/// Whether a name says that the element is around the content.
fn has_word(node: &NodeRef) -> bool {
    let names = [node.attr_or("id", ""), node.attr_or("class", "")];
    let words: HashSet<String> = names.iter().flat_map(|name| words_of(name)).collect();
    WORDS.iter().any(|word| words.contains(*word))
}

/// The words of an id or class: `siteNav-main` has `site`, `nav` and `main`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words
                .last_mut()
                .expect("there is always one")
                .extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        assert_eq!(
            words_of("siteNav-main_2 x"),
            ["site", "nav", "main", "2", "x"]
        );
    }

    #[test]
    fn what_is_around_goes_by_its_name_unless_it_is_the_page() {
        let long = "content ".repeat(50);
        for (html, expected) in [
            (format!("<div id=cookie-bar>no</div><p>{long}"), false),
            (
                format!("<div class='page sidebarLeft'>no</div><p>{long}"),
                false,
            ),
            (format!("<header>no</header><p>{long}"), false),
            (
                format!("<article><header>no</header><p>{long}</article>"),
                true,
            ),
            (format!("<div class=has-sidebar>no {long}</div>"), true),
            (format!("<div class=metadata>no</div><p>{long}"), true),
        ] {
            let pruned = prune(&Document::from(html.as_str()));
            assert!(pruned.contains("content"), "{html}");
            assert_eq!(pruned.contains("no"), expected, "{html}");
        }
    }
}
