//! One hop of a fetch, tried again while that can help.

use std::time::{Duration, SystemTime};

use reqwest::Response;
use reqwest::header::{HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use tokio::time::sleep;
use url::Url;

use super::{FetchError, Fetched, Fetcher, Limits, answer};
use crate::client::{self, Client, Deadline};
use crate::pace::CLOSED_WAIT_MAX;

/// How often a host is asked again that says that it is too much.
const BUSY_RETRIES_MAX: u32 = 3;

/// How long a fetch may take after its first turn, with waiting for those of
/// further tries and redirects: whoever answers chooses how many there are.
const TOTAL_MAX: Duration = Duration::from_secs(180);

/// How often is tried again what broke.
const BROKEN_RETRIES_MAX: u32 = 2;

/// The wait before the first of those; before the second it is twice as long.
const BROKEN_PAUSE: Duration = Duration::from_millis(250);

/// One request as it is sent.
pub(super) struct Hop<'a> {
    /// What lets this fetch through where it may lead.
    pub(super) client: &'a Client,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    /// The least time between this request's start and the host's next.
    pub(super) pause_min: Duration,
    pub(super) limits: &'a Limits,
}

/// What comes of a hop.
pub(super) enum Outcome {
    Fetched(Fetched),
    Redirect(Url),
}

/// What one fetch tried again so far, over all of its hops.
#[derive(Default)]
pub(super) struct Tries {
    busy: u32,
    busy_wait: Duration,
    broken: u32,
}

/// What comes of one try.
enum Reply {
    Outcome(Outcome),
    TooMuch {
        status: u16,
        retry_after: Option<Duration>,
    },
}

impl Fetcher {
    /// Makes a hop in its host's turn, which the deadline waits for.
    pub(super) async fn hop(
        &self,
        hop: &Hop<'_>,
        tries: &mut Tries,
        deadline: &mut Deadline,
    ) -> Result<Outcome, FetchError> {
        let host = hop.url.host_str().unwrap_or_default();
        loop {
            let turn = self.shared.pace.turn(host, hop.pause_min);
            let turn = deadline.wait(hop.url, turn).await?;
            let turn = turn.map_err(|wait| too_busy(hop.url, wait))?;
            deadline.bound(TOTAL_MAX);
            match self.try_hop(hop, *deadline).await {
                Ok(Reply::Outcome(outcome)) => {
                    turn.went_well();
                    return Ok(outcome);
                }
                Ok(Reply::TooMuch {
                    status,
                    retry_after,
                }) => {
                    let wait = turn.was_too_much(retry_after);
                    if !tries.may_wait(wait) {
                        return Err(match retry_after {
                            None if status == 503 => status_error(hop.url, status),
                            _ => too_busy(hop.url, wait),
                        });
                    }
                    tracing::debug!(url = %hop.url, status, ?wait, "the host asks to come later");
                }
                Err(error) if is_passing(&error, hop.limits) => {
                    drop(turn);
                    let Some(pause) = tries.pause_after_breaking() else {
                        return Err(error);
                    };
                    tracing::debug!(%error, ?pause, "the fetch failed and will be tried again");
                    sleep(pause).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_hop(&self, hop: &Hop<'_>, deadline: Deadline) -> Result<Reply, FetchError> {
        let url = hop.url;
        let sending = hop.client.get(url, hop.headers.clone());
        let response = deadline.keep(url, sending).await??;
        let status = response.status().as_u16();
        let has_conditions =
            hop.headers.contains_key(IF_NONE_MATCH) || hop.headers.contains_key(IF_MODIFIED_SINCE);
        match status {
            200..=299 => fetched(hop, response, deadline).await,
            304 if has_conditions => {
                let fetched = answer::head(url, status, response.headers());
                Ok(Reply::Outcome(Outcome::Fetched(fetched)))
            }
            301 | 302 | 303 | 307 | 308 => {
                let next = answer::location(url, response.headers())?;
                Ok(Reply::Outcome(Outcome::Redirect(next)))
            }
            429 | 503 => Ok(Reply::TooMuch {
                status,
                retry_after: answer::retry_after(response.headers(), SystemTime::now()),
            }),
            _ => Err(status_error(url, status)),
        }
    }
}

impl Tries {
    /// Whether the host is asked again, after `wait`.
    fn may_wait(&mut self, wait: Duration) -> bool {
        self.busy += 1;
        self.busy_wait += wait;
        self.busy <= BUSY_RETRIES_MAX && self.busy_wait <= CLOSED_WAIT_MAX
    }

    /// How long to wait before trying again; `None` when that was done enough.
    fn pause_after_breaking(&mut self) -> Option<Duration> {
        self.broken += 1;
        (self.broken <= BROKEN_RETRIES_MAX).then(|| BROKEN_PAUSE * self.broken)
    }
}

async fn fetched(
    hop: &Hop<'_>,
    response: Response,
    deadline: Deadline,
) -> Result<Reply, FetchError> {
    let status = response.status().as_u16();
    let mut fetched = answer::head(hop.url, status, response.headers());
    if !fetched.is_media() {
        let bytes_max = hop.limits.body_bytes_max;
        fetched.body = match hop.limits.cut {
            true => client::read_start(response, bytes_max, deadline).await?,
            false => client::read(response, bytes_max, deadline).await?,
        };
    }
    Ok(Reply::Outcome(Outcome::Fetched(fetched)))
}

/// Whether the same request may well succeed soon.
fn is_passing(error: &FetchError, limits: &Limits) -> bool {
    match *error {
        FetchError::Unreachable { .. } => true,
        // What stands before a server that is just starting again.
        FetchError::Status { status, .. } => {
            matches!(status, 502 | 504) || (limits.insist && status >= 500)
        }
        _ => false,
    }
}

fn status_error(url: &Url, status: u16) -> FetchError {
    FetchError::Status {
        url: url.to_string(),
        status,
    }
}

fn too_busy(url: &Url, wait: Duration) -> FetchError {
    FetchError::TooBusy {
        url: url.to_string(),
        wait_s: wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
    }
}
