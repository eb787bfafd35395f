//! `Memory`: one method for each operation, in the file of its noun.

mod check;
mod collection;
mod directory;
mod doctor;
mod document;
mod ingest;
mod search;
mod watch;

use std::sync::Arc;

use rag_core::fuse::Fusion;
use rag_core::port::{Embedder, Store};
use rag_source::FileRoots;
use tokio::sync::Semaphore;

use crate::api::Status;
use crate::{Error, ErrorKind};

pub use watch::{Progress, Watch};

/// The memory: a store and an embedder, and what callers may do with them.
pub struct Memory {
    store: Arc<dyn Store>,
    embedder: Arc<dyn Embedder>,
    options: MemoryOptions,
    work_turns: Arc<Semaphore>,
}

/// How many files are read and texts cut into chunks at once; more wait their turn.
const WORK_TURNS: usize = 4;

/// What an operator decides about a memory.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// Where files may be read from.
    pub file_roots: FileRoots,
    /// The largest text one document may have, in bytes.
    pub document_bytes_max: u64,
    /// How the two rankings are joined.
    pub fusion: Fusion,
}

impl Memory {
    /// A memory over a store and an embedder. Touches neither.
    pub fn new(store: Arc<dyn Store>, embedder: Arc<dyn Embedder>, options: MemoryOptions) -> Self {
        Memory {
            store,
            embedder,
            options,
            work_turns: Arc::new(Semaphore::new(WORK_TURNS)),
        }
    }

    /// Runs work that takes a while off the runtime's threads, when it is its turn.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.work_turns.clone().acquire_owned().await;
        let in_turn = move || {
            // The turn belongs to the work: a caller who left does not end it.
            let _turn = turn;
            work()
        };
        let failed = |error| Error::new(ErrorKind::Internal, format!("a task failed: {error}"));
        tokio::task::spawn_blocking(in_turn).await.map_err(failed)
    }

    /// What the memory is made of and what is in it. Fails when the store
    /// cannot be used, so it serves as the health check.
    pub async fn status(&self) -> Result<Status, Error> {
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
