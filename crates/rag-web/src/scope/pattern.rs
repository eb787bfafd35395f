//! A caller's patterns.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use url::Url;

use super::percent_decoded;

/// A pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {message}")]
pub struct BadPattern {
    /// What was given.
    pub pattern: String,
    /// What is wrong with it.
    pub message: String,
}

/// Globs, of which any may match.
#[derive(Clone, Debug)]
pub(super) struct Patterns {
    /// Those for paths.
    paths: GlobSet,
    /// Those for whole addresses.
    addresses: GlobSet,
}

impl Patterns {
    pub(super) fn new(patterns: &[String]) -> Result<Self, BadPattern> {
        let mut paths = GlobSetBuilder::new();
        let mut addresses = GlobSetBuilder::new();
        for pattern in patterns {
            let (set, text) = if pattern.contains("://") {
                (&mut addresses, pattern.clone())
            } else {
                (&mut paths, path_pattern(pattern))
            };
            if let Some(folder) = text.strip_suffix("/**").filter(|folder| !folder.is_empty()) {
                set.add(glob(pattern, folder)?);
            }
            set.add(glob(pattern, &text)?);
        }
        let build = |set: &GlobSetBuilder| {
            set.build().map_err(|error| BadPattern {
                pattern: patterns.join(" "),
                message: error.kind().to_string(),
            })
        };
        Ok(Patterns {
            paths: build(&paths)?,
            addresses: build(&addresses)?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.addresses.is_empty()
    }

    pub(super) fn matches(&self, url: &Url) -> bool {
        is_match(&self.paths, url.path()) || is_match(&self.addresses, url.as_str())
    }
}

/// Whether one of the globs matches `text` as it is, or as people read it.
fn is_match(set: &GlobSet, text: &str) -> bool {
    set.is_match(text)
        || text.contains('%') && percent_decoded(text).is_some_and(|decoded| set.is_match(decoded))
}

/// What a pattern for paths means from the site's root.
fn path_pattern(pattern: &str) -> String {
    if pattern.starts_with('/') || pattern.starts_with("**") {
        pattern.to_owned()
    } else if pattern.contains('/') {
        format!("/{pattern}")
    } else {
        format!("/**/{pattern}")
    }
}

/// `given` is what the caller wrote, for the error.
fn glob(given: &str, text: &str) -> Result<Glob, BadPattern> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map_err(|error| BadPattern {
            pattern: given.to_owned(),
            message: error.kind().to_string(),
        })
}
