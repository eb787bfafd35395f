//! Which addresses belong to a crawl, and when two are the same. Pure.

mod canonical;
mod kind;
mod pattern;

use url::Url;

pub use canonical::canonical;
pub(crate) use canonical::percent_decoded;
pub use pattern::BadPattern;
use pattern::Patterns;

/// The most characters an address may have. Longer ones are generated, by
/// scripts or by mistakes.
pub(crate) const URL_CHARS_MAX: usize = 2_000;

/// How often in a row the same segments may follow each other in a path.
const REPETITIONS_MAX: usize = 3;

/// The longest group of segments whose repetition is looked for.
const REPEATED_SEGMENTS_MAX: usize = 3;

/// What a crawl keeps to: the root's host, with or without `www.`, and the
/// caller's patterns.
#[derive(Clone, Debug)]
pub struct Scope {
    site: Site,
    /// The root's path up to its last slash.
    folder: String,
    include: Patterns,
    exclude: Patterns,
}

impl Scope {
    /// The scope of a crawl from `root`. Patterns are globs, matched against
    /// the path (`/docs/**`) or, when they have a scheme, the whole address.
    /// With no `include` everything is in; `exclude` wins.
    ///
    /// `*` and `?` stay within a segment, `**` does not, `/docs/**` means
    /// `/docs` as well, and a pattern without a slash is one for the last
    /// segment (`*.pdf`). Case matters; `%20` and the like may be written
    /// decoded or not. The patterns hold for the root too: a caller who wants
    /// its links in any case fetches it without asking.
    pub fn new(root: &Url, include: &[String], exclude: &[String]) -> Result<Self, BadPattern> {
        let root = canonical(root);
        let path = root.path();
        Ok(Scope {
            site: Site::of(&root),
            folder: path[..path.rfind('/').map_or(0, |slash| slash + 1)].to_owned(),
            include: Patterns::new(include)?,
            exclude: Patterns::new(exclude)?,
        })
    }

    /// `Err` with the reason when `url` is out.
    pub fn admits(&self, url: &Url) -> Result<(), &'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("neither http nor https");
        }
        if url.as_str().len() > URL_CHARS_MAX {
            return Err("its address is too long");
        }
        if Site::of(url) != self.site {
            return Err("another site");
        }
        if repeats_itself(url.path()) {
            return Err("its path repeats itself");
        }
        if let Some(reason) = kind::no_document(url.path()) {
            return Err(reason);
        }
        if self.exclude.matches(url) {
            return Err("excluded by a pattern");
        }
        if !self.include.is_empty() && !self.include.matches(url) {
            return Err("matches no include pattern");
        }
        Ok(())
    }

    /// Whether `url` is below the root's directory: of the same site, with a
    /// path that begins like the root's up to its last slash.
    pub fn is_below_root(&self, url: &Url) -> bool {
        let url = canonical(url);
        Site::of(&url) == self.site && url.path().starts_with(&self.folder)
    }
}

/// What makes two addresses those of one site. The scheme is not part of it: a
/// page on http and one on https are commonly the same.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    /// Without `www.`.
    host: String,
    /// Unless it is the scheme's own.
    port: Option<u16>,
}

impl Site {
    fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        Site {
            host: host.strip_prefix("www.").unwrap_or(host).to_owned(),
            port: url.port(),
        }
    }
}

/// Whether the same few segments follow each other too often in a path, as they
/// do where relative links lead ever deeper.
fn repeats_itself(path: &str) -> bool {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    (1..=REPEATED_SEGMENTS_MAX).any(|period| {
        let mut run = 0;
        segments.windows(period + 1).any(|window| {
            run = if window[0] == window[period] {
                run + 1
            } else {
                0
            };
            run == period * REPETITIONS_MAX
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_go_round_are_noticed() {
        for (path, expected) in [
            ("/", false),
            ("/a/a/a", false),
            ("/a/a/a/a", true),
            ("/x/a//a/a/a/y", true),
            ("/a/b/a/b/a/b", false),
            ("/a/b/a/b/a/b/a/b", true),
            ("/en/docs/v1/en/docs/v1/en/docs/v1/en/docs/v1", true),
            ("/2024/01/01/a", false),
            ("/a/a/b/a/a/b/a/a", false),
        ] {
            assert_eq!(repeats_itself(path), expected, "{path}");
        }
    }
}
