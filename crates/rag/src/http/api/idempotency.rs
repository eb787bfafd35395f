//! Requests that may be sent again: of those with the same `Idempotency-Key`, one
//! is done and all get its answer.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use futures_util::FutureExt;
use rag_memory::{Claim, Error, ErrorKind, Keyed, Memory};
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::operation::{Answer, Success, invalid};
use crate::http::problem::Problem;

/// The header with the key.
const HEADER: &str = "idempotency-key";
/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;
/// How often and for how long the store is told how a request ended while it cannot
/// be reached: less than a claim holds by itself, after which it may be another's.
const SETTLE_EVERY: Duration = Duration::from_secs(2);
const SETTLE_MAX: Duration = Duration::from_secs(8 * 60);

/// The key of a request, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    // The draft has it in quotes, most clients do not.
    let key = value.to_str().ok().map(|key| key.trim().trim_matches('"'));
    match key {
        Some(key) if (1..=KEY_BYTES_MAX).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(invalid(format!(
            "`Idempotency-Key` must have 1 to {KEY_BYTES_MAX} visible characters"
        ))),
    }
}

/// Does a request once, whoever sends it again. `same` tells it apart from others
/// that may have the same key; `success` says what a kept answer looks like.
pub(super) async fn once(
    key: String,
    same: String,
    memory: Memory,
    success: Success,
    work: impl Future<Output = Result<Answer, Problem>> + Send + 'static,
) -> Result<Answer, Problem> {
    // In a task of its own: a caller who goes away sends it again, and then it
    // must have been done or not, never half.
    let doing = claimed(key, same, memory, success, work);
    let done = tokio::spawn(doing.in_current_span()).await;
    done.unwrap_or_else(|_| Err(failed()))
}

async fn claimed(
    key: String,
    same: String,
    memory: Memory,
    success: Success,
    work: impl Future<Output = Result<Answer, Problem>>,
) -> Result<Answer, Problem> {
    let claimed = memory.claim(&key, &same).await;
    let (keyed, claim) = claimed.map_err(|error| Problem::from(&error))?;
    match claim {
        Claim::Do => {}
        Claim::Done(kept) => {
            return Ok(Answer {
                is_replayed: true,
                ..success.answer(kept)
            });
        }
        Claim::UnderWay => {
            let detail = "a request with this `Idempotency-Key` is under way";
            return Err(Problem::new(StatusCode::CONFLICT, "under_way", detail)
                .hint("send it again in a few seconds: then its answer is there"));
        }
        Claim::Other => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let detail = "this `Idempotency-Key` was sent with another request before";
            return Err(Problem::new(status, "key_reused", detail)
                .hint("make a new key for each request that is meant to be done"));
        }
    }
    // A panic must not leave the claim to time.
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(failed()));
    match settle(&memory, &keyed, &outcome).await {
        Ok(()) => {}
        // Else whoever sends it again would be told that it is under way.
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            let later = settle_later(memory, keyed, outcome.clone());
            tokio::spawn(later.in_current_span());
        }
        Err(error) => tracing::warn!("cannot keep the answer to a request: {error}"),
    }
    outcome
}

fn failed() -> Problem {
    let detail = "the server failed on this request; its log says more";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}

async fn settle_later(memory: Memory, keyed: Keyed, outcome: Result<Answer, Problem>) {
    let settling = async {
        loop {
            sleep(SETTLE_EVERY).await;
            match settle(&memory, &keyed, &outcome).await {
                Err(error) if error.kind() == ErrorKind::Unavailable => {}
                Err(error) => {
                    return tracing::warn!("cannot keep the answer to a request: {error}");
                }
                Ok(()) => return,
            }
        }
    };
    // A claim that is not settled ends by itself.
    let _ = timeout(SETTLE_MAX, settling).await;
}

async fn settle(
    memory: &Memory,
    keyed: &Keyed,
    outcome: &Result<Answer, Problem>,
) -> Result<(), Error> {
    match outcome {
        Ok(answer) => memory.keep_answer(keyed, &answer.body).await,
        // Whether it is wrong or the time is, it may be sent again.
        Err(_) => memory.give_up_claim(keyed).await,
    }
}
