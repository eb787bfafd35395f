//! The embedded store: one SQLite file that holds everything.
//!
//! The file is the only source of truth, and any number of processes may have
//! it open. Beside it a process keeps a small index in memory for searching
//! (see `index`), which is loaded by the first search and follows the file
//! from there.
//!
//! Its part that keeps jobs is in `jobs`, that for changes of the embedding model
//! in `spaces`, that for small things beside the documents in `entries`.
//!
//! Space that a deletion frees is used again by what is put in later; the file
//! itself does not shrink.

mod codes;
mod collection;
mod comparing;
mod connection;
mod document;
mod entries;
mod entry;
mod error;
mod file;
mod filter;
mod index;
mod job;
mod job_item;
mod job_row;
mod jobs;
mod matching;
mod nearest;
mod passage;
mod postings;
mod put;
mod row;
mod schema;
mod space;
mod spaces;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rag_core::model::{
    Chunk, ChunkRef, Collection, CollectionInfo, CollectionName, ContentHash, Document, DocumentId,
    DocumentInfo, EmbeddedDocument, EmbeddingSpace, Filter,
};
use rag_core::port::{
    ChunkScore, DeletedCollection, DeletedDocument, DocumentPage, Expect, LISTING_LIMIT_MAX,
    PutOutcome, RANKING_LIMIT_MAX, Store, StoreError, StoreStatus, StoredPassage, WholeDocument,
};

use self::connection::{Connections, Part};
use self::filter::Allowed;
use self::index::Index;
use crate::admit;

/// A store in one file. Cheap to clone; clones share it.
///
/// Times are kept to the microsecond.
#[derive(Clone)]
pub struct EmbeddedStore {
    connections: Arc<Connections>,
}

