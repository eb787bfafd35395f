//! The text files of a directory.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::file::extension;
use crate::{FileRoots, SourceError};

/// The most files one listing may have.
pub const FILES_MAX: usize = 100_000;
/// How many files and directories are looked at to find them.
const ENTRIES_MAX: usize = 2_000_000;
/// How many warnings a listing has.
const WARNINGS_MAX: usize = 50;
/// How many levels of directories are entered.
const DEPTH_MAX: usize = 64;

/// Files of a directory, and what was passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryListing {
    /// The files without symbolic links, each once, by path.
    pub files: Vec<PathBuf>,
    /// How many sub-directories were not entered, since that was not asked.
    pub directories_left: usize,
    /// What could not be listed and why, in sentences.
    pub warnings: Vec<String>,
}

/// The files below `directory` that have one of `extensions` (with or without
/// their dot, in any case; `*` is every file). Hidden files and what
/// `.gitignore` and `.ignore` files there name are left out; links to files
/// are followed as far as `roots` allow, links to directories are not.
///
/// `directory` must have been resolved by `roots`. Files outside of them never
/// appear. More than [`FILES_MAX`] files are an error.
pub fn list_files(
    directory: &Path,
    roots: &FileRoots,
    extensions: &[String],
    recursive: bool,
) -> Result<DirectoryListing, SourceError> {
    if !directory.is_dir() {
        return Err(SourceError::NotADirectory {
            path: directory.to_owned(),
        });
    }
    let wanted: Vec<String> = extensions
        .iter()
        .map(|extension| match extension.trim() {
            "*" => "*".to_owned(),
            // People write `md`, `.md` and `*.md`.
            name => name.trim_start_matches(['*', '.']).to_lowercase(),
        })
        .collect();
    let mut listing = DirectoryListing::default();
    // Only ignore files at or below the directory count: what is above it, or
    // the user's own settings, must not empty a directory that was named.
    let mut walk = WalkBuilder::new(directory);
    walk.parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false);
    walk.max_depth(Some(if recursive { DEPTH_MAX } else { 1 }));
    for (seen, entry) in walk.build().enumerate() {
        if seen > ENTRIES_MAX || listing.files.len() > FILES_MAX {
            return Err(SourceError::TooMany {
                path: directory.to_owned(),
                files_max: FILES_MAX,
            });
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                warn(&mut listing, format!("a part was left out: {error}"));
                continue;
            }
        };
        let path = entry.path();
        if entry.depth() == 0 {
            continue;
        }
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            listing.directories_left += usize::from(!recursive);
            continue;
        }
        let has_extension = extension(path).is_some_and(|extension| wanted.contains(&extension));
        if !has_extension && !wanted.iter().any(|wanted| wanted == "*") {
            continue;
        }
        match roots.resolve(path) {
            Ok(real) if real.is_file() => listing.files.push(real),
            Ok(_) => {}
            Err(error) => warn(&mut listing, error.to_string()),
        }
    }
    listing.files.sort();
    listing.files.dedup();
    Ok(listing)
}

fn warn(listing: &mut DirectoryListing, warning: String) {
    if listing.warnings.len() < WARNINGS_MAX {
        listing.warnings.push(warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(listing: &DirectoryListing, below: &Path) -> Vec<String> {
        let relative = |path: &PathBuf| path.strip_prefix(below).unwrap().display().to_string();
        listing.files.iter().map(relative).collect()
    }

    #[test]
    fn files_are_found_by_extension_and_ignore_files() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().canonicalize().unwrap();
        for file in [
            "b.md",
            "a.MD",
            "c.txt",
            ".hidden.md",
            "sub/d.md",
            "out/e.md",
            "f",
        ] {
            let path = below.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        fs::write(below.join(".gitignore"), "out/\n").unwrap();
        let roots = FileRoots::new([&below]).unwrap();
        for (extensions, recursive, expected, left) in [
            (&["md"][..], false, &["a.MD", "b.md"][..], 1),
            (&[".md"], true, &["a.MD", "b.md", "sub/d.md"], 0),
            (&[" *.MD "], true, &["a.MD", "b.md", "sub/d.md"], 0),
            (&["*"], false, &["a.MD", "b.md", "c.txt", "f"], 1),
            (&[], true, &[], 0),
        ] {
            let extensions: Vec<String> = extensions.iter().map(ToString::to_string).collect();
            let listing = list_files(&below, &roots, &extensions, recursive).unwrap();
            assert_eq!(names(&listing, &below), expected, "{extensions:?}");
            assert_eq!(listing.directories_left, left, "{extensions:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let below = inside.path().canonicalize().unwrap();
        fs::write(outside.path().join("secret.md"), "text").unwrap();
        fs::write(below.join("a.md"), "text").unwrap();
        for (target, link) in [
            (outside.path().join("secret.md"), "b.md"),
            (below.join("a.md"), "c.md"),
            (below.clone(), "loop"),
        ] {
            std::os::unix::fs::symlink(target, below.join(link)).unwrap();
        }
        let roots = FileRoots::new([&below]).unwrap();
        let listing = list_files(&below, &roots, &["md".to_owned()], true).unwrap();
        assert_eq!(names(&listing, &below), ["a.md"]);
        assert_eq!(listing.warnings.len(), 1, "{:?}", listing.warnings);
    }
}
