//! The contract of what keeps jobs.

use async_trait::async_trait;

use super::StoreError;
use crate::model::{CollectionName, ItemState, Job, JobId, JobItem, JobState, NewJob, Timestamp};

/// How many finished jobs of a collection are kept: the newest, as they are
/// listed. Older ones go, with their items, when a new one is added; but never
/// the newest finished and the newest done one of a kind and subject, which tell
/// how current what they put in is. So more are kept where there are more
/// subjects.
pub const FINISHED_JOBS_KEPT: usize = 100;

/// The most jobs, or items of one, that a page of a listing may have.
pub const JOB_LISTING_LIMIT_MAX: usize = 1_000;

/// Keeps jobs and their items, for any number of workers in any number of
/// processes.
///
/// - A **worker** is a text that no other worker has. It holds a job by a
///   lease, which it renews; one whose lease is over is taken to be gone. The
///   job stays its own until it is another's, ended or let go: one that was
///   only asleep goes on, and one that lost its job changes nothing of it.
/// - **Durable** and **atomic**, as [`super::Store`] is.
/// - Jobs go with their collection.
/// - `now` is the caller's clock.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Adds a job, or finds the unfinished one with the same key. The flag says
    /// whether it was added. [`StoreError::NoCollection`] without its collection.
    ///
    /// An unfinished one that shall stop is joined only while a worker has it:
    /// when it is queued, or its lease is over at the time `job` was created, it
    /// is cancelled as of that time, and `job` is added.
    async fn add_job(&self, job: &NewJob) -> Result<(Job, bool), StoreError>;

    /// A job with its counts.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Jobs that pass `filter`, last created first, then by id: `limit` of them
    /// after skipping `offset`.
    async fn jobs(
        &self,
        filter: &JobFilter,
        offset: usize,
        limit: usize,
    ) -> Result<JobPage, StoreError>;

    /// Takes a job for `worker` until `until`, or renews its lease.
    async fn lease_job(
        &self,
        id: JobId,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError>;

    /// Ends what `worker` does with a job: [`JobState::Queued`] lets it go for
    /// another, which asks for no error; the others are its end. One that shall
    /// stop is not let go for another: it is [`JobState::Cancelled`] instead.
    /// `false`, and nothing done, when it is not this worker's any more.
    async fn release_job(
        &self,
        id: JobId,
        worker: &str,
        state: JobState,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Keeps notes of `worker` with its job, in place of earlier ones. `false`,
    /// and nothing done, when it is not this worker's any more.
    async fn note_job(
        &self,
        id: JobId,
        worker: &str,
        notes: &serde_json::Value,
    ) -> Result<bool, StoreError>;

    /// Asks for a job to stop. One that nobody works on is cancelled at once; a
    /// finished one stays as it is. `None` when there is no such job.
    async fn cancel_job(&self, id: JobId, now: Timestamp) -> Result<Option<Job>, StoreError>;

    /// Makes a finished job queued again, its failed items pending, its error
    /// and cancellation forgotten; an unfinished one stays as it is. Where
    /// another of its key is unfinished, that one is given instead. `None` when
    /// there is no such job.
    async fn reopen_job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Writes items of the job of `worker`, in one step. An item that is there is
    /// replaced, but never by a pending one. Their order is that in which they
    /// were first written. `false`, and nothing done, when it is not this
    /// worker's any more.
    async fn put_job_items(
        &self,
        id: JobId,
        worker: &str,
        items: &[JobItem],
    ) -> Result<bool, StoreError>;

    /// Items of a job in their order, of one state or of all: `limit` of them
    /// after skipping `offset`.
    async fn job_items(
        &self,
        id: JobId,
        state: Option<ItemState>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<JobItem>, StoreError>;
}

/// Which jobs are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only those of this collection.
    pub collection: Option<CollectionName>,
    /// Only those in these states; empty means any.
    pub states: Vec<JobState>,
}

/// A part of a listing of jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPage {
    /// The jobs of this page.
    pub jobs: Vec<Job>,
    /// How many pass the filter in all.
    pub total: u64,
}

/// What came of asking for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// The worker has the job, which is running.
    Held,
    /// The worker has it, and it shall stop.
    CancelRequested,
    /// Another worker has it, it is finished, or there is none.
    Refused,
}
