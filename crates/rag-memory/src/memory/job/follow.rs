//! Asking for a job and following it to its end, or as long as the caller has
//! patience.

use std::time::Duration;

use rag_core::model::{Job, JobId, NewJob, Timestamp};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::worker::is_abandoned;
use crate::memory::{Memory, Patience, Progress, Watch};
use crate::{Error, ErrorKind};

/// How often a job of another process is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often a job is taken up that is let go at once.
const TRIES_MAX: u32 = 5;
/// How long a job that was cancelled is given to stop.
const STOPPING_MAX: Duration = Duration::from_secs(5);

impl Memory {
    /// Adds a job, or joins the same one, and follows it. Gives the job as it
    /// stands at its end or when patience is; a job that failed is an error.
    pub(in crate::memory) async fn start(&self, new: &NewJob, watch: &Watch) -> Result<Job, Error> {
        let (job, added) = self.store.add_job(new).await?;
        tracing::info!(
            job.id = %job.id,
            collection.name = %new.collection,
            kind = new.kind.as_str(),
            "{}", if added { "added a job" } else { "joined a job" }
        );
        self.follow(job.id, added || is_abandoned(&job), watch)
            .await
    }

    /// Follows a job, working on it where nobody does. A caller who gives up
    /// ends it if it is the caller's `own`.
    pub(in crate::memory) async fn follow(
        &self,
        id: JobId,
        own: bool,
        watch: &Watch,
    ) -> Result<Job, Error> {
        let usual = self.options.job_wait;
        let patience = match watch.patience {
            Patience::Endless => None,
            Patience::Usual => Some(Instant::now() + usual),
            Patience::For(wait) => Some(Instant::now() + wait.min(usual)),
        };
        let mut progress = Some(self.take_up(id));
        let mut tries = 0;
        loop {
            let look = Instant::now() + LOOK;
            let wake = patience.map_or(look, |patience| look.min(patience));
            tokio::select! {
                biased;
                () = watch.cancel.cancelled() => return Err(self.give_up(id, own).await),
                () = told(&mut progress, watch) => {}
                () = tokio::time::sleep_until(wake) => {}
            }
            let out_of_patience = patience.is_some_and(|patience| Instant::now() >= patience);
            if progress.is_some() && !out_of_patience {
                continue;
            }
            let job = self.store.job(id).await?.ok_or_else(|| deleted(id))?;
            if job.error.is_some() && job.state.is_final() {
                return Err(failed(&job));
            }
            if job.state.is_final() || out_of_patience {
                return Ok(job);
            }
            if self.jobs.shutdown.is_cancelled() {
                let message =
                    format!("the process comes to its end; job {id} goes on with the next");
                return Err(Error::new(ErrorKind::Cancelled, message));
            }
            (watch.progress)(Progress {
                done: job.counts.done(),
                total: job.counts.total(),
                message: job.new.subject.clone(),
            });
            if is_abandoned(&job) {
                tries += 1;
                if tries > TRIES_MAX {
                    let message = format!("job {id} cannot be worked on");
                    return Err(Error::new(ErrorKind::Unavailable, message)
                        .hint("the log says why; is the store full or read-only?"));
                }
                tokio::time::sleep(LOOK).await;
                progress = Some(self.take_up(id));
            }
        }
    }

    /// What a caller who leaves is told.
    async fn give_up(&self, id: JobId, own: bool) -> Error {
        let message = format!("the call was cancelled; job {id} goes on");
        let goes_on = Error::new(ErrorKind::Cancelled, message).hint("cancel_job stops it");
        if !own {
            return goes_on;
        }
        let cancelled = self.store.cancel_job(id, Timestamp::now()).await;
        if let Err(error) = cancelled {
            return goes_on.hint(format!("it could not be stopped: {error}"));
        }
        self.jobs.poke(id);
        let until = Instant::now() + STOPPING_MAX;
        while Instant::now() < until {
            match self.store.job(id).await {
                Ok(Some(job)) if job.state.is_final() => return stopped(&job, "it was cancelled"),
                Ok(Some(_)) => tokio::time::sleep(LOOK / 10).await,
                Ok(None) => return deleted(id),
                Err(error) => return error.into(),
            }
        }
        Error::new(ErrorKind::Cancelled, format!("job {id} is about to stop"))
    }
}

/// Tells of progress once there is some. When there will be none any more,
/// `progress` is gone; without any it never returns.
async fn told(progress: &mut Option<watch::Receiver<Progress>>, watch: &Watch) {
    match progress {
        None => std::future::pending().await,
        Some(receiver) => match receiver.changed().await {
            Ok(()) => (watch.progress)(receiver.borrow_and_update().clone()),
            Err(_) => *progress = None,
        },
    }
}

fn deleted(id: JobId) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("job {id} was deleted with its collection"),
    )
}

/// The error of a job that ended with one.
fn failed(job: &Job) -> Error {
    let why = job.error.as_deref().unwrap_or("for no known reason");
    let told = |name: &str| {
        job.notes
            .get("failure")
            .and_then(|failure| failure.get(name))
    };
    let kind = told("kind").and_then(Value::as_str);
    let kind = kind
        .and_then(ErrorKind::from_name)
        .unwrap_or(ErrorKind::Internal);
    let counts = &job.counts;
    if counts.ingested + counts.unchanged + counts.removed == 0 {
        let error = Error::new(kind, why);
        return match told("hint").and_then(Value::as_str) {
            Some(hint) => error.hint(hint),
            None => error,
        };
    }
    Error::new(kind, stopped(job, why).message()).hint(going_on(job))
}

fn stopped(job: &Job, why: &str) -> Error {
    let counts = &job.counts;
    let message = format!(
        "stopped after {} of {} ({} put in, {} unchanged, {} failed): {why}",
        counts.done(),
        counts.total(),
        counts.ingested,
        counts.unchanged,
        counts.failed
    );
    Error::new(ErrorKind::Cancelled, message).hint(going_on(job))
}

fn going_on(job: &Job) -> String {
    format!(
        "what was put in stays; the same call, or `rag job retry {}`, goes on with the rest",
        job.id
    )
}
