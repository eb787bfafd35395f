//! The worker of a job: takes it by a lease, holds that while the work goes on,
//! and writes down how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use metrics::{counter, gauge};
use rag_core::model::{Job, JobId, JobKind, JobState, Timestamp};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter, Lease};
use serde_json::json;
use tokio::sync::{Notify, watch};

use super::{JobRun, Running};
use crate::memory::{Memory, Progress};
use crate::{Error, ErrorKind};

/// How long a worker that is not heard of is waited for.
const LEASE: Duration = Duration::from_secs(15);
/// How often a lease is renewed.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often a server looks for jobs whose worker is gone.
const PATROL: Duration = Duration::from_secs(15);
/// How long the end of the process waits for its jobs, and then for the browser.
const CLOSING_MAX: Duration = Duration::from_millis(2500);
const BROWSER_MAX: Duration = Duration::from_secs(2);

/// Why a worker stopped before its job's end.
enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// Another worker has the job now.
    Lost,
    /// The process comes to its end.
    Shutdown,
}

impl Memory {
    /// Starts taking up jobs whose worker is gone, now and every few seconds,
    /// until [`Memory::close`].
    pub fn keep_jobs(&self) {
        let memory = self.unrestricted();
        let patrol = async move {
            loop {
                if let Err(error) = memory.take_up_abandoned().await {
                    tracing::warn!("cannot look for jobs to take up: {error}");
                }
                tokio::select! {
                    () = memory.jobs.shutdown.cancelled() => return,
                    () = tokio::time::sleep(PATROL) => {}
                }
            }
        };
        drop(self.jobs.tasks.spawn(patrol));
    }

    /// Ends what this process does by itself: jobs stop where they can go on
    /// later, and the browser goes. Takes four and a half seconds at the most.
    pub async fn close(&self) {
        self.jobs.shutdown.cancel();
        self.jobs.tasks.close();
        if tokio::time::timeout(CLOSING_MAX, self.jobs.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("jobs did not stop in time; they go on where they last wrote");
        }
        if let Some(renderer) = &self.options.web.renderer {
            // One that does not end by itself is killed with the process.
            let _ = tokio::time::timeout(BROWSER_MAX, renderer.close()).await;
        }
    }

    /// Whether this process works on a job. Asks nobody.
    pub fn is_working(&self) -> bool {
        !self.jobs.running().is_empty()
    }

    /// Whether this process works on a job, or will take one up.
    pub async fn has_work(&self) -> Result<bool, Error> {
        if self.is_working() {
            return Ok(true);
        }
        Ok(!self.abandoned().await?.is_empty())
    }

    async fn take_up_abandoned(&self) -> Result<(), Error> {
        for id in self.abandoned().await? {
            tracing::info!(job.id = %id, "taking up a job that was left");
            self.take_up(id);
        }
        Ok(())
    }

    /// The jobs without a worker that this process may do, oldest first.
    async fn abandoned(&self) -> Result<Vec<JobId>, Error> {
        let filter = JobFilter {
            collection: None,
            states: vec![JobState::Queued, JobState::Running],
        };
        let page = self.store.jobs(&filter, 0, JOB_LISTING_LIMIT_MAX).await?;
        let mut abandoned = Vec::new();
        for job in page.jobs.iter().rev().filter(|job| is_abandoned(job)) {
            let waits_here = self.jobs.running().contains_key(&job.id);
            // Another process may, with other folders or another embedder.
            if !waits_here && self.may_run(job).await.is_ok() {
                abandoned.push(job.id);
            }
        }
        Ok(abandoned)
    }

    /// Whether this process can do a job: its collection takes this embedder's
    /// vectors, and its files may be read.
    pub(in crate::memory) async fn may_run(&self, job: &Job) -> Result<(), Error> {
        if job.new.kind == JobKind::Reembed {
            return self.may_reembed(job);
        }
        self.writable_collection(job.new.collection.as_str())
            .await?;
        if job.new.kind == JobKind::Directory {
            self.options.file_roots.resolve(job.new.subject.as_ref())?;
        }
        Ok(())
    }

    /// Has a task of this process work on a job, unless one does. What it gives
    /// follows the work and ends with it.
    pub(super) fn take_up(&self, id: JobId) -> watch::Receiver<Progress> {
        let mut running = self.jobs.running();
        if let Some(running) = running.get(&id) {
            return running.progress.clone();
        }
        let (sender, progress) = watch::channel(Progress::default());
        let poke = Arc::new(Notify::new());
        let entry = Running {
            progress: progress.clone(),
            poke: poke.clone(),
        };
        running.insert(id, entry);
        drop(running);
        // Whoever starts a job was allowed to; it may outlive that.
        let memory = self.unrestricted();
        let work = async move {
            if let Err(error) = memory.work_on(id, sender, &poke).await {
                tracing::warn!(job.id = %id, "a job could not be taken up or let go: {error}");
            }
            memory.jobs.running().remove(&id);
        };
        drop(self.jobs.tasks.spawn(work));
        progress
    }

