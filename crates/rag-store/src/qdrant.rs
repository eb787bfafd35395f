//! The Qdrant store: everything in one Qdrant server, reached over gRPC.
//!
//! Chunks are points with a dense vector and a sparse one, in a Qdrant
//! collection for each embedding space. All else is in a collection of records:
//! points without vectors for collections, documents and their texts, jobs and
//! their items, and entries.
//!
//! Qdrant has no transactions. What belongs together is made so by an order of
//! writes: chunks and text first, under a name that nobody knows; then the one
//! record that names them, changed only from the version that was seen. Readers
//! believe records alone. What a failure leaves behind is nobody's, and
//! [`QdrantStore::sweep`] takes it out.
//!
//! Any number of processes may use the same server. Two things are weaker across
//! processes than within one: a worker that is suspended between looking whether
//! a job is its own and writing items writes them though it lost the job, and a
//! document that is put in while another process switches its collection's space
//! is refused after it was replaced.

mod chunk;
mod document;
mod entries;
mod entry;
mod failure;
mod home;
mod job;
mod job_item;
mod job_record;
mod jobs;
mod listing;
mod locks;
mod matching;
mod narrow;
mod nearest;
mod passage;
mod points;
mod put;
mod record;
mod row;
mod schema;
mod search;
mod server;
mod space;
mod spaces;
mod sparse;
mod staging;
mod sweep;
mod text;
mod token;
mod totals;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rag_core::model::{
    Chunk, ChunkRef, Collection, CollectionInfo, CollectionName, ContentHash, Document, DocumentId,
    DocumentInfo, EmbeddedDocument, EmbeddingSpace, Filter,
};
use rag_core::port::{
    ChunkScore, DeletedCollection, DeletedDocument, DocumentPage, Expect, LISTING_LIMIT_MAX,
    PutOutcome, RANKING_LIMIT_MAX, Store, StoreError, StoreStatus, StoredPassage, WholeDocument,
};

use self::failure::Failure;
use self::narrow::Narrowed;
use self::server::Server;
use crate::admit;

/// Where a Qdrant server is, and how patient to be with it.
#[derive(Clone)]
pub struct QdrantOptions {
    /// The address of its gRPC port, such as `http://localhost:6334`; with
    /// `https` for TLS.
    pub url: String,
    /// Its API key, if it wants one.
    pub api_key: Option<String>,
    /// What the names of the Qdrant collections begin with, so that several
    /// stores may share a server.
    pub prefix: String,
    /// How long one call may take.
    pub timeout: Duration,
    /// How long a call that failed for now is tried again.
    pub retry_for: Duration,
    /// How long the first call waits for a server that is still coming up.
    pub startup_wait: Duration,
}

impl QdrantOptions {
    /// The server at `url`, without a key, and with the patience that suits one
    /// that runs beside this program.
    pub fn new(url: impl Into<String>) -> Self {
        QdrantOptions {
            url: url.into(),
            api_key: None,
            prefix: "rag".to_owned(),
            timeout: Duration::from_secs(30),
            retry_for: Duration::from_secs(10),
            startup_wait: Duration::from_secs(60),
        }
    }
}

impl fmt::Debug for QdrantOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QdrantOptions")
            .field("url", &server::location(&self.url).unwrap_or_default())
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A store in a Qdrant server. Cheap to clone; clones share it.
///
/// Times are kept to the microsecond.
#[derive(Clone)]
pub struct QdrantStore {
    server: Arc<Server>,
}

impl QdrantStore {
    /// The store at a server, which is not connected to before the first call.
    /// Fails when the address is none.
    pub fn new(options: QdrantOptions) -> Result<Self, StoreError> {
        Ok(QdrantStore {
            server: Arc::new(Server::new(options)?),
        })
    }

    /// Removes what killed processes and broken connections left behind, and
    /// says how many points that were. It goes through all points, and may run
    /// while the store is used.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let work = sweep::sweep(&self.server);
        self.run("sweep", work).await
    }

    /// [`QdrantStore::sweep`] that takes out what is older than `age`, which is
    /// safe only when nobody writes.
    #[doc(hidden)]
    pub async fn sweep_older(&self, age: Duration) -> Result<u64, StoreError> {
        let work = sweep::sweep_older(&self.server, age);
        self.run("sweep", work).await
    }

    async fn run<T>(
        &self,
        action: &str,
        work: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, StoreError> {
        let done = match self.server.ready().await {
            Ok(()) => work.await,
            Err(failure) => Err(failure),
        };
        done.map_err(|failure| failure.told(action, self.server.location()))
    }
}

impl fmt::Debug for QdrantStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QdrantStore({})", self.server.location())
    }
}

#[async_trait]
impl Store for QdrantStore {
    async fn create_collection(&self, collection: &Collection) -> Result<(), StoreError> {
        let work = home::create(&self.server, collection);
        self.run("create a collection", work).await
    }

    async fn collections(&self) -> Result<Vec<CollectionInfo>, StoreError> {
        let work = async {
            let homes = home::all(&self.server).await?;
            home::infos(&self.server, homes).await
        };
        self.run("list the collections", work).await
    }

