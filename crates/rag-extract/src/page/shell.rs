//! Whether a page is an empty shell that a script fills in a browser.

use dom_query::Document;

/// Below this many words, a page may be a shell.
const WORDS_FEW: usize = 50;

/// Below this many words, scripts alone make it one.
const WORDS_NONE: usize = 10;

/// Where single-page applications are hung in.
const MOUNT_POINTS: &str = "#root, #app, #__next, #__nuxt, #___gatsby, #svelte, #q-app, \
    [data-reactroot], [ng-app], [ng-version], app-root, flutter-view, [data-server-rendered]";

/// What a page says to a reader without scripts, in lower case.
const NOTICES: &[&str] = &[
    "enable javascript",
    "javascript is required",
    "requires javascript",
    "javascript to be enabled",
    "javascript is disabled",
    "javascript enabled",
    "turn on javascript",
    "without javascript",
];

/// What on a page speaks for scripts that fill it.
pub(super) struct Signs {
    has_scripts: bool,
    has_empty_mount_point: bool,
    has_notice: bool,
}

impl Signs {
    /// Reads them off a page as it came.
    pub(super) fn of(document: &Document) -> Signs {
        Signs {
            has_scripts: has_scripts(document),
            has_empty_mount_point: has_empty_mount_point(document),
            has_notice: has_notice(document),
        }
    }

    /// Whether they make a shell of a page with this many words of content.
    pub(super) fn tell_shell(&self, words: usize) -> bool {
        let is_hung_in = self.has_empty_mount_point || self.has_notice;
        self.has_scripts && (words < WORDS_NONE || words < WORDS_FEW && is_hung_in)
    }
}

fn has_scripts(document: &Document) -> bool {
    let scripts = document.select("script");
    scripts.nodes().iter().any(|script| {
        let kind = script.attr_or("type", "").to_ascii_lowercase();
        matches!(
            &*kind,
            "" | "module" | "text/javascript" | "application/javascript"
        )
    })
}

fn has_empty_mount_point(document: &Document) -> bool {
    let points = document.select(MOUNT_POINTS);
    let mut points = points.nodes().iter();
    points.any(|point| point.text().split_whitespace().take(WORDS_FEW).count() < WORDS_NONE)
}

fn has_notice(document: &Document) -> bool {
    let says = |text: &str| {
        let text = text.to_lowercase();
        NOTICES.iter().any(|notice| text.contains(notice))
    };
    let notices = document.select("noscript");
    notices
        .nodes()
        .iter()
        .any(|node| says(&node.text()) || says(&node.inner_html()))
        || document.body().is_some_and(|body| {
            let text = body.text();
            text.len() < 4_096 && says(&text)
        })
}
