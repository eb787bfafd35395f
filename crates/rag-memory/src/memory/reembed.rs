//! Moving a collection to this memory's embedder, as a job: the vectors of the
//! new model are made beside those of the old one, which is searched until all
//! are there. Then the collection is switched; the old vectors stay, so that it
//! can be switched back, until they are cleaned up.
//!
//! What is done is in the store, document by document: a job that is taken up
//! again makes what is missing. Its items tell what was made and what failed.

use std::collections::HashMap;

use rag_core::ingest::{self, Identified};
use rag_core::model::{
    Collection, Document, DocumentId, EmbeddingSpace, Extracted, ItemState, JobItem, JobKind,
    JobState, Timestamp,
};
use rag_core::port::{LISTING_LIMIT_MAX, StagedSpace};
use serde::{Deserialize, Serialize};

use super::job::{JobRun, new_job, status};
use super::{Memory, Watch, ends_the_run, request_of};
use crate::api::{
    CollectionReembedded, DocumentOutcome, JobStatus, KeptSpace, ReembedCollection, ReembedStep,
};
use crate::{Error, ErrorKind, Scope};

/// How often a run looks for documents that were put in while it was at work.
const ROUNDS_MAX: usize = 100;

/// What a job was asked for: names the model, so that no process with another
/// one takes it up.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    collection_name: String,
    model: String,
    dimensions: usize,
}

impl Request {
    fn space(&self) -> EmbeddingSpace {
        EmbeddingSpace {
            model: self.model.clone(),
            dimensions: self.dimensions,
        }
    }
}

impl Memory {
    /// Moves a collection to this memory's embedding model, back, or drops what
    /// it would go back to.
    pub async fn reembed_collection(
        &self,
        request: ReembedCollection,
        watch: &Watch,
    ) -> Result<CollectionReembedded, Error> {
        self.access.require(&[Scope::Admin])?;
        let collection = self.collection_named(&request.collection_name).await?;
        match request.step {
            ReembedStep::Run => self.reembed(&collection.collection, watch).await,
            ReembedStep::Undo => self.undo_reembed(&collection.collection).await,
            ReembedStep::Clean => self.clean_reembed(&collection.collection).await,
        }
    }

    async fn reembed(
        &self,
        collection: &Collection,
        watch: &Watch,
    ) -> Result<CollectionReembedded, Error> {
        let space = self.embedder.space();
        if collection.space == *space {
            return self.reembedded(collection, JobStatus::Done).await;
        }
        let request = Request {
            collection_name: collection.name.to_string(),
            model: space.model.clone(),
            dimensions: space.dimensions,
        };
        let subject = space.to_string();
        let new = new_job(JobKind::Reembed, &collection.name, subject, &request);
        let job = self.start(&new, watch).await?;
        let report = self.report(&job, false).await?;
        let outcome = |(source_uri, error)| DocumentOutcome { source_uri, error };
        Ok(CollectionReembedded {
            job_id: Some(job.id.to_string()),
            documents_embedded: report.counts.ingested,
            documents_failed: report.counts.failed,
            failed_documents: report.failed.into_iter().map(outcome).collect(),
            ..self.reembedded(collection, status(job.state)).await?
        })
    }

    /// Whether this process can go on with a job: it asks for this embedder.
    pub(super) fn may_reembed(&self, job: &rag_core::model::Job) -> Result<(), Error> {
        let request: Request = request_of(job)?;
        if request.space() == *self.embedder.space() {
            return Ok(());
        }
        let message = format!(
            "job {} makes vectors of {}, this process makes those of {}",
            job.id,
            request.space(),
            self.embedder.space()
        );
        let hint = format!("start with RAG_EMBEDDING set for `{}`", request.model);
        Err(Error::new(ErrorKind::Conflict, message).hint(hint))
    }

    pub(super) async fn run_reembed(&self, run: &JobRun) -> Result<(), Error> {
        self.may_reembed(&run.job)?;
        let name = &run.job.new.collection;
        let space = self.embedder.space();
        let all = self.store.collection(name).await?.document_count;
        run.expect(all);
        let mut failed: HashMap<DocumentId, String> = HashMap::new();
        for _ in 0..ROUNDS_MAX {
            let before = failed.len();
            let staged = self.stage_missing(run, &mut failed).await?;
            run.flush().await?;
            if failed.is_empty() && self.store.switch_space(name, space).await? {
                tracing::info!(collection.name = %name, model = %space, "switched the embedding model");
                return Ok(());
            }
            if !failed.is_empty() && staged == 0 && failed.len() == before {
                break;
            }
        }
        if failed.is_empty() {
            let message = format!("documents of `{name}` change faster than they can be embedded");
            return Err(Error::new(ErrorKind::Conflict, message).hint(
                "run it again when fewer documents are put in; nothing made so far is lost",
            ));
        }
        let message = format!(
            "{} documents of `{name}` could not be embedded, so it stays with {}",
            failed.len(),
            self.store.collection(name).await?.collection.space
        );
        Err(Error::new(ErrorKind::Invalid, message).hint(
            "`rag job show` tells which and why; change or delete them, and run it again: only \
             what is missing is embedded",
        ))
    }