impl EmbeddedStore {
    /// Opens the store in the file at `path`, making it (and its folders, for
    /// their owner alone) when it is not there, and bringing an older one to
    /// the newest schema. Blocks for a few milliseconds.
    ///
    /// [`StoreError::TooNew`] when a newer program has written the file,
    /// [`StoreError::Corrupt`] when it is no database,
    /// [`StoreError::Unavailable`] when it is one of another program, and
    /// [`StoreError::NotWritable`] when it cannot be made or opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(EmbeddedStore {
            connections: Arc::new(Connections::open(path)?),
        })
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmbeddedStore({})", self.connections.file().location())
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn create_collection(&self, collection: &Collection) -> Result<(), StoreError> {
        let collection = collection.clone();
        let work = move |file: &_| collection::create(file, &collection);
        self.connections.write("create a collection", work).await
    }

    async fn collections(&self) -> Result<Vec<CollectionInfo>, StoreError> {
        self.connections
            .read("list the collections", collection::all)
            .await
    }

    async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo, StoreError> {
        let name = name.clone();
        self.connections
            .read("read a collection", move |file| {
                collection::one(file, &name)
            })
            .await
    }

    async fn describe_collection(
        &self,
        name: &CollectionName,
        description: &str,
    ) -> Result<(), StoreError> {
        let (name, description) = (name.clone(), description.to_owned());
        let work = move |file: &_| collection::describe(file, &name, &description);
        self.connections.write("describe a collection", work).await
    }

    async fn delete_collection(
        &self,
        name: &CollectionName,
    ) -> Result<DeletedCollection, StoreError> {
        let name = name.clone();
        let work = move |file: &_| collection::delete(file, &name);
        self.connections.write("delete a collection", work).await
    }

    async fn put_document(
        &self,
        document: &EmbeddedDocument,
        space: &EmbeddingSpace,
        expect: Expect,
    ) -> Result<PutOutcome, StoreError> {
        let (document, space) = (document.clone(), space.clone());
        let work = move |file: &_| put::put(file, &document, &space, expect);
        self.connections.write("put a document", work).await
    }

    async fn document(&self, id: DocumentId) -> Result<Option<Document>, StoreError> {
        self.connections
            .read("read a document", move |file| document::with_text(file, id))
            .await
    }

    async fn document_of_source(
        &self,
        collection: &CollectionName,
        source_uri: &str,
    ) -> Result<Option<DocumentInfo>, StoreError> {
        let (collection, source_uri) = (collection.clone(), source_uri.to_owned());
        let work = move |file: &_| document::of_source(file, &collection, &source_uri);
        self.connections.read("look up a source", work).await
    }

    async fn documents(
        &self,
        filter: &Filter,
        offset: usize,
        limit: usize,
    ) -> Result<DocumentPage, StoreError> {
        let (filter, limit) = (filter.clone(), limit.min(LISTING_LIMIT_MAX));
        let work = move |file: &_| document::page(file, &filter, offset, limit);
        self.connections.read("list documents", work).await
    }

    async fn document_ids(
        &self,
        collection: &CollectionName,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let (collection, limit) = (collection.clone(), limit.min(LISTING_LIMIT_MAX));
        let work = move |file: &_| document::ids(file, &collection, after, limit);
        self.connections.read("list documents", work).await
    }

    async fn whole_document(&self, id: DocumentId) -> Result<Option<WholeDocument>, StoreError> {
        let work = move |file: &_| passage::whole_document(file, id);
        self.connections.read("read a document", work).await
    }

    async fn chunks(
        &self,
        id: DocumentId,
        first: u32,
        last: u32,
    ) -> Result<Vec<Chunk>, StoreError> {
        let work = move |file: &_| passage::chunks(file, id, first, last);
        self.connections.read("read chunks", work).await
    }

    async fn delete_document(&self, id: DocumentId) -> Result<Option<DeletedDocument>, StoreError> {
        self.connections
            .write("delete a document", move |file| document::delete(file, id))
            .await
    }

    async fn vectors(
        &self,
        space: &EmbeddingSpace,
        hashes: &[ContentHash],
    ) -> Result<Vec<Option<Vec<f32>>>, StoreError> {
        let (space, hashes) = (space.clone(), hashes.to_vec());
        let work = move |file: &_| match collection::space_id(file, &space)? {
            Some(space) => passage::vectors(file, space, &hashes),
            None => Ok(vec![None; hashes.len()]),
        };
        self.connections.read("read vectors", work).await
    }

    async fn nearest(
        &self,
        space: &EmbeddingSpace,
        vector: &[f32],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, StoreError> {
        admit::query(space, vector)?;
        let (space, vector, filter) = (space.clone(), vector.to_vec(), filter.clone());
        let limit = limit.min(RANKING_LIMIT_MAX);
        let work = move |file: &_, index: &_| {
            Index::with_current(index, file, |file, index| {
                let allowed = Allowed::new(file, &filter)?;
                match collection::space_id(file, &space)? {
                    Some(space) if limit > 0 => {
                        nearest::nearest(file, index, space, &vector, &allowed, limit)
                    }
                    _ => Ok(Vec::new()),
                }
            })
        };
        self.connections
            .search(Part::Vectors, "find the nearest chunks", work)
            .await
    }

    async fn matching(
        &self,
        terms: &[String],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, StoreError> {
        let (terms, filter) = (terms.to_vec(), filter.clone());
        let limit = limit.min(RANKING_LIMIT_MAX);
        let work = move |file: &_, index: &_| {
            Index::with_current(index, file, |file, index| {
                let allowed = Allowed::new(file, &filter)?;
                match limit {
                    0 => Ok(Vec::new()),
                    _ => matching::matching(file, index, &terms, &allowed, limit),
                }
            })
        };
        self.connections
            .search(Part::Words, "find matching chunks", work)
            .await
    }

    async fn similarities(
        &self,
        space: &EmbeddingSpace,
        vector: &[f32],
        chunks: &[ChunkRef],
    ) -> Result<Vec<Option<f32>>, StoreError> {
        admit::query(space, vector)?;
        let (space, vector, chunks) = (space.clone(), vector.to_vec(), chunks.to_vec());
        let work = move |file: &_, index: &_| {
            Index::with_current(index, file, |file, index| {
                match collection::space_id(file, &space)? {
                    Some(space) => comparing::similarities(file, index, space, &vector, &chunks),
                    None => Ok(vec![None; chunks.len()]),
                }
            })
        };
        self.connections
            .search(Part::Vectors, "compare chunks", work)
            .await
    }

    async fn passages(&self, chunks: &[ChunkRef]) -> Result<Vec<StoredPassage>, StoreError> {
        let chunks = chunks.to_vec();
        self.connections
            .read("read passages", move |file| {
                passage::passages(file, &chunks)
            })
            .await
    }

    async fn status(&self) -> Result<StoreStatus, StoreError> {
        let collections = self
            .connections
            .read("read the status", collection::all)
            .await?;
        Ok(StoreStatus {
            kind: "embedded",
            location: self.connections.file().location(),
            collection_count: collections.len() as u64,
            document_count: collections.iter().map(|info| info.document_count).sum(),
            chunk_count: collections.iter().map(|info| info.chunk_count).sum(),
            size_bytes: Some(self.connections.file().size_bytes()),
        })
    }
}
