//! The commits of one repository. Pure.

use std::collections::BTreeMap;

use axum::body::Bytes;
use sha1::{Digest, Sha1};

use crate::answer::hex;

/// The branch that every repository has, once something is committed.
pub(super) const DEFAULT_BRANCH: &str = "main";

/// Short forms of a hash have at least so many digits.
const SHORT_SHA_DIGITS_MIN: usize = 7;

/// The first commit's time, in seconds since 1970: the start of 2024 (UTC).
const FIRST_COMMIT_S: u64 = 1_704_067_200;

pub(super) type Tree = BTreeMap<String, Bytes>;

/// A repository: the tree of the next commit, and those that there are.
#[derive(Debug)]
pub(super) struct Repository {
    /// `owner/name`, as it was first spelled.
    pub(super) name: String,
    tree: Tree,
    commits: Vec<Commit>,
    branches: BTreeMap<String, usize>,
    tags: BTreeMap<String, usize>,
}

/// A snapshot of a repository.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) sha: String,
    pub(super) tree: Tree,
    /// Seconds since 1970.
    pub(super) time_s: u64,
    parent: Option<usize>,
}

impl Repository {
    pub(super) fn new(name: &str) -> Self {
        Repository {
            name: name.to_owned(),
            tree: Tree::new(),
            commits: Vec::new(),
            branches: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    pub(super) fn put(&mut self, path: &str, content: Vec<u8>) {
        self.tree.insert(path.to_owned(), Bytes::from(content));
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.tree.remove(path);
    }

    pub(super) fn commit(&mut self) -> String {
        let parent = self.branches.get(DEFAULT_BRANCH).copied();
        let number = self.commits.len();
        let mut hash = Sha1::new();
        hash.update(format!("{} {number} {parent:?}\n", self.name));
        for (path, content) in &self.tree {
            hash.update(format!("{path} {}\n", content.len()));
            hash.update(content);
        }
        let sha = hex(&hash.finalize());
        self.commits.push(Commit {
            sha: sha.clone(),
            tree: self.tree.clone(),
            time_s: FIRST_COMMIT_S + 60 * number as u64,
            parent,
        });
        self.branches.insert(DEFAULT_BRANCH.to_owned(), number);
        sha
    }

    pub(super) fn branch(&mut self, name: &str, sha: &str) {
        let commit = self.by_sha(sha).expect("the commit exists");
        self.branches.insert(name.to_owned(), commit);
    }

    pub(super) fn tag(&mut self, name: &str, sha: &str) {
        let commit = self.by_sha(sha).expect("the commit exists");
        self.tags.insert(name.to_owned(), commit);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// What a branch, tag, `refs/heads/…`, `refs/tags/…`, `HEAD` or hash names.
    pub(super) fn find(&self, reference: &str) -> Option<&Commit> {
        self.index(reference).map(|index| &self.commits[index])
    }

    fn index(&self, reference: &str) -> Option<usize> {
        let reference = match reference {
            "HEAD" => DEFAULT_BRANCH,
            other => other,
        };
        let named = |names: &BTreeMap<String, usize>, prefix: &str| {
            let short = reference.strip_prefix(prefix).unwrap_or(reference);
            names.get(short).copied()
        };
        named(&self.branches, "refs/heads/")
            .or_else(|| named(&self.tags, "refs/tags/"))
            .or_else(|| self.by_sha(reference))
    }

    fn by_sha(&self, sha: &str) -> Option<usize> {
        if sha.len() < SHORT_SHA_DIGITS_MIN {
            return None;
        }
        let sha = sha.to_ascii_lowercase();
        self.commits
            .iter()
            .position(|commit| commit.sha.starts_with(&sha))
    }

    /// A commit and those before it, newest first.
    fn ancestry(&self, from: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(from), |&index| self.commits[index].parent)
    }

    /// The commits up to `reference` that change something at or below `path`
    /// (all for an empty path), newest first.
    pub(super) fn log(&self, reference: &str, path: &str) -> Option<Vec<&Commit>> {
        let touches = |&index: &usize| path.is_empty() || self.changes(index, path);
        let log = self.ancestry(self.index(reference)?).filter(touches);
        Some(log.map(|index| &self.commits[index]).collect())
    }

    fn changes(&self, index: usize, path: &str) -> bool {
        let commit = &self.commits[index];
        let empty = Tree::new();
        let before = commit
            .parent
            .map_or(&empty, |parent| &self.commits[parent].tree);
        let paths = commit.tree.keys().chain(before.keys());
        paths
            .filter(|own| is_at_or_below(own, path))
            .any(|own| commit.tree.get(own) != before.get(own))
    }

    /// How many commits `head` has that `base` lacks, and the other way round.
    pub(super) fn compare(&self, base: &str, head: &str) -> Option<(usize, usize)> {
        let (base, head) = (self.index(base)?, self.index(head)?);
        let lacking = |have: usize, lack: usize| {
            let known: Vec<_> = self.ancestry(lack).collect();
            self.ancestry(have)
                .filter(|index| !known.contains(index))
                .count()
        };
        Some((lacking(head, base), lacking(base, head)))
    }

    /// The hash of the commit before this one.
    pub(super) fn parent_sha(&self, commit: &Commit) -> Option<&str> {
        commit.parent.map(|parent| &*self.commits[parent].sha)
    }
}

fn is_at_or_below(own: &str, path: &str) -> bool {
    match own.strip_prefix(path.trim_end_matches('/')) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}
