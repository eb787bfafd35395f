//! Puts records into a store.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rag_core::ingest;
use rag_core::model::{
    Collection, CollectionName, DocumentInfo, Job, JobId, JobItem, JobState, Timestamp,
};
use rag_core::port::{Expect, Lease, Store, StoreError, WholeDocument};

use super::record::{Flaw, Record};
use crate::api::Imported;
use crate::memory::{Progress, Watch};
use crate::{Error, ErrorKind};

/// How many documents are put in at once: a server far away answers several in
/// the time of one.
const AT_ONCE: usize = 4;
/// How many items of a job are written in one step.
const ITEMS_AT_ONCE: usize = 500;
/// What jobs are held by while their items are written, the same each time, so
/// that an import that was interrupted can be done again at once.
const WORKER: &str = "import";
/// How long a job is held at the most.
const HELD: Duration = Duration::from_secs(60);

/// An import under way.
pub(super) struct Putting {
    store: Arc<dyn Store>,
    outcome: Imported,
    collections: HashMap<CollectionName, Collection>,
    under_way: FuturesUnordered<BoxFuture<'static, Result<Put, Error>>>,
    done: u64,
    total: u64,
}

/// What became of a document.
struct Put {
    title: String,
    chunk_count: u64,
    how: How,
}

enum How {
    Imported,
    Replaced,
    Unchanged,
    NewerHere,
}

impl Putting {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Putting {
            store,
            outcome: Imported::default(),
            collections: HashMap::new(),
            under_way: FuturesUnordered::new(),
            done: 0,
            total: 0,
        }
    }

    pub(super) async fn put(&mut self, record: Record, watch: &Watch) -> Result<(), Error> {
        match record {
            Record::Header(header) => self.total = header.documents,
            Record::Document(document) => {
                while self.under_way.len() >= AT_ONCE {
                    self.settle(watch).await?;
                }
                let whole = document.into_whole().map_err(|flaw| flawed(&flaw))?;
                self.belongs(&whole)?;
                let store = self.store.clone();
                let put = async move { put_document(&*store, whole).await };
                self.under_way.push(Box::pin(put));
            }
            Record::Collection(collection) => {
                self.settle_all(watch).await?;
                self.collection(collection.into_collection().map_err(|flaw| flawed(&flaw))?)
                    .await?;
            }
            Record::Job(job) => {
                self.settle_all(watch).await?;
                let (job, items) = job.into_job().map_err(|flaw| flawed(&flaw))?;
                match put_job(&*self.store, &job, &items).await? {
                    true => self.outcome.jobs_imported += 1,
                    false => self.outcome.jobs_unchanged += 1,
                }
            }
            Record::End(_) => {}
        }
        Ok(())
    }

    pub(super) async fn finish(mut self, watch: &Watch) -> Result<Imported, Error> {
        self.settle_all(watch).await?;
        Ok(self.outcome)
    }

    async fn collection(&mut self, collection: Collection) -> Result<(), Error> {
        let name = collection.name.clone();
        match self.store.create_collection(&collection).await {
            Ok(()) => self.outcome.collections_created += 1,
            Err(StoreError::CollectionExists(_)) => {
                let found = self.store.collection(&name).await?.collection;
                if found.space != collection.space {
                    return Err(StoreError::WrongSpace {
                        collection: name,
                        expected: found.space,
                        got: collection.space,
                    }
                    .into());
                }
                self.outcome.collections_found += 1;
            }
            Err(error) => return Err(error.into()),
        }
        self.collections.insert(name, collection);
        Ok(())
    }

    /// Whether a document is of a collection that came before it.
    fn belongs(&self, whole: &WholeDocument) -> Result<(), Error> {
        let info = &whole.document.info;
        match self.collections.get(&info.collection) {
            Some(collection) if collection.space == whole.space => Ok(()),
            _ => Err(flawed(&format!(
                "document `{}` is of no collection before it",
                info.id
            ))),
        }
    }

    async fn settle_all(&mut self, watch: &Watch) -> Result<(), Error> {
        while !self.under_way.is_empty() {
            self.settle(watch).await?;
        }
        Ok(())
    }

    /// Waits for one of the documents under way.
    async fn settle(&mut self, watch: &Watch) -> Result<(), Error> {
        let Some(put) = self.under_way.next().await else {
            return Ok(());
        };
        let put = put?;
        let outcome = &mut self.outcome;
        match put.how {
            How::Imported => outcome.documents_imported += 1,
            How::Replaced => outcome.documents_replaced += 1,
            How::Unchanged => outcome.documents_unchanged += 1,
            How::NewerHere => outcome.documents_newer_here += 1,
        }
        outcome.chunks += put.chunk_count;
        self.done += 1;
        (watch.progress)(Progress {
            done: self.done,
            total: self.total.max(self.done),
            message: put.title,
        });
        Ok(())
    }
}

