//! How much the server takes on: how many requests at once and from one caller,
//! how many large ones, how long each may take. What is more waits for a while
//! and is refused then, with an answer that says when to come again.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use metrics::{counter, gauge};
use rag_mcp::transport::Identity;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::body::{Arrived, Bodies};
use super::idle::{Activity, Busy};
use super::problem::Problem;

/// How long a request waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How many requests wait for each that is worked on.
const WAITING_RATIO: usize = 4;
/// How many large bodies are held at once: each may take tens of megabytes.
const LARGE_AT_ONCE: usize = 2;
/// After how many callers those are forgotten who are within their rate.
const CALLERS_MAX: usize = 10_000;

/// What an operator lets the server take on.
#[derive(Clone, Copy, Debug)]
pub struct LimitOptions {
    /// From how many requests at once it would rather have no more.
    pub requests_soft: usize,
    /// How many are worked on at once.
    pub requests_hard: usize,
    /// How long one may take.
    pub request_timeout: Duration,
    /// How many a minute one caller may send; `None` for any number.
    pub rate_limit: Option<u32>,
}

impl Default for LimitOptions {
    fn default() -> Self {
        LimitOptions {
            requests_soft: 20,
            requests_hard: 25,
            request_timeout: Duration::from_secs(120),
            rate_limit: None,
        }
    }
}

type Rates = RateLimiter<Arc<str>, HashMapStateStore<Arc<str>>, DefaultClock>;

/// The limits, and what is taken on now.
pub(super) struct Limits {
    options: LimitOptions,
    turns: Arc<Semaphore>,
    large_turns: Arc<Semaphore>,
    bodies: Bodies,
    waiting: AtomicUsize,
    wait_max: Duration,
    rates: Option<Rates>,
    activity: Activity,
}

/// A request's turn, as an extension of it: whoever works on it elsewhere than in
/// its own future holds a clone until that is done. Calls over the older SSE
/// transport do so too, since they have the head of the request that brought them.
#[derive(Clone)]
pub(super) struct Turn {
    _held: Arc<Held>,
}

/// What a request holds until it is answered.
struct Held {
    _turn: OwnedSemaphorePermit,
    _large: Option<OwnedSemaphorePermit>,
    _body_bytes: Option<OwnedSemaphorePermit>,
    _busy: Busy,
}

impl Limits {
    /// Limits of a server whose routes take bodies of up to `body_bytes_max`.
    pub(super) fn new(options: LimitOptions, body_bytes_max: usize, activity: Activity) -> Self {
        // All of a minute at once: an agent's session is dozens of requests in a second.
        let quota = options.rate_limit.and_then(NonZeroU32::new);
        let quota = quota.map(Quota::per_minute);
        Limits {
            turns: Arc::new(Semaphore::new(options.requests_hard)),
            large_turns: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            bodies: Bodies::new(body_bytes_max),
            waiting: AtomicUsize::new(0),
            wait_max: WAIT_MAX,
            rates: quota.map(RateLimiter::hashmap),
            options,
            activity,
        }
    }

    /// Whether another request would be welcome.
    pub(super) fn has_room(&self) -> bool {
        let under_way = self.options.requests_hard - self.turns.available_permits();
        under_way < self.options.requests_soft
    }

    /// The refusal of a caller who sends too many, saying when the next may come.
    fn beyond_rate(&self, caller: &Arc<str>) -> Option<Response> {
        let rates = self.rates.as_ref()?;
        if rates.len() > CALLERS_MAX {
            rates.retain_recent();
        }
        let until = rates.check_key(caller).err()?;
        let wait = until.wait_time_from(DefaultClock::default().now());
        let seconds = wait.as_secs() + 1;
        let limit = self.options.rate_limit.unwrap_or_default();
        let detail = format!("one caller may send {limit} requests a minute");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
            .hint(format!("try again in {seconds} s"));
        counter!("rag_http_refused_total", "reason" => "rate").increment(1);
        let mut response = problem.into_response();
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        Some(response)
    }

    async fn admit(
        &self,
        is_large: bool,
        body_bytes: Option<OwnedSemaphorePermit>,
    ) -> Result<Turn, Response> {
        // First, so that those who wait with a large body keep no turn from others.
        let large = match is_large {
            true => Some(self.turn(&self.large_turns).await?),
            false => None,
        };
        let turn = self.turn(&self.turns).await?;
        let held = Held {
            _turn: turn,
            _large: large,
            _body_bytes: body_bytes,
            _busy: self.activity.begin(),
        };
        Ok(Turn {
            _held: Arc::new(held),
        })
    }

    async fn turn(&self, turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Response> {
        if let Ok(turn) = turns.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let _place = Place::take(&self.waiting, WAITING_RATIO * self.options.requests_hard)
            .ok_or_else(busy)?;
        let turn = timeout(self.wait_max, turns.clone().acquire_owned()).await;
        Ok(turn.map_err(|_| busy())?.expect("it is never closed"))
    }
}

/// A place among those who wait, until it is dropped.
struct Place<'count>(&'count AtomicUsize);

