//! A double of the parts of GitHub's REST API that `rag-web` uses, for the one
//! thing the tests cannot reach: the real one. Two sites, as at the original:
//! the API, and the one that it sends to for tarballs.

mod endpoints;
mod history;
mod tarball;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::Url;

use crate::{SeenRequest, Site};
use endpoints::Hub;

/// A double of GitHub's API, on loopback. Repositories appear when something is
/// put into them, and have one default branch, `main`. Names of repositories
/// are `owner/name`, in any case. Ends when it is dropped.
#[derive(Debug)]
pub struct GitHubDouble {
    api: Site,
    codeload: Site,
    hub: Arc<Mutex<Hub>>,
}

impl GitHubDouble {
    /// One without repositories, which accepts every token and none.
    pub async fn start() -> GitHubDouble {
        let (api, codeload) = (Site::start().await, Site::start().await);
        let hub = Arc::new(Mutex::new(Hub::new(api.url("/"), codeload.url("/"))));
        let shared = Arc::clone(&hub);
        api.put_fallback(Arc::new(move |request| Some(lock(&shared).api(request))));
        let shared = Arc::clone(&hub);
        codeload.put_fallback(Arc::new(move |request| {
            Some(lock(&shared).codeload(request))
        }));
        GitHubDouble { api, codeload, hub }
    }

    /// The base of the API. It is also there below `/api/v3`, as at GitHub
    /// Enterprise.
    pub fn api(&self) -> Url {
        self.api.url("/")
    }

    /// The base of the site that serves tarballs.
    pub fn codeload(&self) -> Url {
        self.codeload.url("/")
    }

    /// What to name among the private hosts that are allowed: API and tarballs.
    pub fn hosts(&self) -> Vec<String> {
        vec![self.api.host(), self.codeload.host()]
    }

    /// The API's site, to put other answers or to let it go down.
    pub fn api_site(&self) -> &Site {
        &self.api
    }

    /// The site that serves tarballs, for the same.
    pub fn codeload_site(&self) -> &Site {
        &self.codeload
    }

    /// Writes a file into the tree of the next commit.
    pub fn put_file(&self, repository: &str, path: &str, content: impl Into<Vec<u8>>) {
        lock(&self.hub).change(repository).put(path, content.into());
    }

    /// Removes a file from the tree of the next commit.
    pub fn remove_file(&self, repository: &str, path: &str) {
        lock(&self.hub).change(repository).remove(path);
    }

    /// Makes the tree the head of `main`; returns its hash, 40 hex digits.
    pub fn commit(&self, repository: &str) -> String {
        lock(&self.hub).change(repository).commit()
    }

    /// Points a branch at a commit. Pointing `main` at an older one, and
    /// committing again, is a force push. Panics when there is no such commit.
    pub fn branch(&self, repository: &str, name: &str, sha: &str) {
        lock(&self.hub).change(repository).branch(name, sha);
    }

    /// Points a tag at a commit. Panics when there is no such commit.
    pub fn tag(&self, repository: &str, name: &str, sha: &str) {
        lock(&self.hub).change(repository).tag(name, sha);
    }

    /// From now on every other token is answered with 401. Without a token the
    /// API still answers.
    pub fn accept_only_token(&self, token: &str) {
        lock(&self.hub).token = Some(token.to_owned());
    }

    /// Lets so many more requests through, and answers the others with 403 and
    /// the headers of the limit, which ends in `reset_in_s` seconds as far as
    /// they say. Answers with 304 do not count.
    pub fn rate_limit(&self, remaining: u32, reset_in_s: u64) {
        lock(&self.hub).limit(remaining, reset_in_s);
    }

    /// Ends the limit.
    pub fn no_rate_limit(&self) {
        lock(&self.hub).no_limit();
    }

    /// The requests to both sites in the order in which they came. Their `host`
    /// header tells to which.
    pub fn requests(&self) -> Vec<SeenRequest> {
        let mut requests = self.api.requests();
        requests.extend(self.codeload.requests());
        requests.sort_by_key(|request| request.at);
        requests
    }

    /// Forgets the requests.
    pub fn clear_requests(&self) {
        self.api.clear_requests();
        self.codeload.clear_requests();
    }
}

fn lock(hub: &Mutex<Hub>) -> MutexGuard<'_, Hub> {
    // A test that panics about a commit that does not exist has failed already.
    hub.lock().unwrap_or_else(PoisonError::into_inner)
}
