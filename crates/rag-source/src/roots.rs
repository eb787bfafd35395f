//! The folders that may be read. The one guard of every file access.

use std::io;
use std::path::{Path, PathBuf};

use crate::SourceError;

/// The folders that files may be read from, with everything below them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRoots(Vec<PathBuf>);

impl FileRoots {
    /// No file may be read.
    pub fn none() -> Self {
        FileRoots(Vec::new())
    }

    /// Files at or below these paths may be read. Fails for one that does not
    /// exist, rather than allowing whatever appears there later.
    pub fn new(roots: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Self, SourceError> {
        let canonical = |root: &Path| {
            root.canonicalize()
                .map_err(|error| SourceError::from_io(root, error))
        };
        roots
            .into_iter()
            .map(|root| canonical(root.as_ref()))
            .collect::<Result<_, _>>()
            .map(FileRoots)
    }

    /// The folders, without symbolic links.
    pub fn paths(&self) -> &[PathBuf] {
        &self.0
    }

    /// `path` without symbolic links, if that may be read. Whether something
    /// exists is told only inside of the roots.
    pub fn resolve(&self, path: &Path) -> Result<PathBuf, SourceError> {
        let outside = || SourceError::OutsideRoots {
            path: path.to_owned(),
        };
        match path.canonicalize() {
            Ok(real) if self.allows(&real) => Ok(real),
            Ok(_) => Err(outside()),
            Err(error) => {
                let absolute = std::path::absolute(path).map_err(|_| outside())?;
                match nearest_existing(&absolute) {
                    Some(parent) if self.allows(&parent) => Err(SourceError::from_io(path, error)),
                    _ => Err(outside()),
                }
            }
        }
    }

    fn allows(&self, real: &Path) -> bool {
        self.0.iter().any(|root| real.starts_with(root))
    }
}

/// The closest ancestor that exists, without symbolic links.
fn nearest_existing(path: &Path) -> Option<PathBuf> {
    let canonical = |ancestor: &Path| match ancestor.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        other => other.ok(),
    };
    path.ancestors().skip(1).find_map(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_what_is_below_a_root_is_resolved() {
        let folder = tempfile::tempdir().unwrap();
        let (open, shut) = (folder.path().join("open"), folder.path().join("shut"));
        fs::create_dir_all(open.join("sub")).unwrap();
        fs::create_dir_all(&shut).unwrap();
        for file in [
            open.join("a.md"),
            open.join("sub/b.md"),
            shut.join("secret"),
        ] {
            fs::write(file, "text").unwrap();
        }
        let roots = FileRoots::new([&open]).unwrap();
        let resolves = |path: &str| match roots.resolve(&open.join(path)) {
            Ok(_) => "yes",
            Err(SourceError::OutsideRoots { .. }) => "outside",
            Err(SourceError::NotFound { .. }) => "missing",
            Err(_) => "other",
        };
        let absolute_secret = shut.join("secret");
        for (path, expected) in [
            ("a.md", "yes"),
            ("", "yes"),
            ("sub/../a.md", "yes"),
            ("missing.md", "missing"),
            ("sub/missing/deep", "missing"),
            ("../shut/secret", "outside"),
            ("../shut/missing", "outside"),
            ("../openly", "outside"),
            (absolute_secret.to_str().unwrap(), "outside"),
            ("/etc/passwd", "outside"),
        ] {
            assert_eq!(resolves(path), expected, "{path}");
        }
        assert!(FileRoots::none().resolve(&open).is_err());
        assert!(FileRoots::new([folder.path().join("nowhere")]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_before_the_check() {
        let folder = tempfile::tempdir().unwrap();
        let (open, shut) = (folder.path().join("open"), folder.path().join("shut"));
        fs::create_dir_all(&open).unwrap();
        fs::create_dir_all(&shut).unwrap();
        fs::write(shut.join("secret"), "text").unwrap();
        std::os::unix::fs::symlink(shut.join("secret"), open.join("link")).unwrap();
        std::os::unix::fs::symlink(&shut, open.join("way-out")).unwrap();
        let roots = FileRoots::new([&open]).unwrap();
        for path in ["link", "way-out/secret", "way-out/missing"] {
            let error = roots.resolve(&open.join(path)).unwrap_err();
            assert!(
                matches!(error, SourceError::OutsideRoots { .. }),
                "{path}: {error}"
            );
        }
    }
}