    /// Goes once through the documents that are not staged, and says how many
    /// are now. Those that `failed` are not tried again.
    async fn stage_missing(
        &self,
        run: &JobRun,
        failed: &mut HashMap<DocumentId, String>,
    ) -> Result<usize, Error> {
        let name = &run.job.new.collection;
        let space = self.embedder.space();
        let mut staged = 0;
        let mut after = None;
        loop {
            let missing = self
                .store
                .unstaged_documents(name, space, after, LISTING_LIMIT_MAX);
            let missing = missing.await?;
            let Some(&last) = missing.last() else {
                return Ok(staged);
            };
            after = Some(last);
            for id in missing {
                if failed.contains_key(&id) {
                    continue;
                }
                let Some(document) = self.store.document(id).await? else {
                    continue;
                };
                let mut item = JobItem::pending(document.info.source_uri.clone());
                item.document = Some(id);
                match self.stage(document).await {
                    // Replaced meanwhile: its turn comes again.
                    Ok(None) => continue,
                    Ok(Some(chunk_count)) => {
                        staged += 1;
                        item.state = ItemState::Ingested;
                        item.chunk_count = chunk_count;
                    }
                    Err(error) if ends_the_run(error.kind()) => return Err(error),
                    Err(error) => {
                        failed.insert(id, error.message().to_owned());
                        item.state = ItemState::Failed;
                        item.reason = Some(error.message().to_owned());
                    }
                }
                run.settle(vec![item]).await?;
            }
        }
    }

    /// Cuts and embeds a document for this embedder, and stages what comes of
    /// it: how many chunks, or `None` when the document was replaced meanwhile.
    async fn stage(&self, document: Document) -> Result<Option<u32>, Error> {
        let info = document.info.clone();
        let embedder = self.embedder.clone();
        let draft = self
            .work(move || ingest::prepare(&*embedder, identified(document)))
            .await??;
        let (store, embedder) = (&*self.store, &*self.embedder);
        let mut embedded = ingest::embed(store, embedder, draft, Timestamp::now()).await?;
        let chunk_count = embedded.document.info.chunk_count;
        embedded.document.info = rag_core::model::DocumentInfo {
            chunk_count,
            ..info
        };
        let is_staged = store.stage_document(&embedded, embedder.space()).await?;
        Ok(is_staged.then_some(chunk_count))
    }

    async fn undo_reembed(&self, collection: &Collection) -> Result<CollectionReembedded, Error> {
        let name = &collection.name;
        let staged = self.store.staged_spaces(name).await?;
        let [StagedSpace { space, .. }] = staged.as_slice() else {
            let message = match staged.len() {
                0 => format!("collection `{name}` has no vectors of an earlier model"),
                count => format!("collection `{name}` has vectors of {count} other models"),
            };
            return Err(Error::new(ErrorKind::Conflict, message).hint(
                "set RAG_EMBEDDING for the model it shall have and run `rag reembed`: only what \
                 is missing is embedded",
            ));
        };
        if !self.store.switch_space(name, space).await? {
            let missing = self
                .store
                .unstaged_documents(name, space, None, LISTING_LIMIT_MAX);
            let message = format!(
                "{} documents of `{name}` have no vectors of {space}: they were put in or changed \
                 since",
                missing.await?.len()
            );
            return Err(Error::new(ErrorKind::Conflict, message).hint(format!(
                "set RAG_EMBEDDING for `{}` and run `rag reembed {name}`: only these are embedded",
                space.model
            )));
        }
        tracing::info!(collection.name = %name, model = %space, "switched the embedding model back");
        self.reembedded(collection, JobStatus::Done).await
    }

    async fn clean_reembed(&self, collection: &Collection) -> Result<CollectionReembedded, Error> {
        let name = &collection.name;
        let unfinished = rag_core::port::JobFilter {
            collection: Some(name.clone()),
            states: vec![JobState::Queued, JobState::Running],
        };
        let jobs = self.store.jobs(&unfinished, 0, 1_000).await?.jobs;
        if let Some(job) = jobs.iter().find(|job| job.new.kind == JobKind::Reembed) {
            let message = format!("job {} makes vectors for `{name}`", job.id);
            return Err(Error::new(ErrorKind::Conflict, message)
                .hint("wait for its end, or cancel it with cancel_job (`rag job cancel`)"));
        }
        let dropped = self.store.drop_staged(name).await?;
        tracing::info!(collection.name = %name, documents = dropped, "dropped vectors of other models");
        self.reembedded(collection, JobStatus::Done).await
    }

    /// Where a collection stands now.
    async fn reembedded(
        &self,
        collection: &Collection,
        status: JobStatus,
    ) -> Result<CollectionReembedded, Error> {
        let space = self
            .store
            .collection(&collection.name)
            .await?
            .collection
            .space;
        Ok(CollectionReembedded {
            collection_name: collection.name.to_string(),
            job_id: None,
            status,
            embedding_model: space.model,
            embedding_dimensions: space.dimensions,
            documents_embedded: 0,
            documents_failed: 0,
            failed_documents: Vec::new(),
            kept: self.kept_spaces(collection).await?,
        })
    }

    /// The models that a collection has vectors of beside its own.
    pub(super) async fn kept_spaces(
        &self,
        collection: &Collection,
    ) -> Result<Vec<KeptSpace>, Error> {
        let staged = self.store.staged_spaces(&collection.name).await?;
        let kept = staged.into_iter().map(|staged| KeptSpace {
            embedding_model: staged.space.model,
            embedding_dimensions: staged.space.dimensions,
            documents: staged.document_count,
        });
        Ok(kept.collect())
    }
}

/// A stored document as a text to be cut.
fn identified(document: Document) -> Identified {
    let info = document.info;
    Identified {
        collection: info.collection,
        content_hash: info.content_hash,
        source: Extracted {
            source_uri: Some(info.source_uri.clone()),
            title: info.title,
            media_type: info.media_type,
            text: document.text,
            metadata: info.metadata,
            warnings: Vec::new(),
        },
        source_uri: info.source_uri,
    }
}
