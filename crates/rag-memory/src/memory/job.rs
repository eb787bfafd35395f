//! Jobs: long work that survives a crash of the process.
//!
//! A job is kept in the store with an item for everything it has to see to.
//! Whoever asks for one adds it (or joins the one that is under way), has a
//! worker of this process take it up, and follows it (`follow`). A worker holds
//! its job by a lease (`worker`), so that another process takes it over when
//! this one dies, and writes down what becomes of each item (`run`). What a job
//! does is in the file of its kind: `crawl`, `directory`, `repository`.

mod follow;
mod report;
mod run;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rag_core::model::{
    CollectionName, ContentHash, ItemState, Job, JobId, JobItem, JobKind, JobState, NewJob,
    Timestamp,
};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use self::report::Report;
pub(super) use self::run::JobRun;
use super::{Memory, Progress, Watch, check};
use crate::api::{
    CancelJob, GetJob, ItemFilter, JobCounts, JobItemView, JobList, JobStatus, JobView, ListJobs,
    RetryJob,
};
use crate::{Error, Scope};

/// How many jobs this process works on at once; more wait their turn.
const JOBS_AT_ONCE: usize = 2;

/// The jobs of this process.
pub(super) struct Jobs {
    /// What the leases of this process are held by.
    worker: String,
    running: Mutex<HashMap<JobId, Running>>,
    turns: Semaphore,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// A job that a task of this process has, or waits to have.
#[derive(Clone)]
struct Running {
    progress: watch::Receiver<Progress>,
    /// Makes the task look whether it shall stop, sooner than it would.
    poke: Arc<tokio::sync::Notify>,
}

impl Jobs {
    pub(super) fn new() -> Self {
        let started = Timestamp::now();
        let process = std::process::id();
        // Two memories of one process are two workers.
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Jobs {
            worker: format!("{process}.{count}@{started}"),
            running: Mutex::default(),
            turns: Semaphore::new(JOBS_AT_ONCE),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<JobId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poke(&self, id: JobId) {
        if let Some(running) = self.running().get(&id) {
            running.poke.notify_one();
        }
    }
}

/// A job for `request`, which is the same as another when nothing but what is
/// returned differs.
pub(super) fn new_job(
    kind: JobKind,
    collection: &CollectionName,
    subject: String,
    request: &impl Serialize,
) -> NewJob {
    let request = serde_json::to_value(request).expect("wire types are JSON");
    let mut asked = request.clone();
    if let Value::Object(asked) = &mut asked {
        asked.retain(|name, _| !name.starts_with("include_"));
    }
    let parts = [kind.as_str(), collection.as_str(), &asked.to_string()];
    NewJob {
        kind,
        collection: collection.clone(),
        subject,
        key: ContentHash::of_parts(&parts),
        request,
        created_at: Timestamp::now(),
    }
}

impl Memory {
    /// A job, with those of its items that are asked for.
    pub async fn get_job(&self, request: GetJob) -> Result<JobView, Error> {
        self.access.require(&[Scope::Read, Scope::Ingest])?;
        let limit = check::in_range("limit", request.limit, 1..=JOB_LISTING_LIMIT_MAX as i64)?;
        let offset = check::in_range("offset", request.offset, 0..=i64::from(u32::MAX))?;
        let job = self.job_named(&request.job_id).await?;
        let mut seen = view(&job);
        let (state, total) = match request.items {
            ItemFilter::None => return Ok(seen),
            ItemFilter::All => (None, job.counts.total()),
            ItemFilter::Pending => (Some(ItemState::Pending), job.counts.pending),
            ItemFilter::Ingested => (Some(ItemState::Ingested), job.counts.ingested),
            ItemFilter::Unchanged => (Some(ItemState::Unchanged), job.counts.unchanged),
            ItemFilter::Skipped => (Some(ItemState::Skipped), job.counts.skipped),
            ItemFilter::Failed => (Some(ItemState::Failed), job.counts.failed),
            ItemFilter::Removed => (Some(ItemState::Removed), job.counts.removed),
        };
        let items = self.store.job_items(job.id, state, offset, limit).await?;
        let next = (offset + items.len()) as u64;
        seen.next_offset = (!items.is_empty() && next < total).then_some(next);
        seen.items = items.into_iter().map(item_view).collect();
        Ok(seen)
    }

    /// Jobs, newest first.
    pub async fn list_jobs(&self, request: ListJobs) -> Result<JobList, Error> {
        self.access.require(&[Scope::Read, Scope::Ingest])?;
        let limit = check::in_range("limit", request.limit, 1..=JOB_LISTING_LIMIT_MAX as i64)?;
        let offset = check::in_range("offset", request.offset, 0..=i64::from(u32::MAX))?;
        let collection = match (&request.collection_name, self.access.collections()) {
            (Some(name), _) => Some(name.as_str()),
            (None, None) => None,
            (None, Some([only])) => Some(only.as_str()),
            (None, Some(_)) => {
                return Err(Error::invalid("`collection_name` is missing")
                    .hint("the caller may not see the jobs of all collections: name one"));
            }
        };
        let collection = match collection {
            Some(name) => Some(self.collection_named(name).await?.collection.name),
            None => None,
        };
        let filter = JobFilter {
            collection,
            states: request.status.map(state).into_iter().collect(),
        };
        let page = self.store.jobs(&filter, offset, limit).await?;
        Ok(JobList {
            has_more: ((offset + page.jobs.len()) as u64) < page.total,
            total_count: page.total,
            jobs: page.jobs.iter().map(view).collect(),
        })
    }

    /// Asks for a job to stop. What it put in stays.
    pub async fn cancel_job(&self, request: CancelJob) -> Result<JobView, Error> {
        self.access.require(&[Scope::Ingest])?;
        let job = self.job_named(&request.job_id).await?;
        self.require_for(&job)?;
        let id = job.id;
        let job = self.store.cancel_job(id, Timestamp::now()).await?;
        let job = job.ok_or_else(|| check::no_job(id))?;
        self.jobs.poke(id);
        tracing::info!(job.id = %id, "a job is to stop");
        Ok(view(&job))
    }

    /// Takes up a job that ended before all was done: what failed and what was
    /// left is tried again.
    pub async fn retry_job(&self, request: RetryJob, watch: &Watch) -> Result<JobView, Error> {
        self.access.require(&[Scope::Ingest])?;
        let job = self.job_named(&request.job_id).await?;
        self.require_for(&job)?;
        self.reopen(&job, watch).await.map(|job| view(&job))
    }

    /// Takes up a job again, or follows it where it is under way.
    pub(super) async fn reopen(&self, job: &Job, watch: &Watch) -> Result<Job, Error> {
        // Before it is queued again, where nobody might take it.
        self.may_run(job).await?;
        let own = job.state.is_final() || worker::is_abandoned(job);
        let reopened = self.store.reopen_job(job.id).await?;
        let id = reopened.ok_or_else(|| check::no_job(job.id))?.id;
        self.follow(id, own, watch).await
    }

    /// Refuses who could not have begun such a job.
    fn require_for(&self, job: &Job) -> Result<(), Error> {
        match job.new.kind {
            JobKind::Reembed => self.access.require(&[Scope::Admin]),
            JobKind::Crawl | JobKind::Directory | JobKind::Repository => Ok(()),
        }
    }

    /// A job, if the caller may use its collection.
    async fn job_named(&self, text: &str) -> Result<Job, Error> {
        let id = check::job_id(text)?;
        let found = self.store.job(id).await?;
        found
            .filter(|job| self.access.admits(&job.new.collection))
            .ok_or_else(|| check::no_job(id))
    }
}

/// Where a job stands, on the wire.
pub(super) fn status(state: JobState) -> JobStatus {
    match state {
        JobState::Queued => JobStatus::Queued,
        JobState::Running => JobStatus::Running,
        JobState::Done => JobStatus::Done,
        JobState::Failed => JobStatus::Failed,
        JobState::Cancelled => JobStatus::Cancelled,
    }
}

fn state(status: JobStatus) -> JobState {
    match status {
        JobStatus::Queued => JobState::Queued,
        JobStatus::Running => JobState::Running,
        JobStatus::Done => JobState::Done,
        JobStatus::Failed => JobState::Failed,
        JobStatus::Cancelled => JobState::Cancelled,
    }
}

fn view(job: &Job) -> JobView {
    let counts = job.counts;
    let told = |name: &str| job.notes.get(name);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    JobView {
        job_id: job.id.to_string(),
        kind: job.new.kind.as_str().to_owned(),
        subject: job.new.subject.clone(),
        collection_name: job.new.collection.to_string(),
        status: status(job.state),
        error: job.error.clone(),
        hint: told("failure").and_then(|failure| text(failure.get("hint")?)),
        warnings: told("warnings")
            .and_then(Value::as_array)
            .map(|warnings| warnings.iter().filter_map(text).collect())
            .unwrap_or_default(),
        created_at: job.new.created_at.to_string(),
        started_at: job.started_at.map(|time| time.to_string()),
        finished_at: job.finished_at.map(|time| time.to_string()),
        counts: JobCounts {
            pending: counts.pending,
            ingested: counts.ingested,
            unchanged: counts.unchanged,
            skipped: counts.skipped,
            failed: counts.failed,
            removed: counts.removed,
            chunks: counts.chunks,
        },
        items: Vec::new(),
        next_offset: None,
    }
}

fn item_view(item: JobItem) -> JobItemView {
    JobItemView {
        name: item.name,
        status: item.state.as_str().to_owned(),
        reason: item.reason,
        document_id: item.document.map(|id| id.to_string()),
        num_chunks: item.chunk_count,
    }
}
