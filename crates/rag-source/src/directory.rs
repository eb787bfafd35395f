//! The files of a directory.

mod globs;

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use rag_core::model::Timestamp;

use crate::file::{extension, modified_at};
use crate::{FileRoots, SourceError};
use globs::Globs;

/// The most files one listing may have.
pub const FILES_MAX: usize = 100_000;
/// How many files and directories are looked at to find them.
const ENTRIES_MAX: usize = 2_000_000;
/// How many warnings a listing has.
const WARNINGS_MAX: usize = 50;
/// How many levels of directories are entered.
const DEPTH_MAX: usize = 64;

/// Which files of a directory are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOptions {
    /// Those with one of these extensions, with or without its dot, in any
    /// case; `*` is every file.
    pub extensions: Vec<String>,
    /// Those that one of these globs matches; without any, all.
    ///
    /// Globs are matched against paths below the directory, with `/` between
    /// their parts; one without a `/` against the names of files and folders
    /// anywhere. One that matches a folder stands for all that is in it.
    pub include: Vec<String>,
    /// Those that none of these globs matches, even if they are included.
    pub exclude: Vec<String>,
    /// Those in its sub-directories as well.
    pub recursive: bool,
}

impl Default for ListOptions {
    /// Every file.
    fn default() -> Self {
        ListOptions {
            extensions: vec!["*".to_owned()],
            include: Vec::new(),
            exclude: Vec::new(),
            recursive: true,
        }
    }
}

impl ListOptions {
    /// Whether the globs are any: [`SourceError::BadPattern`] if not.
    pub fn check(&self) -> Result<(), SourceError> {
        Globs::new(&self.include)?;
        Globs::new(&self.exclude)?;
        Ok(())
    }
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedFile {
    /// Its path without symbolic links.
    pub path: PathBuf,
    /// Its size on disk.
    pub size_bytes: u64,
    /// When it was last changed, if the system tells.
    pub modified_at: Option<Timestamp>,
}

/// Files of a directory, and what was passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryListing {
    /// The files, each once, by path.
    pub files: Vec<ListedFile>,
    /// How many sub-directories were not entered, since that was not asked.
    pub directories_left: usize,
    /// What could not be listed and why, in sentences.
    pub warnings: Vec<String>,
}

/// The files of `directory` that `options` ask for. Hidden files and what
/// `.gitignore` and `.ignore` files there name are left out; links to files
/// are followed as far as `roots` allow, links to directories are not.
///
/// `directory` must have been resolved by `roots`. Files outside of them never
/// appear. More than [`FILES_MAX`] files are an error.
pub fn list_files(
    directory: &Path,
    roots: &FileRoots,
    options: &ListOptions,
) -> Result<DirectoryListing, SourceError> {
    if !directory.is_dir() {
        return Err(SourceError::NotADirectory {
            path: directory.to_owned(),
        });
    }
    let wanted: Vec<String> = options.extensions.iter().map(|name| bare(name)).collect();
    let (include, exclude) = (Globs::new(&options.include)?, Globs::new(&options.exclude)?);
    let mut listing = DirectoryListing::default();
    for (seen, entry) in walk(directory, options, exclude).enumerate() {
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
            listing.directories_left += usize::from(!options.recursive);
            continue;
        }
        let has_extension = extension(path).is_some_and(|extension| wanted.contains(&extension));
        if !has_extension && !wanted.iter().any(|wanted| wanted == "*") {
            continue;
        }
        if !include.is_empty() && !include.matches_within(directory, path) {
            continue;
        }
        match roots.resolve(path).and_then(listed) {
            Ok(Some(file)) => listing.files.push(file),
            Ok(None) => {}
            Err(error) => warn(&mut listing, error.to_string()),
        }
    }
    listing.files.sort();
    listing.files.dedup_by(|one, other| one.path == other.path);
    Ok(listing)
}

/// All that is in `directory`, but for what is ignored or excluded.
fn walk(directory: &Path, options: &ListOptions, exclude: Globs) -> ignore::Walk {
    // Only ignore files at or below the directory count: what is above it, or
    // the user's own settings, must not empty a directory that was named.
    let mut walk = WalkBuilder::new(directory);
    walk.parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false);
    walk.max_depth(Some(if options.recursive { DEPTH_MAX } else { 1 }));
    if !exclude.is_empty() {
        let directory = directory.to_owned();
        // A folder that is excluded is not entered.
        walk.filter_entry(move |entry| !exclude.matches(&directory, entry.path()));
    }
    walk.build()
}

