//! `Memory`: one method for each operation, in the file of its noun.

mod analyze;
mod answer;
mod archive;
mod check;
mod collection;
mod crawl;
mod directory;
mod doctor;
mod document;
mod import_legacy;
mod index_status;
mod ingest;
mod job;
mod metered;
mod reembed;
mod repository;
mod search;
mod token;
mod transfer;
mod vanished;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use rag_core::fuse::Fusion;
use rag_core::model::{Extracted, Job, Timestamp};
use rag_core::port::{Embedder, EntryKind, Store};
use rag_extract::{About, ExtractError, Limits, extract_document};
use rag_source::FileRoots;
use rag_web::{Fetched, Fetcher, GitHub, Renderer};
use serde::de::DeserializeOwned;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use self::crawl::ScriptedHosts;
use self::job::Jobs;
use self::metered::Metered;
use self::token::SeenTokens;
use crate::api::Status;
use crate::{Access, Error, ErrorKind};

pub use answer::{Claim, Keyed};
pub use watch::{Patience, Progress, Watch};

/// The memory: a store and an embedder, and what callers may do with them.
/// Cheap to clone; clones share everything but what their holder may do.
#[derive(Clone)]
pub struct Memory {
    store: Arc<dyn Store>,
    embedder: Arc<dyn Embedder>,
    options: Arc<MemoryOptions>,
    work_turns: Arc<Semaphore>,
    extraction_turns: Arc<Semaphore>,
    scripted: Arc<ScriptedHosts>,
    jobs: Arc<Jobs>,
    tokens: Arc<SeenTokens>,
    access: Access,
}

/// How many files are read and texts cut into chunks at once; more wait their turn.
const WORK_TURNS: usize = 4;
/// How long one document may take to be read. The thread that reads it cannot
/// be stopped and keeps its turn; nobody waits for it any longer.
const EXTRACTION_MAX: Duration = Duration::from_secs(120);

/// What an operator decides about a memory.
#[derive(Clone)]
pub struct MemoryOptions {
    /// Where files may be read from.
    pub file_roots: FileRoots,
    /// The largest text one document may have, in bytes.
    pub document_bytes_max: u64,
    /// How the two rankings are joined.
    pub fusion: Fusion,
    /// How long a caller without patience waits for a job.
    pub job_wait: Duration,
    /// How the web is reached.
    pub web: Web,
}

/// How the web is reached. All parts ask the same guard.
#[derive(Clone)]
pub struct Web {
    /// Fetches pages.
    pub fetcher: Fetcher,
    /// Fetches repositories.
    pub github: GitHub,
    /// Renders pages that need JavaScript, where there is a browser.
    pub renderer: Option<Arc<dyn Renderer>>,
}

impl Memory {
    /// A memory over a store and an embedder. Touches neither.
    pub fn new(store: Arc<dyn Store>, embedder: Arc<dyn Embedder>, options: MemoryOptions) -> Self {
        Memory {
            store,
            embedder: Arc::new(Metered(embedder)),
            options: Arc::new(options),
            work_turns: Arc::new(Semaphore::new(WORK_TURNS)),
            extraction_turns: Arc::new(Semaphore::new(WORK_TURNS)),
            scripted: Arc::default(),
            jobs: Arc::new(Jobs::new()),
            tokens: Arc::default(),
            access: Access::everything(),
        }
    }

    /// The same memory, for a caller with this access.
    #[must_use]
    pub fn with_access(&self, access: Access) -> Self {
        Memory {
            access,
            ..self.clone()
        }
    }

    /// The same memory for what goes on by itself once a caller was allowed to start it.
    fn unrestricted(&self) -> Self {
        self.with_access(Access::everything())
    }

    /// Runs work that takes a while off the runtime's threads, when it is its turn.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.work_turns.clone().acquire_owned().await;
        in_turn(turn, work).await
    }

    /// The same for reading a document, which may be hostile: whoever asks
    /// waits for it no longer than it may take. Its turns are its own, so that
    /// documents that never end hold up nothing but each other.
    async fn extraction<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ExtractError> + Send + 'static,
    ) -> Result<Result<T, ExtractError>, Error> {
        let turn = self.extraction_turns.clone().acquire_owned();
        let turn = tokio::time::timeout(EXTRACTION_MAX, turn)
            .await
            .map_err(|_| {
                let message = "no document can be read: earlier ones do not come to an end";
                Error::new(ErrorKind::Unavailable, message).hint("restart rag to be rid of them")
            })?;
        match tokio::time::timeout(EXTRACTION_MAX, in_turn(turn, work)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let limit = format!("{} s to be read", EXTRACTION_MAX.as_secs());
                Ok(Err(ExtractError::TooLarge { limit }))
            }
        }
    }

    /// What one document may take.
    fn extract_limits(&self) -> Limits {
        Limits {
            text_bytes_max: self.options.document_bytes_max,
            ..Limits::default()
        }
    }

    /// The text of something fetched that is no web page.
    async fn extract(&self, fetched: Fetched) -> Result<Result<Extracted, ExtractError>, Error> {
        let limits = self.extract_limits();
        let read = move || {
            let about = About {
                name: fetched
                    .url
                    .path_segments()
                    .and_then(|mut parts| parts.next_back()),
                content_type: fetched.content_type.as_deref(),
                url: Some(&fetched.url),
            };
            extract_document(fetched.body, &about, &limits)
        };
        self.extraction(read).await
    }

    /// Whether the store answers, at little cost: for probes.
    pub async fn reach_store(&self) -> Result<(), Error> {
        // A row that there is not is looked for: it takes the way of every reading.
        let sought = self.store.entry(EntryKind::Token, "none", Timestamp::now());
        sought.await.map(drop).map_err(Error::from)
    }

    /// What the memory is made of and what is in it.
    pub async fn status(&self) -> Result<Status, Error> {
        self.access.require_whole()?;
        let store = self.store.status().await?;
        let space = self.embedder.space();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: store.kind.to_owned(),
            location: store.location,
            collections: store.collection_count,
            documents: store.document_count,
            chunks: store.chunk_count,
            size_bytes: store.size_bytes,
            embedding_model: space.model.clone(),
            embedding_dimensions: space.dimensions,
        })
    }
}

/// Does work on a thread that may block. The turn belongs to the work: a caller
/// who left does not end it.
async fn in_turn<T: Send + 'static>(
    turn: Result<OwnedSemaphorePermit, AcquireError>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    // What is logged there is of the same request.
    let span = tracing::Span::current();
    let work = move || {
        let _turn = turn;
        span.in_scope(work)
    };
    let failed = |error| Error::new(ErrorKind::Internal, format!("a task failed: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

/// Whether every further item of a job would fail the same way.
fn ends_the_run(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::EmbeddingRefused | ErrorKind::RateLimited | ErrorKind::Unavailable
    )
}

/// What a job was asked for.
fn request_of<T: DeserializeOwned>(job: &Job) -> Result<T, Error> {
    serde_json::from_value(job.new.request.clone()).map_err(|error| {
        let message = format!("the request of job {} cannot be read: {error}", job.id);
        Error::new(ErrorKind::Internal, message)
            .hint("another version of rag made it; ask for the same again")
    })
}