impl<'count> Place<'count> {
    fn take(waiting: &'count AtomicUsize, max: usize) -> Option<Self> {
        let place = Place(waiting);
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        (before < max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Has a request wait for its turn, and ends it when it takes too long.
pub(super) async fn keep(
    State(limits): State<Arc<Limits>>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(Identity(caller)) = request.extensions().get::<Identity>()
        && let Some(refusal) = limits.beyond_rate(caller)
    {
        return refusal;
    }
    let arrived = match limits.bodies.take(request).await {
        Ok(arrived) => arrived,
        Err(refusal) => return refusal,
    };
    let Arrived {
        mut request,
        held,
        is_large,
    } = arrived;
    let turn = match limits.admit(is_large, held).await {
        Ok(turn) => turn,
        Err(refusal) => return refusal,
    };
    request.extensions_mut().insert(turn.clone());
    let deadline = Instant::now() + limits.options.request_timeout;
    let is_listening = request.method() == Method::GET;
    let answer = timeout_at(deadline, next.run(request)).await;
    let Ok(response) = answer else {
        return too_long(limits.options.request_timeout);
    };
    // Whoever only listens holds nothing up. The answer to a call that reports
    // progress on the way is work until its end.
    if is_listening || !is_stream(&response) {
        return response;
    }
    response.map(|body| {
        let frames = body
            .into_data_stream()
            .take_until(sleep_until(deadline))
            .map(move |frame| {
                let _until_then = &turn;
                frame
            });
        Body::from_stream(frames)
    })
}

/// Keeps the numbers of what is under way for `/metrics`.
pub(super) fn observe(limits: &Limits) {
    let under_way = limits.options.requests_hard - limits.turns.available_permits();
    let waiting = limits.waiting.load(Ordering::Relaxed);
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    for (state, number) in [("worked_on", under_way), ("waiting", waiting)] {
        gauge!("rag_http_requests", "state" => state).set(number as f64);
    }
}

fn is_stream(response: &Response) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

fn busy() -> Response {
    counter!("rag_http_refused_total", "reason" => "busy").increment(1);
    let detail = "the server has as many requests as it takes on at once";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        .hint("try again in a few seconds; RAG_REQUESTS_HARD says how many it takes")
        .into_response()
}

fn too_long(limit: Duration) -> Response {
    counter!("rag_http_refused_total", "reason" => "timeout").increment(1);
    let detail = format!("the request was given up after {} s", limit.as_secs());
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail)
        .hint("what it had started may be done; long work belongs into jobs, and RAG_REQUEST_TIMEOUT says how long a request may take")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Limits with room for one, for which others wait `wait_max`.
    fn for_one(wait_max: Duration) -> Limits {
        let options = LimitOptions {
            requests_soft: 1,
            requests_hard: 1,
            ..LimitOptions::default()
        };
        Limits {
            wait_max,
            ..Limits::new(options, 1 << 20, Activity::default())
        }
    }

    #[tokio::test]
    async fn who_waits_too_long_is_refused() {
        let limits = for_one(Duration::from_millis(20));
        assert!(limits.has_room());
        let first = limits
            .admit(false, None)
            .await
            .map_err(|_| "refused")
            .unwrap();
        assert!(!limits.has_room());
        let refused = limits.admit(false, None).await.err().unwrap();
        assert_eq!(refused.status(), 503);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
        let patient = Limits {
            wait_max: WAIT_MAX,
            ..limits
        };
        let (second, ()) = tokio::join!(patient.admit(false, None), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(second.is_ok());
    }

    #[tokio::test]
    async fn no_more_wait_than_there_is_room_for() {
        let limits = for_one(Duration::from_millis(200));
        let _first = limits
            .admit(false, None)
            .await
            .map_err(|_| "refused")
            .unwrap();
        let began = Instant::now();
        let many = (0..=WAITING_RATIO).map(|_| limits.admit(false, None));
        let mut many = futures_util::stream::FuturesUnordered::from_iter(many);
        // The one for whom there is no place does not wait.
        assert!(many.next().await.unwrap().is_err());
        let first = began.elapsed();
        assert!(many.next().await.unwrap().is_err());
        assert!(first < limits.wait_max && began.elapsed() >= limits.wait_max);
    }

    #[test]
    fn a_caller_may_send_so_many() {
        let options = LimitOptions {
            rate_limit: Some(2),
            ..LimitOptions::default()
        };
        let limits = Limits::new(options, 1 << 20, Activity::default());
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        assert!(limits.beyond_rate(&one).is_none() && limits.beyond_rate(&one).is_none());
        let refused = limits.beyond_rate(&one).unwrap();
        assert_eq!(refused.status(), 429);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
        assert!(limits.beyond_rate(&other).is_none());
    }
}
