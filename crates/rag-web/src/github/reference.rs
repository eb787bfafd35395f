//! What people write to name a repository. Pure.

use std::fmt;
use std::str::FromStr;

use crate::scope::percent_decoded;

/// What the addresses of repositories begin with.
const WEB_PREFIXES: &[&str] = &[
    "https://github.com/",
    "https://www.github.com/",
    "http://github.com/",
    "http://www.github.com/",
    "ssh://git@github.com/",
    "git@github.com:",
    "github.com/",
];

/// The most bytes of an owner's or a repository's name, and of the rest.
const NAME_BYTES_MAX: usize = 100;
const REFERENCE_BYTES_MAX: usize = 255;
const PATH_BYTES_MAX: usize = 4_096;

/// How much of what was given is shown when it is nothing.
const SHOWN_CHARS_MAX: usize = 200;

/// Which part of which repository: `owner/repo[/path][@ref]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryRef {
    /// Whose it is.
    pub owner: String,
    /// What it is called.
    pub name: String,
    /// The folder or file in it, without slashes around it; empty means all.
    pub path: String,
    /// A branch, tag or commit; `None` means the default branch.
    pub reference: Option<String>,
}

/// A text that names no repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a repository: write owner/repo, owner/repo/path or owner/repo@branch")]
pub struct InvalidRepository {
    /// What was given, cut to a printable length.
    pub text: String,
}

impl fmt::Display for RepositoryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)?;
        if !self.path.is_empty() {
            write!(f, "/{}", self.path)?;
        }
        match &self.reference {
            Some(reference) => write!(f, "@{reference}"),
            None => Ok(()),
        }
    }
}

impl FromStr for RepositoryRef {
    type Err = InvalidRepository;

    /// Reads `owner/repo[/path][@ref]`, or the address of one on its web site
    /// (`…/tree/branch/path`, where the branch is one segment: those with
    /// slashes in their names are told by `@`).
    ///
    /// The reference begins at the first `@` that begins no segment, so that
    /// both `owner/repo/packages/@scope/one` and `owner/repo@@scope/one@1.0`
    /// mean what they look like.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let rest = WEB_PREFIXES
            .iter()
            .find_map(|prefix| after(trimmed, prefix));
        let repository = match rest {
            Some(rest) => from_web(rest),
            None => from_short(trimmed),
        };
        repository
            .filter(is_valid)
            .ok_or_else(|| InvalidRepository {
                text: text.chars().take(SHOWN_CHARS_MAX).collect(),
            })
    }
}

/// What follows `prefix`, which may be written in any case.
fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn from_short(text: &str) -> Option<RepositoryRef> {
    let bytes = text.as_bytes();
    let at = (1..bytes.len()).find(|&at| bytes[at] == b'@' && bytes[at - 1] != b'/');
    let (place, reference) = match at {
        Some(at) => (&text[..at], Some(text[at + 1..].to_owned())),
        None => (text, None),
    };
    let mut parts = place.splitn(3, '/');
    Some(RepositoryRef {
        owner: parts.next()?.to_owned(),
        name: without_git(parts.next()?).to_owned(),
        path: parts
            .next()
            .unwrap_or_default()
            .trim_end_matches('/')
            .to_owned(),
        reference,
    })
}

fn from_web(rest: &str) -> Option<RepositoryRef> {
    let rest = rest.split(['?', '#']).next()?.trim_end_matches('/');
    let segments: Option<Vec<String>> = rest.split('/').map(percent_decoded).collect();
    let segments = segments?;
    let (reference, path) = match &segments[2.min(segments.len())..] {
        [] => (None, String::new()),
        [kind, reference, path @ ..] if ["tree", "blob", "raw"].contains(&kind.as_str()) => {
            (Some(reference.clone()), path.join("/"))
        }
        [kind, sha] if kind == "commit" => (Some(sha.clone()), String::new()),
        _ => return None,
    };
    Some(RepositoryRef {
        owner: segments.first()?.clone(),
        name: without_git(segments.get(1)?).to_owned(),
        path,
        reference,
    })
}

fn without_git(name: &str) -> &str {
    name.strip_suffix(".git").unwrap_or(name)
}

