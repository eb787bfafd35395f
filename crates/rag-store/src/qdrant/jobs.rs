//! The Qdrant store as what keeps jobs.

use async_trait::async_trait;
use rag_core::model::{ItemState, Job, JobId, JobItem, JobState, NewJob, Timestamp};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter, JobPage, JobStore, Lease, StoreError};

use super::{QdrantStore, job, job_item};

#[async_trait]
impl JobStore for QdrantStore {
    async fn add_job(&self, new: &NewJob) -> Result<(Job, bool), StoreError> {
        let work = job::add(&self.server, new);
        self.run("add a job", work).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let work = job::read(&self.server, id);
        self.run("read a job", work).await
    }

    async fn jobs(
        &self,
        filter: &JobFilter,
        offset: usize,
        limit: usize,
    ) -> Result<JobPage, StoreError> {
        let limit = limit.min(JOB_LISTING_LIMIT_MAX);
        let work = job::page(&self.server, filter, offset, limit);
        self.run("list jobs", work).await
    }

    async fn lease_job(
        &self,
        id: JobId,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        let work = job::lease(&self.server, id, worker, now, until);
        self.run("take a job", work).await
    }

    async fn release_job(
        &self,
        id: JobId,
        worker: &str,
        state: JobState,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let work = job::release(&self.server, id, worker, state, error, now);
        self.run("end a job", work).await
    }

    async fn note_job(
        &self,
        id: JobId,
        worker: &str,
        notes: &serde_json::Value,
    ) -> Result<bool, StoreError> {
        let work = job::note(&self.server, id, worker, notes);
        self.run("keep a job's notes", work).await
    }

    async fn cancel_job(&self, id: JobId, now: Timestamp) -> Result<Option<Job>, StoreError> {
        let work = job::cancel(&self.server, id, now);
        self.run("cancel a job", work).await
    }

    async fn reopen_job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let work = job::reopen(&self.server, id);
        self.run("reopen a job", work).await
    }

    async fn put_job_items(
        &self,
        id: JobId,
        worker: &str,
        items: &[JobItem],
    ) -> Result<bool, StoreError> {
        let work = job_item::put(&self.server, id, worker, items);
        self.run("write items of a job", work).await
    }

    async fn job_items(
        &self,
        id: JobId,
        state: Option<ItemState>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<JobItem>, StoreError> {
        let limit = limit.min(JOB_LISTING_LIMIT_MAX);
        let work = job_item::list(&self.server, id, state, offset, limit);
        self.run("list items of a job", work).await
    }
}
