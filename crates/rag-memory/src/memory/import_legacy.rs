//! Taking over the memory of the first prior system: its collections are made
//! where they are missing, and its documents put in, newest first, one after the
//! other. Whatever is there already stays, so that a run that was stopped is gone
//! on with by running it again.
//!
//! What its collections are called here is decided in `names`, what its documents
//! are in `source`, how one is put in by `put`.

mod names;
mod put;
mod source;

use std::collections::{BTreeSet, HashMap};

use rag_core::model::{Collection, CollectionInfo, DocumentId, EmbeddingSpace, Timestamp};
use rag_core::port::{LegacyCollection, LegacyDocument, LegacySource, LegacyWanted, StoreError};

use self::put::Put;
use super::{Memory, Progress, Watch, check, ends_the_run};
use crate::api::{ImportLegacy, JobStatus, LegacyImported, LegacyOutcome, LegacyPlace};
use crate::{Error, ErrorKind};

/// The model of the vectors there.
const LEGACY_MODEL: &str = "text-embedding-3-small";
/// How many numbers these have.
const LEGACY_DIMENSIONS: usize = 1536;
/// How many documents a reply lists by name.
const LISTED_MAX: usize = 100;
/// How many collections an error lists.
const NAMES_LISTED_MAX: usize = 10;
/// What the collection for documents of no collection holds.
const ORPHANS_DESCRIPTION: &str = "Documents that were in no collection of the earlier memory";

/// A collection here that documents go to.
struct Target {
    /// Its id there; `None` for documents of no collection.
    legacy: Option<i64>,
    legacy_name: Option<String>,
    info: CollectionInfo,
    /// Whether it is here; not yet in a dry run.
    exists: bool,
    created: bool,
}

/// An import under way.
struct Import<'a> {
    memory: &'a Memory,
    source: &'a dyn LegacySource,
    request: &'a ImportLegacy,
    targets: Vec<Target>,
    /// The documents that are here now, and the ids there that they are of.
    settled: HashMap<DocumentId, i64>,
    reply: LegacyImported,
}

impl Memory {
    /// Takes over the collections and documents of an earlier memory. Ends early
    /// only when there is no going on: the caller stops it, or the earlier memory,
    /// the store or the embedder is out of reach.
    pub async fn import_legacy(
        &self,
        source: &dyn LegacySource,
        request: ImportLegacy,
        watch: &Watch,
    ) -> Result<LegacyImported, Error> {
        self.access.require_whole()?;
        let mut targets = self.targets(source, &request).await?;
        if !request.dry_run {
            for target in &mut targets {
                self.make_sure_of(target).await?;
            }
        }
        let mut import = Import {
            memory: self,
            source,
            request: &request,
            reply: reply(source, &request, &targets),
            targets,
            settled: HashMap::new(),
        };
        import.run(watch).await?;
        let reply = import.reply;
        tracing::info!(
            documents = reply.documents_found,
            ingested = reply.documents_ingested,
            failed = reply.documents_failed,
            "imported an earlier memory"
        );
        Ok(reply)
    }

    /// The collections that documents will go to, none of them of another
    /// embedding space. Makes none.
    async fn targets(
        &self,
        source: &dyn LegacySource,
        request: &ImportLegacy,
    ) -> Result<Vec<Target>, Error> {
        let all = source.collections().await?;
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        unknown_names(&request.collections, &names)?;
        let ours = names::ours(&names)?;
        let mut targets = Vec::new();
        for (legacy, name) in all.iter().zip(ours) {
            if !request.collections.is_empty() && !request.collections.contains(&legacy.name) {
                continue;
            }
            let collection = Collection {
                name,
                description: description(legacy),
                metadata_schema: None,
                space: self.embedder.space().clone(),
                created_at: legacy.created_at.unwrap_or_else(Timestamp::now),
            };
            let ids = (Some(legacy.id), Some(legacy.name.clone()));
            targets.push(self.target(ids, collection).await?);
        }
        if let Some(name) = &request.orphans {
            let collection = Collection {
                name: check::collection_name(name)?,
                description: ORPHANS_DESCRIPTION.to_owned(),
                metadata_schema: None,
                space: self.embedder.space().clone(),
                created_at: Timestamp::now(),
            };
            targets.push(self.target((None, None), collection).await?);
        }
        Ok(targets)
    }

