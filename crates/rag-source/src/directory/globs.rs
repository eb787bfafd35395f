//! Globs that files are included and excluded by.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::SourceError;

/// How many globs there may be.
const GLOBS_MAX: usize = 200;
/// How long one may be.
const GLOB_BYTES_MAX: usize = 1_000;

/// A set of globs, some for paths and some for names.
pub(super) struct Globs {
    paths: GlobSet,
    names: GlobSet,
}

impl Globs {
    pub(super) fn new(patterns: &[String]) -> Result<Self, SourceError> {
        let bad = |pattern: &str, reason: &dyn std::fmt::Display| SourceError::BadPattern {
            pattern: pattern.chars().take(GLOB_BYTES_MAX).collect(),
            reason: reason.to_string(),
        };
        if patterns.len() > GLOBS_MAX {
            return Err(bad(
                &patterns[GLOBS_MAX],
                &format!("it is one of more than {GLOBS_MAX}"),
            ));
        }
        let (mut paths, mut names) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in patterns {
            let tidied = pattern.trim();
            let relative = tidied.strip_prefix("./").unwrap_or(tidied);
            let is_path = relative.trim_end_matches('/').contains('/');
            let relative = relative.trim_matches('/');
            if relative.is_empty() {
                return Err(bad(pattern, &"it is empty"));
            }
            if relative.len() > GLOB_BYTES_MAX {
                return Err(bad(pattern, &"it is too long"));
            }
            let glob = GlobBuilder::new(relative)
                .literal_separator(true)
                .build()
                .map_err(|error| bad(pattern, error.kind()))?;
            match is_path {
                true => paths.add(glob),
                false => names.add(glob),
            };
        }
        let build = |set: GlobSetBuilder| set.build().map_err(|error| bad("", error.kind()));
        Ok(Globs {
            paths: build(paths)?,
            names: build(names)?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.names.is_empty()
    }

    /// Whether one of them matches `path`, which is below `directory`.
    pub(super) fn matches(&self, directory: &Path, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(directory) else {
            return false;
        };
        let name = relative.file_name();
        self.paths.is_match(relative) || name.is_some_and(|name| self.names.is_match(name))
    }

    /// Whether one of them matches `path` or a folder it is in.
    pub(super) fn matches_within(&self, directory: &Path, path: &Path) -> bool {
        path.ancestors()
            .take_while(|ancestor| *ancestor != directory)
            .any(|ancestor| self.matches(directory, ancestor))
    }
}
