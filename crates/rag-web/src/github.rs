//! Repositories on GitHub, or a server that speaks like it. Which of their files
//! are wanted, and what becomes of them, is left to the callers.

mod address;
mod api;
mod download;
mod reference;
mod tarball;

use std::fmt;
use std::sync::Arc;

use url::Url;

use crate::{FetchError, Guard};
use api::Api;

pub use reference::{InvalidRepository, RepositoryRef};
pub use tarball::{RepositoryFile, Tarball};

/// The commits of a page of a listing, the most that the API gives.
const PAGE_COMMITS: u64 = 100;

/// The most pages of a listing that are read to count commits.
const PAGES_MAX: u64 = 10;

/// How to reach the API.
#[derive(Clone)]
pub struct GitHubOptions {
    /// Its base, such as `https://api.github.com`, or
    /// `https://github.example.com/api/v3` of an Enterprise server.
    pub api: Url,
    /// A token, sent to the API's scheme, host and port only.
    pub token: Option<String>,
    /// The most bytes of a tarball, compressed.
    pub tarball_bytes_max: u64,
}

impl fmt::Debug for GitHubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubOptions")
            .field("api", &self.api.as_str())
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("tarball_bytes_max", &self.tarball_bytes_max)
            .finish()
    }
}

/// A client of the API. Cheap to clone; clones share connections and what is
/// known of earlier answers.
#[derive(Clone)]
pub struct GitHub {
    api: Arc<Api>,
    tarball_bytes_max: u64,
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub")
            .field("api", &self.api.base().as_str())
            .finish_non_exhaustive()
    }
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its hash, 40 hex digits.
    pub sha: String,
}

/// Why a repository was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitHubError {
    /// There is no such repository, path or reference, or it is private.
    #[error("`{what}` does not exist, or is private")]
    NotFound {
        /// The repository, with its path and reference.
        what: String,
    },
    /// The token is not accepted.
    #[error("GITHUB_TOKEN is not accepted")]
    BadToken,
    /// The hour's requests are used up.
    #[error("GitHub's rate limit is used up{}", reset_s.map(|s| format!(", for {s} s more")).unwrap_or_default())]
    RateLimited {
        /// For how long.
        reset_s: Option<u64>,
    },
    /// It says no, for another reason.
    #[error("GitHub refuses with {status}: {message}")]
    Denied {
        /// 4xx.
        status: u16,
        /// Why, in its words.
        message: String,
    },
    /// The tarball is larger than allowed.
    #[error("the repository has more than {bytes_max} bytes compressed")]
    TooLarge {
        /// How much is allowed.
        bytes_max: u64,
    },
    /// The answer makes no sense.
    #[error("GitHub's answer cannot be read: {message}")]
    BadAnswer {
        /// What is wrong with it.
        message: String,
    },
    /// The disk does not take the tarball.
    #[error("the tarball cannot be kept on disk: {message}")]
    Disk {
        /// Why.
        message: String,
    },
    /// It cannot be reached.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl GitHub {
    /// A client that asks `guard`.
    pub fn new(guard: Arc<Guard>, options: GitHubOptions) -> Self {
        GitHub {
            tarball_bytes_max: options.tarball_bytes_max,
            api: Arc::new(Api::new(guard, options)),
        }
    }

    /// The newest commit of a repository's reference that touches its path.
    pub async fn commit(&self, repository: &RepositoryRef) -> Result<Commit, GitHubError> {
        let shas = self.api.commits(repository, 1, 1).await?;
        let sha = shas
            .into_iter()
            .next()
            .ok_or_else(|| not_found(repository))?;
        Ok(Commit { sha })
    }

    /// How many commits on the reference touch the path after `sha`; `None`
    /// when there are too many to count, 1,000 or more, or that commit is not
    /// among them.
    pub async fn commits_behind(
        &self,
        repository: &RepositoryRef,
        sha: &str,
    ) -> Result<Option<u64>, GitHubError> {
        let mut newer = 0;
        for page in 1..=PAGES_MAX {
            let shas = self.api.commits(repository, PAGE_COMMITS, page).await?;
            let count = shas.len() as u64;
            if let Some(place) = shas.iter().position(|known| known == sha) {
                return Ok(Some(newer + place as u64));
            }
            if count < PAGE_COMMITS {
                break;
            }
            newer += count;
        }
        Ok(None)
    }

    /// Fetches the repository as of a commit, to a temporary file.
    pub async fn tarball(
        &self,
        repository: &RepositoryRef,
        sha: &str,
    ) -> Result<Tarball, GitHubError> {
        let file = download::tarball(&self.api, repository, sha, self.tarball_bytes_max).await?;
        Ok(Tarball::new(file, &repository.path))
    }
}

fn not_found(repository: &RepositoryRef) -> GitHubError {
    GitHubError::NotFound {
        what: repository.to_string(),
    }
}

fn bad_answer(message: impl fmt::Display) -> GitHubError {
    GitHubError::BadAnswer {
        message: message.to_string(),
    }
}
