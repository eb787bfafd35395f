//! The PostgreSQL store: one schema of a database that any number of programs
//! may use at once.
//!
//! Documents, vectors (pgvector), words, jobs are rows of tables; nothing is kept
//! in memory. It works through poolers that give a session to a transaction only.
//!
//! Its part that keeps jobs is in `jobs`, that for changes of the embedding model
//! in `spaces`, that for small things beside the documents in `entries`.

mod collection;
mod connecting;
mod connections;
mod document;
mod entries;
mod entry;
mod error;
mod filter;
mod job;
mod job_item;
mod job_row;
mod jobs;
mod lexeme;
mod matching;
mod nearest;
mod options;
mod passage;
mod put;
mod retry;
mod row;
mod schema;
mod session;
mod space;
mod spaces;
mod status;
mod text;
mod vector_table;

use std::fmt;
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

pub use self::options::PostgresOptions;
pub use self::schema::Migrated;

use self::connections::{Connections, Kind};
use crate::admit;

/// A store in a PostgreSQL database. Cheap to clone; clones share its connections.
///
/// Times are kept to the microsecond.
#[derive(Clone)]
pub struct PostgresStore {
    connections: Arc<Connections>,
}

impl PostgresStore {
    /// A store in the database that `options` name. It does not connect: a
    /// program may start while its database is away. Connections belong to the
    /// Tokio runtime of the calls that made them.
    ///
    /// [`StoreError::Unavailable`] when the options cannot be used.
    pub fn new(options: PostgresOptions) -> Result<Self, StoreError> {
        Ok(PostgresStore {
            connections: Arc::new(Connections::new(options)?),
        })
    }

    /// Brings the database to the newest schema, making it where there is none.
    /// Several programs may do so at once.
    ///
    /// [`StoreError::TooNew`] when a newer program has been there.
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        self.connections.migrate().await
    }

    /// Makes the index of a space. The write that brought it about is done: what
    /// goes wrong here costs later searches time, and is tried again by a later write.
    async fn index(&self, space: i32) {
        let action = "make an index of vectors";
        if let Err(error) = self
            .connections
            .call(Kind::WriteMuch, action, space, |session, &space| {
                Box::pin(vector_table::index(session, space))
            })
            .await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot {action}");
        }
    }
}