    /// A target, which is the collection that is here where there is one.
    async fn target(
        &self,
        (legacy, legacy_name): (Option<i64>, Option<String>),
        collection: Collection,
    ) -> Result<Target, Error> {
        let found = match self.store.collection(&collection.name).await {
            Ok(info) => Some(info),
            Err(StoreError::NoCollection(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(info) = &found {
            self.same_space(info)?;
        }
        Ok(Target {
            legacy,
            legacy_name,
            exists: found.is_some(),
            created: found.is_none(),
            info: found.unwrap_or(CollectionInfo {
                collection,
                document_count: 0,
                chunk_count: 0,
            }),
        })
    }

    /// Makes a target's collection, unless it is there.
    async fn make_sure_of(&self, target: &mut Target) -> Result<(), Error> {
        if target.exists {
            return Ok(());
        }
        let collection = &target.info.collection;
        match self.store.create_collection(collection).await {
            Ok(()) => {
                tracing::info!(collection.name = %collection.name, "created a collection");
            }
            // By someone else meanwhile, or for documents of no collection too.
            Err(StoreError::CollectionExists(name)) => {
                target.info = self.store.collection(&name).await?;
                target.created = false;
                self.same_space(&target.info)?;
            }
            Err(error) => return Err(error.into()),
        }
        target.exists = true;
        Ok(())
    }

    /// Whether the vectors there are those that this memory would make.
    fn keeps_legacy_vectors(&self) -> bool {
        let theirs = EmbeddingSpace {
            model: LEGACY_MODEL.to_owned(),
            dimensions: LEGACY_DIMENSIONS,
        };
        *self.embedder.space() == theirs
    }
}

impl Import<'_> {
    async fn run(&mut self, watch: &Watch) -> Result<(), Error> {
        let wanted = LegacyWanted {
            collections: self
                .targets
                .iter()
                .filter_map(|target| target.legacy)
                .collect(),
            // Whoever asks for some collections does not ask for what is in none.
            orphans: self.request.orphans.is_some() || self.request.collections.is_empty(),
            text_bytes_max: self.memory.options.document_bytes_max,
        };
        let total = self.source.document_count().await?;
        let (mut seen, mut before) = (0, None);
        loop {
            let page = self.source.documents(&wanted, before).await?;
            let left_out = page.seen.saturating_sub(page.documents.len() as u64);
            for document in page.documents {
                if watch.cancel.is_cancelled() {
                    self.reply.status = JobStatus::Cancelled;
                    return Ok(());
                }
                let message = check::shortened(&document.title);
                self.see(document).await?;
                seen += 1;
                (watch.progress)(Progress {
                    done: seen,
                    total: total.max(seen),
                    message,
                });
            }
            seen += left_out;
            before = page.before;
            if before.is_none() {
                return Ok(());
            }
        }
    }

    /// Sees to a document in each of its collections. The error is one that ends
    /// the run.
    async fn see(&mut self, document: LegacyDocument) -> Result<(), Error> {
        let places = self.places(&document.collections);
        if places.is_empty() {
            let reason = "it is in no collection; --orphans NAME takes it into one";
            self.count(&document, None, Ok(Put::Skipped(reason.to_owned())));
            return Ok(());
        }
        let mut chunks = None;
        for place in places {
            let put = self.put(&document, place, &mut chunks).await;
            match put {
                Err(error) if ends_the_run(error.kind()) => return Err(error),
                put => self.count(&document, Some(place), put),
            }
        }
        Ok(())
    }

    /// Which targets a document goes to.
    fn places(&self, collections: &BTreeSet<i64>) -> Vec<usize> {
        let is_place = |target: &Target| match target.legacy {
            Some(id) => collections.contains(&id),
            None => collections.is_empty(),
        };
        let targets = self.targets.iter().enumerate();
        targets
            .filter(|(_, target)| is_place(target))
            .map(|(place, _)| place)
            .collect()
    }

    /// Counts what became of a document, and lists it when that is not what was meant.
    fn count(&mut self, document: &LegacyDocument, place: Option<usize>, put: Result<Put, Error>) {
        let reply = &mut self.reply;
        reply.documents_found += 1;
        let (listed, reason) = match put {
            Ok(Put::Stored { chunk_count, kept }) => {
                reply.documents_ingested += 1;
                reply.vectors_kept += u64::from(kept);
                reply.total_chunks += u64::from(chunk_count);
                return;
            }
            Ok(Put::Unchanged) => {
                reply.documents_unchanged += 1;
                return;
            }
            Ok(Put::Skipped(reason)) => {
                reply.documents_skipped += 1;
                (&mut reply.skipped_documents, reason)
            }
            Err(error) => {
                reply.documents_failed += 1;
                (&mut reply.failed_documents, error.message().to_owned())
            }
        };
        if listed.len() < LISTED_MAX {
            let name = |place: usize| self.targets[place].info.collection.name.to_string();
            listed.push(LegacyOutcome {
                legacy_id: document.id,
                title: check::shortened(&document.title),
                collection_name: place.map(name),
                error: reason,
            });
        }
    }
}

/// Refuses names of collections that are not there.
fn unknown_names(asked: &[String], there: &[&str]) -> Result<(), Error> {
    let Some(unknown) = asked.iter().find(|name| !there.contains(&name.as_str())) else {
        return Ok(());
    };
    let message = format!("the earlier memory has no collection `{unknown}`");
    let listed = there.iter().take(NAMES_LISTED_MAX);
    let listed: Vec<String> = listed.map(|name| format!("`{name}`")).collect();
    let more = match there.len() > NAMES_LISTED_MAX {
        true => ", …",
        false => "",
    };
    Err(
        Error::new(ErrorKind::NotFound, message).hint(match listed.is_empty() {
            true => "it has no collections at all".to_owned(),
            false => format!("its collections are {}{more}", listed.join(", ")),
        }),
    )
}

/// A description that says something, in one line.
fn description(legacy: &LegacyCollection) -> String {
    let described = check::shortened(&legacy.description);
    match described.is_empty() {
        true => format!(
            "The collection “{}” of an earlier memory",
            check::shortened(&legacy.name)
        ),
        false => described,
    }
}

fn reply(source: &dyn LegacySource, request: &ImportLegacy, targets: &[Target]) -> LegacyImported {
    let place = |target: &Target| LegacyPlace {
        legacy_name: target.legacy_name.clone(),
        collection_name: target.info.collection.name.to_string(),
        created: target.created,
    };
    LegacyImported {
        location: source.location().to_owned(),
        status: JobStatus::Done,
        dry_run: request.dry_run,
        time_zone: source.time_zone().to_owned(),
        collections: targets.iter().map(place).collect(),
        documents_found: 0,
        documents_ingested: 0,
        vectors_kept: 0,
        documents_unchanged: 0,
        documents_skipped: 0,
        documents_failed: 0,
        total_chunks: 0,
        skipped_documents: Vec::new(),
        failed_documents: Vec::new(),
    }
}