    async fn work_on(
        &self,
        id: JobId,
        progress: watch::Sender<Progress>,
        poke: &Notify,
    ) -> Result<(), Error> {
        let _turn = loop {
            tokio::select! {
                () = self.jobs.shutdown.cancelled() => return Ok(()),
                turn = self.jobs.turns.acquire() => {
                    break turn.expect("the semaphore is never closed");
                }
                () = poke.notified() => {
                    let job = self.store.job(id).await?;
                    if job.is_none_or(|job| job.state.is_final()) {
                        return Ok(());
                    }
                }
            }
        };
        match self.lease(id).await? {
            Lease::Held => {}
            Lease::CancelRequested => return self.release(id, JobState::Cancelled, None).await,
            Lease::Refused => return Ok(()),
        }
        let Some(job) = self.store.job(id).await? else {
            return Ok(());
        };
        let run = JobRun::new(self.clone(), job, progress);
        let _counted = Counted::begin();
        let work = AssertUnwindSafe(self.work_of(&run)).catch_unwind();
        let outcome = tokio::select! {
            outcome = work => Ok(outcome.unwrap_or_else(|_| Err(panicked()))),
            stop = self.hold(&run, poke) => Err(stop),
        };
        let (state, error) = match outcome {
            Ok(Ok(())) => (JobState::Done, None),
            Ok(Err(error)) => (JobState::Failed, Some(error)),
            Err(Stop::Cancelled) => (JobState::Cancelled, None),
            Err(Stop::Shutdown) => (JobState::Queued, None),
            Err(Stop::Lost) => return Ok(()),
        };
        if let Some(error) = &error {
            let told = json!({"kind": error.kind().name(), "hint": error.remedy()});
            run.note("failure", told);
        }
        run.flush().await?;
        self.release(id, state, error.as_ref().map(Error::message))
            .await
    }

    async fn work_of(&self, run: &JobRun) -> Result<(), Error> {
        match run.job.new.kind {
            JobKind::Crawl => self.run_crawl(run).await,
            JobKind::Directory => self.run_directory(run).await,
            JobKind::Repository => self.run_repository(run).await,
            JobKind::Reembed => self.run_reembed(run).await,
        }
    }

    async fn lease(&self, id: JobId) -> Result<Lease, Error> {
        let now = Timestamp::now();
        let worker = &self.jobs.worker;
        Ok(self.store.lease_job(id, worker, now, now + LEASE).await?)
    }

    async fn release(&self, id: JobId, state: JobState, error: Option<&str>) -> Result<(), Error> {
        let now = Timestamp::now();
        let worker = &self.jobs.worker;
        self.store
            .release_job(id, worker, state, error, now)
            .await?;
        let end = if state.is_final() {
            "a job came to an end"
        } else {
            "a job was let go"
        };
        counter!("rag_jobs_ended_total", "state" => state.as_str()).increment(1);
        tracing::info!(job.id = %id, state = state.as_str(), "{end}");
        Ok(())
    }

    /// Renews the lease until there is a reason to stop. A store that is out
    /// of reach is none before the lease is over: the work notices by itself.
    async fn hold(&self, run: &JobRun, poke: &Notify) -> Stop {
        let id = run.job.id;
        loop {
            tokio::select! {
                () = self.jobs.shutdown.cancelled() => return Stop::Shutdown,
                () = poke.notified() => {}
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            match self.lease(id).await {
                Ok(Lease::Held) => {}
                Ok(Lease::CancelRequested) => return Stop::Cancelled,
                Ok(Lease::Refused) => return Stop::Lost,
                Err(error) => tracing::warn!(job.id = %id, "cannot renew a lease: {error}"),
            }
            if let Err(error) = run.flush().await {
                tracing::warn!(job.id = %id, "cannot write what became of items: {error}");
            }
        }
    }
}

/// A job that is worked on, in the numbers that are told of this process.
struct Counted;

impl Counted {
    fn begin() -> Self {
        gauge!("rag_jobs").increment(1);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!("rag_jobs").decrement(1);
    }
}

/// Whether no worker has it, or one that is not heard of any more.
pub(super) fn is_abandoned(job: &Job) -> bool {
    let held = job
        .leased_until
        .is_some_and(|until| until > Timestamp::now());
    !job.state.is_final() && (job.state != JobState::Running || !held)
}

fn panicked() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the job failed in a way that it never should",
    )
    .hint("the log says where; please report it")
}