/// Without the user and the password.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({})", self.connections.location())
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn create_collection(&self, collection: &Collection) -> Result<(), StoreError> {
        self.connections
            .write("create a collection", collection, |session, &collection| {
                Box::pin(collection::create(session, collection))
            })
            .await
    }

    async fn collections(&self) -> Result<Vec<CollectionInfo>, StoreError> {
        self.connections
            .read("list the collections", (), |session, ()| {
                Box::pin(collection::all(session))
            })
            .await
    }

    async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo, StoreError> {
        self.connections
            .read("read a collection", name, |session, &name| {
                Box::pin(collection::one(session, name))
            })
            .await
    }

    async fn describe_collection(
        &self,
        name: &CollectionName,
        description: &str,
    ) -> Result<(), StoreError> {
        self.connections
            .write(
                "describe a collection",
                (name, description),
                |session, &(name, description)| {
                    Box::pin(collection::describe(session, name, description))
                },
            )
            .await
    }

    async fn delete_collection(
        &self,
        name: &CollectionName,
    ) -> Result<DeletedCollection, StoreError> {
        self.connections
            .call(
                Kind::WriteMuch,
                "delete a collection",
                name,
                |session, &name| Box::pin(collection::delete(session, name)),
            )
            .await
    }

    async fn put_document(
        &self,
        document: &EmbeddedDocument,
        space: &EmbeddingSpace,
        expect: Expect,
    ) -> Result<PutOutcome, StoreError> {
        let kind = Kind::WriteAlone(document.document.info.id.as_i64());
        let (outcome, grown) = self
            .connections
            .call(
                kind,
                "put a document",
                (document, space, expect),
                |session, &(document, space, expect)| {
                    Box::pin(put::put(session, document, space, expect))
                },
            )
            .await?;
        if let Some(space) = grown {
            self.index(space).await;
        }
        Ok(outcome)
    }

    async fn document(&self, id: DocumentId) -> Result<Option<Document>, StoreError> {
        self.connections
            .read("read a document", id, |session, &id| {
                Box::pin(document::with_text(session, id))
            })
            .await
    }

    async fn document_of_source(
        &self,
        collection: &CollectionName,
        source_uri: &str,
    ) -> Result<Option<DocumentInfo>, StoreError> {
        self.connections
            .read(
                "look up a source",
                (collection, source_uri),
                |session, &(collection, source_uri)| {
                    Box::pin(document::of_source(session, collection, source_uri))
                },
            )
            .await
    }

    async fn documents(
        &self,
        filter: &Filter,
        offset: usize,
        limit: usize,
    ) -> Result<DocumentPage, StoreError> {
        let limit = limit.min(LISTING_LIMIT_MAX);
        self.connections
            .read(
                "list documents",
                (filter, offset, limit),
                |session, &(filter, offset, limit)| {
                    Box::pin(document::page(session, filter, offset, limit))
                },
            )
            .await
    }

    async fn document_ids(
        &self,
        collection: &CollectionName,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let limit = limit.min(LISTING_LIMIT_MAX);
        self.connections
            .read(
                "list documents",
                (collection, after, limit),
                |session, &(collection, after, limit)| {
                    Box::pin(document::ids(session, collection, after, limit))
                },
            )
            .await
    }

    async fn whole_document(&self, id: DocumentId) -> Result<Option<WholeDocument>, StoreError> {
        self.connections
            .read("read a document", id, |session, &id| {
                Box::pin(passage::whole_document(session, id))
            })
            .await
    }

    async fn chunks(
        &self,
        id: DocumentId,
        first: u32,
        last: u32,
    ) -> Result<Vec<Chunk>, StoreError> {
        self.connections
            .read(
                "read chunks",
                (id, first, last),
                |session, &(id, first, last)| Box::pin(passage::chunks(session, id, first, last)),
            )
            .await
    }

    async fn delete_document(&self, id: DocumentId) -> Result<Option<DeletedDocument>, StoreError> {
        let kind = Kind::WriteAlone(id.as_i64());
        self.connections
            .call(kind, "delete a document", id, |session, &id| {
                Box::pin(document::delete(session, id))
            })
            .await
    }

    async fn vectors(
        &self,
        space: &EmbeddingSpace,
        hashes: &[ContentHash],
    ) -> Result<Vec<Option<Vec<f32>>>, StoreError> {
        self.connections
            .read(
                "read vectors",
                (space, hashes),
                |session, &(space, hashes)| Box::pin(passage::vectors(session, space, hashes)),
            )
            .await
    }

    async fn nearest(
        &self,
        space: &EmbeddingSpace,
        vector: &[f32],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, StoreError> {
        admit::query(space, vector)?;
        let limit = limit.min(RANKING_LIMIT_MAX);
        let candidates = nearest::candidates(limit);
        self.connections
            .call(
                Kind::Nearest { candidates },
                "find the nearest chunks",
                (space, vector, filter, limit),
                |session, &(space, vector, filter, limit)| {
                    Box::pin(nearest::nearest(session, space, vector, filter, limit))
                },
            )
            .await
    }

    async fn matching(
        &self,
        terms: &[String],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, StoreError> {
        let limit = limit.min(RANKING_LIMIT_MAX);
        self.connections
            .call(
                Kind::Matching,
                "find matching chunks",
                (terms, filter, limit),
                |session, &(terms, filter, limit)| {
                    Box::pin(matching::matching(session, terms, filter, limit))
                },
            )
            .await
    }

    async fn similarities(
        &self,
        space: &EmbeddingSpace,
        vector: &[f32],
        chunks: &[ChunkRef],
    ) -> Result<Vec<Option<f32>>, StoreError> {
        admit::query(space, vector)?;
        self.connections
            .read(
                "compare chunks",
                (space, vector, chunks),
                |session, &(space, vector, chunks)| {
                    Box::pin(nearest::similarities(session, space, vector, chunks))
                },
            )
            .await
    }

    async fn passages(&self, chunks: &[ChunkRef]) -> Result<Vec<StoredPassage>, StoreError> {
        self.connections
            .read("read passages", chunks, |session, &chunks| {
                Box::pin(passage::passages(session, chunks))
            })
            .await
    }

    async fn status(&self) -> Result<StoreStatus, StoreError> {
        let location = self.connections.location();
        self.connections
            .read("read the status", location, |session, &location| {
                Box::pin(status::status(session, location))
            })
            .await
    }
}