/// An extension as people write it (`md`, `.md` and `*.md`), in lower case.
fn bare(extension: &str) -> String {
    match extension.trim() {
        "*" => "*".to_owned(),
        name => name.trim_start_matches(['*', '.']).to_lowercase(),
    }
}

/// A path without links, if it is a file's.
fn listed(path: PathBuf) -> Result<Option<ListedFile>, SourceError> {
    let metadata = path
        .metadata()
        .map_err(|error| SourceError::from_io(&path, error))?;
    Ok(metadata.is_file().then(|| ListedFile {
        size_bytes: metadata.len(),
        modified_at: modified_at(&metadata),
        path,
    }))
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
        let relative = |file: &ListedFile| {
            let relative = file.path.strip_prefix(below).unwrap();
            relative.display().to_string()
        };
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
            let options = ListOptions {
                extensions: extensions.iter().map(ToString::to_string).collect(),
                recursive,
                ..ListOptions::default()
            };
            let listing = list_files(&below, &roots, &options).unwrap();
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
        let listing = list_files(&below, &roots, &ListOptions::default()).unwrap();
        assert_eq!(names(&listing, &below), ["a.md"]);
        assert_eq!(listing.warnings.len(), 1, "{:?}", listing.warnings);
    }

    #[test]
    fn globs_choose_files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().canonicalize().unwrap();
        for file in [
            "a.md",
            "b.txt",
            "docs/c.md",
            "docs/old/d.md",
            "src/old/e.rs",
            "src/f.md",
        ] {
            let path = below.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let roots = FileRoots::new([&below]).unwrap();
        let owned = |globs: &[&str]| globs.iter().map(ToString::to_string).collect();
        for (include, exclude, expected) in [
            (
                &["*.md"][..],
                &[][..],
                &["a.md", "docs/c.md", "docs/old/d.md", "src/f.md"][..],
            ),
            (&["docs/**"], &[], &["docs/c.md", "docs/old/d.md"]),
            (&["docs/"], &[], &["docs/c.md", "docs/old/d.md"]),
            (&["./docs/*.md"], &[], &["docs/c.md"]),
            (
                &["/a.md", "src"],
                &[],
                &["a.md", "src/f.md", "src/old/e.rs"],
            ),
            (&["**/*.{rs,txt}"], &[], &["b.txt", "src/old/e.rs"]),
            (&[], &["old"], &["a.md", "b.txt", "docs/c.md", "src/f.md"]),
            (
                &[],
                &["docs/old", "*.txt"],
                &["a.md", "docs/c.md", "src/f.md", "src/old/e.rs"],
            ),
            (&["docs/**"], &["**/d.md"], &["docs/c.md"]),
        ] {
            let options = ListOptions {
                include: owned(include),
                exclude: owned(exclude),
                ..ListOptions::default()
            };
            let listing = list_files(&below, &roots, &options).unwrap();
            assert_eq!(names(&listing, &below), expected, "{include:?} {exclude:?}");
        }
        let listing = list_files(&below, &roots, &ListOptions::default()).unwrap();
        assert_eq!(listing.files[0].size_bytes, 4);
        assert!(listing.files[0].modified_at.is_some());
        for (pattern, expected) in [("a{b", "unclosed"), ("", "it is empty"), ("[z-a]", "range")] {
            let options = ListOptions {
                exclude: owned(&[pattern]),
                ..ListOptions::default()
            };
            let error = options.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf_8_are_listed() {
        use std::os::unix::ffi::OsStrExt;

        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().canonicalize().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.md");
        // Some file systems have no such names.
        if fs::write(below.join(name), "text").is_err() {
            return;
        }
        let roots = FileRoots::new([&below]).unwrap();
        let options = ListOptions {
            include: vec!["*.md".to_owned()],
            ..ListOptions::default()
        };
        let listing = list_files(&below, &roots, &options).unwrap();
        assert_eq!(listing.files[0].path, below.join(name));
    }
}
