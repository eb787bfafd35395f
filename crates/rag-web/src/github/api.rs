//! Questions to the REST API: who may see the token, what its refusals mean,
//! and asking no more often than needed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{
    ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION,
    RETRY_AFTER,
};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::{GitHubError, GitHubOptions, RepositoryRef, bad_answer, not_found};
use crate::client::{self, Client, Deadline};
use crate::{FetchError, Guard};

/// How long the head of an answer may take; large archives are made on demand.
const HEAD_TIME_MAX: Duration = Duration::from_secs(60);

/// How long the body of an answer that is no archive may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(60);

/// The most bytes of a page of commits: messages and signatures come along.
const LISTING_BYTES_MAX: u64 = 16 << 20;

/// The most bytes of a refusal.
const REFUSAL_BYTES_MAX: u64 = 64 << 10;

/// The most characters of a refusal's words that are passed on.
const MESSAGE_CHARS_MAX: usize = 300;

/// How often a question may be redirected: repositories are renamed.
const REDIRECTS_MAX: u32 = 5;

/// How often a hop is tried when something on the way breaks.
const TRIES_MAX: u32 = 3;

/// The wait before the second try; before the third it is twice as long.
const PAUSE: Duration = Duration::from_millis(250);

/// How many answers are kept to ask only whether they are still true, which
/// costs nothing of the hour's requests.
const KNOWN_MAX: usize = 64;

pub(super) struct Api {
    client: Client,
    base: Url,
    /// Marked as sensitive, so that nothing prints it. `Err` when it cannot be
    /// one, such as with a line break in it.
    token: Option<Result<HeaderValue, ()>>,
    /// Those asked for last come last.
    known: Mutex<VecDeque<Known>>,
}

/// An answer from before.
struct Known {
    url: Url,
    etag: HeaderValue,
    shas: Vec<String>,
}

/// What is read of a commit.
#[derive(Deserialize)]
struct ListedCommit {
    sha: String,
}

