//! Takes everything out of a store, as records.

use rag_core::model::{CollectionName, Job, JobId};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter, LISTING_LIMIT_MAX, Store};
use tokio::sync::mpsc;

use super::record::{CollectionRecord, DocumentRecord, End, Header, JobRecord, Record};
use super::{Watch, cancelled};
use crate::memory::Progress;
use crate::{Error, ErrorKind};

/// Sends every record of `store`, the end only when there was no error. Stops without an error when nobody takes them any more: the other side knows why.
pub(super) async fn everything(
    store: &dyn Store,
    records: mpsc::Sender<Record>,
    watch: &Watch,
) -> Result<(), Error> {
    let collections = store.collections().await?;
    let total = collections.iter().map(|info| info.document_count).sum();
    let mut reading = Reading {
        store,
        records,
        watch,
        done: 0,
        total,
    };
    if !reading.send(Record::Header(Header::new(total))).await {
        return Ok(());
    }
    // Oldest first, as they were made.
    for info in collections.into_iter().rev() {
        let name = info.collection.name.clone();
        let record = Record::Collection(CollectionRecord::of(info.collection.clone()));
        let goes_on = reading.send(record).await
            && reading.documents(&info.collection).await?
            && reading.jobs(&name).await?;
        if !goes_on {
            return Ok(());
        }
    }
    reading.send(Record::End(End::default())).await;
    Ok(())
}

struct Reading<'store> {
    store: &'store dyn Store,
    records: mpsc::Sender<Record>,
    watch: &'store Watch,
    done: u64,
    total: u64,
}

impl Reading<'_> {
    /// Whether somebody takes it.
    async fn send(&self, record: Record) -> bool {
        self.records.send(record).await.is_ok()
    }

    async fn documents(&mut self, collection: &rag_core::model::Collection) -> Result<bool, Error> {
        let name = &collection.name;
        let mut after = None;
        loop {
            let ids = self
                .store
                .document_ids(name, after, LISTING_LIMIT_MAX)
                .await?;
            let Some(&last) = ids.last() else {
                return Ok(true);
            };
            after = Some(last);
            for id in ids {
                if self.watch.cancel.is_cancelled() {
                    return Err(cancelled());
                }
                // Deleted since it was named.
                let Some(whole) = self.store.whole_document(id).await? else {
                    continue;
                };
                if whole.space != collection.space {
                    let message = format!("collection `{name}` changed its model meanwhile");
                    return Err(Error::new(ErrorKind::Conflict, message).hint("try it again"));
                }
                self.done += 1;
                (self.watch.progress)(Progress {
                    done: self.done,
                    total: self.total.max(self.done),
                    message: whole.document.info.title.clone(),
                });
                let record = Record::Document(Box::new(DocumentRecord::of(whole)));
                if !self.send(record).await {
                    return Ok(false);
                }
            }
        }
    }

    /// A collection's jobs, oldest first.
    async fn jobs(&self, collection: &CollectionName) -> Result<bool, Error> {
        let filter = JobFilter {
            collection: Some(collection.clone()),
            states: Vec::new(),
        };
        let mut jobs: Vec<Job> = Vec::new();
        loop {
            let page = self
                .store
                .jobs(&filter, jobs.len(), JOB_LISTING_LIMIT_MAX)
                .await?;
            if page.jobs.is_empty() {
                break;
            }
            jobs.extend(page.jobs);
        }
        // A job that was added meanwhile pushed another onto the next page too.
        jobs.dedup_by_key(|job| job.id);
        for job in jobs.into_iter().rev() {
            let items = self.items(job.id).await?;
            let record = Record::Job(Box::new(JobRecord::of(job, items)));
            if !self.send(record).await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn items(&self, job: JobId) -> Result<Vec<rag_core::model::JobItem>, Error> {
        let mut items = Vec::new();
        loop {
            let page = self
                .store
                .job_items(job, None, items.len(), JOB_LISTING_LIMIT_MAX);
            let page = page.await?;
            if page.is_empty() {
                return Ok(items);
            }
            items.extend(page);
        }
    }
}