fn is_valid(repository: &RepositoryRef) -> bool {
    let path = &repository.path;
    is_name(&repository.owner)
        && is_name(&repository.name)
        && (path.is_empty() || path.len() <= PATH_BYTES_MAX && path.split('/').all(is_segment))
        && repository.reference.as_deref().is_none_or(is_reference)
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    is_segment(name) && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_allowed)
}

fn is_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..") && !segment.contains(char::is_control)
}

/// What Git takes for the name of a branch or tag, or a commit, roughly
/// (git-check-ref-format).
fn is_reference(reference: &str) -> bool {
    let is_forbidden = |character: char| {
        character.is_control() || character.is_whitespace() || "~^:?*[\\".contains(character)
    };
    reference.len() <= REFERENCE_BYTES_MAX
        && !reference.contains("..")
        && !reference.contains("@{")
        && !reference.contains(is_forbidden)
        && reference.split('/').all(is_segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_read() {
        let long = "a".repeat(101);
        for (text, expected) in [
            ("o/r", Some(("o", "r", "", None))),
            (" o/r ", Some(("o", "r", "", None))),
            ("o/r/", Some(("o", "r", "", None))),
            ("o-1/r_.x", Some(("o-1", "r_.x", "", None))),
            ("o/r/docs/a b.md", Some(("o", "r", "docs/a b.md", None))),
            ("o/r/docs/@main", Some(("o", "r", "docs/@main", None))),
            ("o/r/docs@main", Some(("o", "r", "docs", Some("main")))),
            ("o/r@feature/x", Some(("o", "r", "", Some("feature/x")))),
            (
                "o/r@@scope/one@1.0",
                Some(("o", "r", "", Some("@scope/one@1.0"))),
            ),
            (
                "o/r/packages/@scope/one@v1",
                Some(("o", "r", "packages/@scope/one", Some("v1"))),
            ),
            ("https://github.com/o/r", Some(("o", "r", "", None))),
            ("HTTPS://GitHub.com/O/r.git", Some(("O", "r", "", None))),
            (
                "https://github.com/o/r/?tab=readme#x",
                Some(("o", "r", "", None)),
            ),
            (
                "https://github.com/o/r/tree/main",
                Some(("o", "r", "", Some("main"))),
            ),
            (
                "https://github.com/o/r/tree/v1/docs/a%20b/",
                Some(("o", "r", "docs/a b", Some("v1"))),
            ),
            (
                "https://github.com/o/r/blob/main/a.md?plain=1#L3",
                Some(("o", "r", "a.md", Some("main"))),
            ),
            (
                "https://github.com/o/r/commit/0123abc",
                Some(("o", "r", "", Some("0123abc"))),
            ),
            ("git@github.com:o/r.git", Some(("o", "r", "", None))),
            ("ssh://git@github.com/o/r.git", Some(("o", "r", "", None))),
            ("github.com/o/r", Some(("o", "r", "", None))),
            ("", None),
            ("o", None),
            ("o/", None),
            ("/o/r", None),
            ("./o/r", None),
            ("../o", None),
            ("o/..", None),
            ("o/r/../x", None),
            ("o/r//x", None),
            ("o/r@", None),
            ("o/r@a b", None),
            ("o/r@a..b", None),
            ("o/r@/a", None),
            ("o p/r", None),
            ("ö/r", None),
            ("o/r/a\nb", None),
            (long.as_str(), None),
            ("https://github.com/", None),
            ("https://github.com/o", None),
            ("https://github.com/o/r/issues/1", None),
            ("https://github.com/o/r/tree/main/%2e%2e/x", None),
            ("https://gitlab.com/o/r", None),
            ("https://github.com.evil.example/o/r", None),
            ("git@gitlab.com:o/r.git", None),
        ] {
            let read = text.parse::<RepositoryRef>().ok();
            let parts = read.as_ref().map(|repository| {
                let RepositoryRef {
                    owner,
                    name,
                    path,
                    reference,
                } = repository;
                (
                    owner.as_str(),
                    name.as_str(),
                    path.as_str(),
                    reference.as_deref(),
                )
            });
            assert_eq!(parts, expected, "{text}");
            if let Some(repository) = read {
                assert_eq!(repository.to_string().parse(), Ok(repository), "{text}");
            }
        }
    }
}
