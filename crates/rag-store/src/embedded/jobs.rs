//! The embedded store as what keeps jobs: each call on its connection.

use async_trait::async_trait;
use rag_core::model::{ItemState, Job, JobId, JobItem, JobState, NewJob, Timestamp};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter, JobPage, JobStore, Lease, StoreError};
use serde_json::Value;

use super::{EmbeddedStore, job, job_item};

#[async_trait]
impl JobStore for EmbeddedStore {
    async fn add_job(&self, new: &NewJob) -> Result<(Job, bool), StoreError> {
        let new = new.clone();
        let work = move |file: &_| job::add(file, &new);
        self.connections.write("add a job", work).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.connections
            .read("read a job", move |file| job::one(file, id))
            .await
    }

    async fn jobs(
        &self,
        filter: &JobFilter,
        offset: usize,
        limit: usize,
    ) -> Result<JobPage, StoreError> {
        let (filter, limit) = (filter.clone(), limit.min(JOB_LISTING_LIMIT_MAX));
        let work = move |file: &_| job::page(file, &filter, offset, limit);
        self.connections.read("list jobs", work).await
    }

    async fn lease_job(
        &self,
        id: JobId,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        let worker = worker.to_owned();
        let work = move |file: &_| job::lease(file, id, &worker, now, until);
        self.connections.write("lease a job", work).await
    }

    async fn release_job(
        &self,
        id: JobId,
        worker: &str,
        state: JobState,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (worker, error) = (worker.to_owned(), error.map(str::to_owned));
        let work = move |file: &_| job::release(file, id, &worker, state, error.as_deref(), now);
        self.connections.write("release a job", work).await
    }

    async fn note_job(&self, id: JobId, worker: &str, notes: &Value) -> Result<bool, StoreError> {
        let (worker, notes) = (worker.to_owned(), notes.clone());
        let work = move |file: &_| job::note(file, id, &worker, &notes);
        self.connections.write("keep a job's notes", work).await
    }

    async fn cancel_job(&self, id: JobId, now: Timestamp) -> Result<Option<Job>, StoreError> {
        self.connections
            .write("cancel a job", move |file| job::cancel(file, id, now))
            .await
    }

    async fn reopen_job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.connections
            .write("reopen a job", move |file| job::reopen(file, id))
            .await
    }

    async fn put_job_items(
        &self,
        id: JobId,
        worker: &str,
        items: &[JobItem],
    ) -> Result<bool, StoreError> {
        let (worker, items) = (worker.to_owned(), items.to_vec());
        let work = move |file: &_| job_item::put(file, id, &worker, &items);
        self.connections.write("write items of a job", work).await
    }

    async fn job_items(
        &self,
        id: JobId,
        state: Option<ItemState>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<JobItem>, StoreError> {
        let limit = limit.min(JOB_LISTING_LIMIT_MAX);
        let work = move |file: &_| job_item::list(file, id, state, offset, limit);
        self.connections.read("list items of a job", work).await
    }
}