/// What is read of a refusal.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Api {
    pub(super) fn new(guard: Arc<Guard>, options: GitHubOptions) -> Self {
        let token = options.token.as_deref().map(str::trim);
        let token = token.filter(|token| !token.is_empty()).map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ())?;
            value.set_sensitive(true);
            Ok(value)
        });
        Api {
            client: Client::new(guard, HEAD_TIME_MAX),
            base: options.api,
            token,
            known: Mutex::default(),
        }
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// The address of a question about a repository.
    pub(super) fn url(&self, repository: &RepositoryRef, rest: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(["repos", &repository.owner, &repository.name]);
            segments.extend(rest);
        }
        url
    }

    /// A page of the hashes of the commits on the reference that touch the
    /// path, newest first.
    pub(super) async fn commits(
        &self,
        repository: &RepositoryRef,
        per_page: u64,
        page: u64,
    ) -> Result<Vec<String>, GitHubError> {
        let mut url = self.url(repository, &["commits"]);
        {
            let mut query = url.query_pairs_mut();
            if !repository.path.is_empty() {
                query.append_pair("path", &repository.path);
            }
            if let Some(reference) = &repository.reference {
                query.append_pair("sha", reference);
            }
            query.append_pair("per_page", &per_page.to_string());
            query.append_pair("page", &page.to_string());
        }
        let known = self.take_known(&url);
        let etag = known.as_ref().map(|known| known.etag.clone());
        let response = self.get(repository, &url, etag).await?;
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (response.status(), known) {
            let shas = known.shas.clone();
            self.keep_known(known);
            return Ok(shas);
        }
        let etag = response.headers().get(ETAG).cloned();
        let deadline = Deadline::after(BODY_TIME_MAX);
        let body = client::read(response, LISTING_BYTES_MAX, deadline).await;
        let body = body.map_err(|error| told_of(&url, error))?;
        let shas = shas(&body)?;
        if let Some(etag) = etag {
            let shas = shas.clone();
            self.keep_known(Known { url, etag, shas });
        }
        Ok(shas)
    }

    /// Asks, and goes where the answer is: 2xx, or 304 when `etag` is given.
    /// The token goes nowhere but to the API.
    pub(super) async fn get(
        &self,
        repository: &RepositoryRef,
        url: &Url,
        etag: Option<HeaderValue>,
    ) -> Result<Response, GitHubError> {
        let mut place = url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let headers = self.headers(&place, etag.clone())?;
            let response = self.ask(&place, headers).await;
            let response = response.map_err(|error| told_of(url, error))?;
            let status = response.status();
            if status.is_success() || status == StatusCode::NOT_MODIFIED && etag.is_some() {
                return Ok(response);
            }
            if !status.is_redirection() {
                return Err(self.refused(repository, url, response).await);
            }
            let location = response.headers().get(LOCATION);
            let location = location
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            place = place
                .join(location)
                .ok()
                // Those of other schemes would be named as they are refused.
                .filter(|place| !location.is_empty() && is_web(place))
                .ok_or_else(|| bad_answer("it redirects to nowhere"))?;
        }
        Err(GitHubError::Fetch(FetchError::TooManyRedirects {
            url: url.to_string(),
            redirects_max: REDIRECTS_MAX,
        }))
    }

    /// One hop, tried again when the connection or a gateway breaks.
    async fn ask(&self, place: &Url, headers: HeaderMap) -> Result<Response, FetchError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.client.get(place, headers.clone()).await;
            let is_passing = match &outcome {
                Ok(response) => matches!(response.status().as_u16(), 500 | 502..=504),
                Err(error) => matches!(error, FetchError::Unreachable { .. }),
            };
            if !is_passing || tries == TRIES_MAX {
                return outcome;
            }
            tokio::time::sleep(PAUSE * tries).await;
        }
    }

    fn headers(&self, place: &Url, etag: Option<HeaderValue>) -> Result<HeaderMap, GitHubError> {
        let mut headers = HeaderMap::new();
        if place.origin() != self.base.origin() {
            return Ok(headers);
        }
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/vnd.github+json"),
        );
        headers.insert(
            HeaderName::from_static("x-github-api-version"),
            HeaderValue::from_static("2022-11-28"),
        );
        if let Some(etag) = etag {
            headers.insert(IF_NONE_MATCH, etag);
        }
        match &self.token {
            Some(Ok(token)) => headers.insert(AUTHORIZATION, token.clone()),
            Some(Err(())) => return Err(GitHubError::BadToken),
            None => None,
        };
        Ok(headers)
    }

    /// What an answer other than a success means.
    async fn refused(
        &self,
        repository: &RepositoryRef,
        url: &Url,
        response: Response,
    ) -> GitHubError {
        let status = response.status();
        let retry_after_s = number(response.headers(), RETRY_AFTER.as_str());
        let resets_at_s = number(response.headers(), "x-ratelimit-reset");
        let is_used_up = number(response.headers(), "x-ratelimit-remaining") == Some(0);
        // A refusal whose words cannot be read is still a refusal.
        let deadline = Deadline::after(BODY_TIME_MAX);
        let body = client::read(response, REFUSAL_BYTES_MAX, deadline)
            .await
            .unwrap_or_default();
        let message = serde_json::from_slice::<Refusal>(&body)
            .map_or_else(|_| "without a word".to_owned(), |refusal| refusal.message);
        let is_limit =
            retry_after_s.is_some() || is_used_up || message.to_lowercase().contains("rate limit");
        match status.as_u16() {
            401 => GitHubError::BadToken,
            429 => rate_limited(retry_after_s, resets_at_s),
            403 if is_limit => rate_limited(retry_after_s, resets_at_s),
            // The latter is its word for a hash that no commit has.
            404 | 422 => not_found(repository),
            status @ 400..500 => GitHubError::Denied {
                status,
                message: message.chars().take(MESSAGE_CHARS_MAX).collect(),
            },
            status => GitHubError::Fetch(FetchError::Status {
                url: url.to_string(),
                status,
            }),
        }
    }

    fn take_known(&self, url: &Url) -> Option<Known> {
        let mut known = self.known();
        let place = known.iter().position(|known| known.url == *url)?;
        known.remove(place)
    }

    fn keep_known(&self, answer: Known) {
        let mut known = self.known();
        known.retain(|known| known.url != answer.url);
        if known.len() == KNOWN_MAX {
            known.pop_front();
        }
        known.push_back(answer);
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Known>> {
        // Nothing panics while it is held, and a list of answers is always whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hashes in a page of commits.
fn shas(body: &[u8]) -> Result<Vec<String>, GitHubError> {
    let commits: Vec<ListedCommit> = serde_json::from_slice(body).map_err(bad_answer)?;
    let is_sha = |sha: &str| sha.len() == 40 && sha.bytes().all(|digit| digit.is_ascii_hexdigit());
    if commits.iter().any(|commit| !is_sha(&commit.sha)) {
        return Err(bad_answer("it has a commit without a hash"));
    }
    Ok(commits.into_iter().map(|commit| commit.sha).collect())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn rate_limited(retry_after_s: Option<u64>, resets_at_s: Option<u64>) -> GitHubError {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let reset_s = resets_at_s.map(|at_s| at_s.saturating_sub(now.as_secs()));
    GitHubError::RateLimited {
        reset_s: retry_after_s.or(reset_s),
    }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// The error as one of `url`, which was asked for: addresses that it redirects
/// to carry tokens of their own.
pub(super) fn told_of(url: &Url, error: FetchError) -> GitHubError {
    let url = url.to_string();
    GitHubError::Fetch(match error {
        FetchError::Unreachable { message, .. } => FetchError::Unreachable { url, message },
        FetchError::Timeout { seconds, .. } => FetchError::Timeout { url, seconds },
        FetchError::TooLarge { bytes_max, .. } => FetchError::TooLarge { url, bytes_max },
        other => other,
    })
}
