//! The PostgreSQL store as what keeps jobs: each call in its transaction.

use async_trait::async_trait;
use rag_core::model::{ItemState, Job, JobId, JobItem, JobState, NewJob, Timestamp};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter, JobPage, JobStore, Lease, StoreError};
use serde_json::Value;

use super::{PostgresStore, job, job_item};

#[async_trait]
impl JobStore for PostgresStore {
    async fn add_job(&self, new: &NewJob) -> Result<(Job, bool), StoreError> {
        self.connections
            .write("add a job", new, |session, &new| {
                Box::pin(job::add(session, new))
            })
            .await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.connections
            .read("read a job", id, |session, &id| {
                Box::pin(job::one(session, id))
            })
            .await
    }

    async fn jobs(
        &self,
        filter: &JobFilter,
        offset: usize,
        limit: usize,
    ) -> Result<JobPage, StoreError> {
        let limit = limit.min(JOB_LISTING_LIMIT_MAX);
        self.connections
            .read(
                "list jobs",
                (filter, offset, limit),
                |session, &(filter, offset, limit)| {
                    Box::pin(job::page(session, filter, offset, limit))
                },
            )
            .await
    }

    async fn lease_job(
        &self,
        id: JobId,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.connections
            .write(
                "lease a job",
                (id, worker, now, until),
                |session, &(id, worker, now, until)| {
                    Box::pin(job::lease(session, id, worker, now, until))
                },
            )
            .await
    }

    async fn release_job(
        &self,
        id: JobId,
        worker: &str,
        state: JobState,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.connections
            .write(
                "release a job",
                (id, worker, state, error, now),
                |session, &(id, worker, state, error, now)| {
                    Box::pin(job::release(session, id, worker, state, error, now))
                },
            )
            .await
    }

    async fn note_job(&self, id: JobId, worker: &str, notes: &Value) -> Result<bool, StoreError> {
        self.connections
            .write(
                "keep a job's notes",
                (id, worker, notes),
                |session, &(id, worker, notes)| Box::pin(job::note(session, id, worker, notes)),
            )
            .await
    }

    async fn cancel_job(&self, id: JobId, now: Timestamp) -> Result<Option<Job>, StoreError> {
        self.connections
            .write("cancel a job", (id, now), |session, &(id, now)| {
                Box::pin(job::cancel(session, id, now))
            })
            .await
    }

    async fn reopen_job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.connections
            .write("reopen a job", id, |session, &id| {
                Box::pin(job::reopen(session, id))
            })
            .await
    }

    async fn put_job_items(
        &self,
        id: JobId,
        worker: &str,
        items: &[JobItem],
    ) -> Result<bool, StoreError> {
        self.connections
            .write(
                "write items of a job",
                (id, worker, items),
                |session, &(id, worker, items)| Box::pin(job_item::put(session, id, worker, items)),
            )
            .await
    }

    async fn job_items(
        &self,
        id: JobId,
        state: Option<ItemState>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<JobItem>, StoreError> {
        let limit = limit.min(JOB_LISTING_LIMIT_MAX);
        self.connections
            .read(
                "list items of a job",
                (id, state, offset, limit),
                |session, &(id, state, offset, limit)| {
                    Box::pin(job_item::list(session, id, state, offset, limit))
                },
            )
            .await
    }
}