/// Puts a document in unless it is there, or a newer version of it is.
async fn put_document(store: &dyn Store, whole: WholeDocument) -> Result<Put, Error> {
    let info = &whole.document.info;
    let title = info.title.clone();
    let found = store
        .document_of_source(&info.collection, &info.source_uri)
        .await?;
    let kept = |how| Put {
        title: title.clone(),
        chunk_count: 0,
        how,
    };
    let (existing, expect, how) = match &found {
        Some(found) if same(found, info) => return Ok(kept(How::Unchanged)),
        Some(found) if found.updated_at > info.updated_at => return Ok(kept(How::NewerHere)),
        Some(found) => (
            Some(found.id),
            Expect::Revision(found.revision),
            How::Replaced,
        ),
        // Under the id it had, unless that belongs to another source here.
        None => (Some(info.id), Expect::Absent, How::Imported),
    };
    let space = whole.space;
    let index = move || ingest::index(whole.document, whole.chunks);
    let document = tokio::task::spawn_blocking(index).await;
    let document = document
        .map_err(|error| Error::new(ErrorKind::Internal, format!("a task failed: {error}")))?;
    let chunk_count = document.chunks.len() as u64;
    let put = ingest::put(store, &space, document.clone(), existing, expect).await;
    match put {
        Err(ingest::IngestError::Store(StoreError::IdTaken(_))) if found.is_none() => {
            ingest::put(store, &space, document, None, expect).await?;
        }
        put => drop(put?),
    }
    Ok(Put {
        title,
        chunk_count,
        how,
    })
}

/// Whether a document is here as it was there.
fn same(found: &DocumentInfo, info: &DocumentInfo) -> bool {
    found.content_hash == info.content_hash
        && found.title == info.title
        && found.media_type == info.media_type
        && found.metadata == info.metadata
        && found.chunk_count == info.chunk_count
        && found.updated_at == info.updated_at
}

/// Adds a job as it stood. `false` when it is here already, or when another of
/// its key is under way here.
async fn put_job(store: &dyn Store, job: &Job, items: &[JobItem]) -> Result<bool, Error> {
    // Earlier versions derived ids otherwise.
    let id = JobId::derive(&job.new.key, job.new.created_at);
    let (there, added) = store.add_job(&job.new).await?;
    if there.id != id || (!added && there.state.is_final()) {
        return Ok(false);
    }
    let Some(started_at) = job.started_at else {
        if job.state.is_final() || job.cancel_requested {
            let at = job.finished_at.unwrap_or_else(Timestamp::now);
            store.cancel_job(id, at).await?;
        }
        return Ok(added);
    };
    let until = Timestamp::now() + HELD;
    if store.lease_job(id, WORKER, started_at, until).await? == Lease::Refused {
        return Ok(false);
    }
    for items in items.chunks(ITEMS_AT_ONCE) {
        store.put_job_items(id, WORKER, items).await?;
    }
    store.note_job(id, WORKER, &job.notes).await?;
    let (state, at) = match job.finished_at {
        Some(at) => (job.state, at),
        // Whoever runs here goes on with it.
        None => (JobState::Queued, Timestamp::now()),
    };
    let is_ours = store
        .release_job(id, WORKER, state, job.error.as_deref(), at)
        .await?;
    if job.cancel_requested && !job.state.is_final() {
        store.cancel_job(id, at).await?;
    }
    Ok(is_ours)
}

fn flawed(flaw: &Flaw) -> Error {
    Error::invalid(format!("the export is damaged: {flaw}"))
        .hint("export it again; nothing was changed by this record")
}
