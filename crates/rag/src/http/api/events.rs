//! `GET /api/v1/jobs/{job}/events`: how a job comes along, as
//! [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html).
//! `progress` comes with every change, `end` once, when it is over.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use rag_memory::api::{GetJob, JobStatus, JobView};
use rag_memory::{Access, Memory};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Api;
use super::operation::invalid;
use crate::http::problem::Problem;

/// Below `/api/v1`.
pub(super) const PATH: &str = "/jobs/{job}/events";

/// The tool that tells the same.
pub(super) const TOOL: &str = "get_job";

/// How often a job is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long one may listen; clients open the stream again by themselves, with a
/// token that must still be good.
const LISTEN_MAX: Duration = Duration::from_secs(5 * 60);
/// How often a silent stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One who listens to a job.
struct Listener {
    memory: Memory,
    job: String,
    told: Option<JobView>,
    until: Instant,
    shutdown: CancellationToken,
    _turn: OwnedSemaphorePermit,
}

pub(super) async fn listen(
    State(api): State<Arc<Api>>,
    Extension(access): Extension<Access>,
    job: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(job)) = job else {
        return invalid("the path is not UTF-8").into_response();
    };
    let memory = api.memory.with_access(access);
    // What is wrong is said before the stream begins.
    if let Err(error) = memory.get_job(GetJob::new(&job)).await {
        return Problem::from(&error).into_response();
    }
    let Ok(turn) = api.listeners.clone().try_acquire_owned() else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Problem::new(status, "busy", "too many listen to jobs at once")
            .hint("ask for `/api/v1/jobs/{job}` now and then instead")
            .into_response();
    };
    let listener = Listener {
        memory,
        job,
        told: None,
        until: Instant::now() + LISTEN_MAX,
        shutdown: api.shutdown.clone(),
        _turn: turn,
    };
    let events = stream::unfold(Some(listener), |listener| async move {
        let mut listener = listener?;
        let (event, is_last) = listener.next().await?;
        Some((Ok::<_, Infallible>(event), (!is_last).then_some(listener)))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

impl Listener {
    /// The next event, and whether it is the last.
    async fn next(&mut self) -> Option<(Event, bool)> {
        let mut is_first = self.told.is_none();
        while Instant::now() < self.until {
            if !std::mem::take(&mut is_first) {
                tokio::select! {
                    () = sleep(LOOK) => {}
                    () = self.shutdown.cancelled() => return None,
                }
            }
            let job = match self.memory.get_job(GetJob::new(&self.job)).await {
                Ok(job) => job,
                // A store that is away for a moment comes back.
                Err(error) if error.kind() == rag_memory::ErrorKind::Unavailable => continue,
                Err(_) => return None,
            };
            if self.told.as_ref().is_some_and(|told| same(told, &job)) {
                continue;
            }
            let is_over = !matches!(job.status, JobStatus::Queued | JobStatus::Running);
            let name = if is_over { "end" } else { "progress" };
            let event = Event::default().event(name).json_data(&job).ok()?;
            self.told = Some(job);
            return Some((event, is_over));
        }
        None
    }
}

fn same(told: &JobView, job: &JobView) -> bool {
    told.status == job.status && told.counts == job.counts && told.warnings == job.warnings
}