    async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo, StoreError> {
        let work = async {
            let home = home::one(&self.server, name).await?;
            let mut infos = home::infos(&self.server, vec![home]).await?;
            let info = infos.pop();
            info.ok_or_else(|| StoreError::NoCollection(name.clone()).into())
        };
        self.run("read a collection", work).await
    }

    async fn describe_collection(
        &self,
        name: &CollectionName,
        description: &str,
    ) -> Result<(), StoreError> {
        let work = home::describe(&self.server, name, description);
        self.run("describe a collection", work).await
    }

    async fn delete_collection(
        &self,
        name: &CollectionName,
    ) -> Result<DeletedCollection, StoreError> {
        let work = home::delete(&self.server, name);
        self.run("delete a collection", work).await
    }

    async fn put_document(
        &self,
        document: &EmbeddedDocument,
        space: &EmbeddingSpace,
        expect: Expect,
    ) -> Result<PutOutcome, StoreError> {
        let work = put::put(&self.server, document, space, expect);
        self.run("put a document", work).await
    }

    async fn document(&self, id: DocumentId) -> Result<Option<Document>, StoreError> {
        let work = document::with_text(&self.server, id);
        self.run("read a document", work).await
    }

    async fn document_of_source(
        &self,
        collection: &CollectionName,
        source_uri: &str,
    ) -> Result<Option<DocumentInfo>, StoreError> {
        let work = document::of_source(&self.server, collection, source_uri);
        self.run("look up a source", work).await
    }

    async fn documents(
        &self,
        filter: &Filter,
        offset: usize,
        limit: usize,
    ) -> Result<DocumentPage, StoreError> {
        let work = async {
            let narrowed = Narrowed::new(&self.server, filter).await?;
            let limit = limit.min(LISTING_LIMIT_MAX);
            listing::page(&self.server, &narrowed, offset, limit).await
        };
        self.run("list documents", work).await
    }

    async fn document_ids(
        &self,
        collection: &CollectionName,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let work = async {
            let home = home::one(&self.server, collection).await?;
            let limit = limit.min(LISTING_LIMIT_MAX);
            document::ids(&self.server, &home, None, after, limit).await
        };
        self.run("list documents", work).await
    }

    async fn whole_document(&self, id: DocumentId) -> Result<Option<WholeDocument>, StoreError> {
        let work = document::whole(&self.server, id);
        self.run("read a document", work).await
    }

    async fn chunks(
        &self,
        id: DocumentId,
        first: u32,
        last: u32,
    ) -> Result<Vec<Chunk>, StoreError> {
        let work = passage::chunks(&self.server, id, first, last);
        self.run("read chunks", work).await
    }

    async fn delete_document(&self, id: DocumentId) -> Result<Option<DeletedDocument>, StoreError> {
        let work = document::delete(&self.server, id);
        self.run("delete a document", work).await
    }

    async fn vectors(
        &self,
        space: &EmbeddingSpace,
        hashes: &[ContentHash],
    ) -> Result<Vec<Option<Vec<f32>>>, StoreError> {
        let work = passage::vectors(&self.server, space, hashes);
        self.run("read vectors", work).await
    }

    async fn nearest(
        &self,
        space: &EmbeddingSpace,
        vector: &[f32],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, StoreError> {
        admit::query(space, vector)?;
        let work = async {
            let narrowed = Narrowed::new(&self.server, filter).await?;
            let limit = limit.min(RANKING_LIMIT_MAX);
            nearest::nearest(&self.server, space, vector, &narrowed, limit).await
        };
        self.run("find the nearest chunks", work).await
    }

    async fn matching(
        &self,
        terms: &[String],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, StoreError> {
        let work = async {
            let narrowed = Narrowed::new(&self.server, filter).await?;
            let limit = limit.min(RANKING_LIMIT_MAX);
            matching::matching(&self.server, terms, &narrowed, limit).await
        };
        self.run("find matching chunks", work).await
    }

    async fn similarities(
        &self,
        space: &EmbeddingSpace,
        vector: &[f32],
        chunks: &[ChunkRef],
    ) -> Result<Vec<Option<f32>>, StoreError> {
        admit::query(space, vector)?;
        let work = passage::similarities(&self.server, space, vector, chunks);
        self.run("compare chunks", work).await
    }

    async fn passages(&self, chunks: &[ChunkRef]) -> Result<Vec<StoredPassage>, StoreError> {
        let work = passage::passages(&self.server, chunks);
        self.run("read passages", work).await
    }

    async fn status(&self) -> Result<StoreStatus, StoreError> {
        let collections = self.collections().await?;
        Ok(StoreStatus {
            kind: "qdrant",
            location: self.server.location().to_owned(),
            collection_count: collections.len() as u64,
            document_count: collections.iter().map(|info| info.document_count).sum(),
            chunk_count: collections.iter().map(|info| info.chunk_count).sum(),
            size_bytes: None,
        })
    }
}
