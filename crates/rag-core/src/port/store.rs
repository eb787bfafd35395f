//! The contract of what keeps documents and finds their chunks.

use async_trait::async_trait;

use super::{EntryStore, JobStore, SpaceStore};
use crate::model::{
    Chunk, ChunkRef, Collection, CollectionInfo, CollectionName, ContentHash, Document, DocumentId,
    DocumentInfo, EmbeddedDocument, EmbeddingSpace, Filter,
};

/// The most documents one page of a listing may have.
pub const LISTING_LIMIT_MAX: usize = 1_000;

/// The most chunks one ranking may have.
pub const RANKING_LIMIT_MAX: usize = 1_000;

/// Keeps collections, documents and chunks, and ranks chunks; beside them, as
/// a [`JobStore`], the jobs that put them in, as a [`SpaceStore`] chunks of
/// embedding spaces that a collection moves to or came from, and as an
/// [`EntryStore`] small things that are no documents.
///
/// - **Durable**: what returned `Ok` is there after a crash of the process.
/// - **Atomic**: a document is there with all its chunks, vectors and terms or
///   not at all; a reader sees the old document or the new one, never a mix.
///   An operation that failed changed nothing.
/// - **Concurrent**: any number of calls may run at once, from several
///   processes where the store allows it.
/// - **Names that do not exist** are [`StoreError::NoCollection`] where a
///   collection is named, `None` where a document is.
/// - **Limits**: 0 gives nothing; more than the `_MAX` of this module is cut to it.
/// - Dropping a future may leave its write done or undone, never half done.
#[async_trait]
pub trait Store: JobStore + SpaceStore + EntryStore {
    /// Adds a collection. [`StoreError::CollectionExists`] when the name is taken.
    async fn create_collection(&self, collection: &Collection) -> Result<(), StoreError>;

    /// All collections, newest first, then by name.
    async fn collections(&self) -> Result<Vec<CollectionInfo>, StoreError>;

    /// One collection.
    async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo, StoreError>;

    /// Replaces a collection's description.
    async fn describe_collection(
        &self,
        name: &CollectionName,
        description: &str,
    ) -> Result<(), StoreError>;

    /// Removes a collection with its documents, in one step.
    async fn delete_collection(
        &self,
        name: &CollectionName,
    ) -> Result<DeletedCollection, StoreError>;

    /// Puts a document in, or swaps it for the one with the same id, in one step.
    ///
    /// `expect` says what must be there already, else [`StoreError::Conflict`].
    /// `space` must be the collection's, and each vector must have its
    /// dimensions, else [`StoreError::WrongSpace`]. An id that belongs to
    /// another (collection, source URI) is [`StoreError::IdTaken`]. The new
    /// revision is 1, or one more than that of the document replaced, whose
    /// `created_at` is kept.
    async fn put_document(
        &self,
        document: &EmbeddedDocument,
        space: &EmbeddingSpace,
        expect: Expect,
    ) -> Result<PutOutcome, StoreError>;

    /// A document with its text.
    async fn document(&self, id: DocumentId) -> Result<Option<Document>, StoreError>;

    /// The document that a collection keeps for a source.
    async fn document_of_source(
        &self,
        collection: &CollectionName,
        source_uri: &str,
    ) -> Result<Option<DocumentInfo>, StoreError>;

    /// Documents that pass `filter`, last updated first, then by id:
    /// `limit` of them after skipping `offset`.
    async fn documents(
        &self,
        filter: &Filter,
        offset: usize,
        limit: usize,
    ) -> Result<DocumentPage, StoreError>;

    /// Ids above `after`, rising, of a collection's documents: `limit` of them.
    /// Unlike [`Store::documents`], going through them skips none that stays.
    async fn document_ids(
        &self,
        collection: &CollectionName,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError>;

    /// A document with its chunks and their vectors, all of one moment.
    async fn whole_document(&self, id: DocumentId) -> Result<Option<WholeDocument>, StoreError>;

    /// The chunks of a document with `first <= index <= last`, by index;
    /// empty when there is no such document.
    async fn chunks(&self, id: DocumentId, first: u32, last: u32)
    -> Result<Vec<Chunk>, StoreError>;

    /// Removes a document with its chunks, in one step.
    async fn delete_document(&self, id: DocumentId) -> Result<Option<DeletedDocument>, StoreError>;

    /// The vectors the store already has in `space` for texts of these hashes,
    /// from whichever document; one entry for each hash asked for, in order.
    async fn vectors(
        &self,
        space: &EmbeddingSpace,
        hashes: &[ContentHash],
    ) -> Result<Vec<Option<Vec<f32>>>, StoreError>;

    /// The `limit` chunks nearest to `vector` by cosine similarity among those
    /// of `space` that pass `filter`, nearest first, then by document and index.
    /// The scores are exact cosines; which chunks are found may be approximate
    /// (recall@10 ≥ 0.995). Fewer than `limit` only when there are no more.
    async fn nearest(
        &self,
        space: &EmbeddingSpace,
        vector: &[f32],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, StoreError>;

    /// The `limit` chunks that match any of `terms` best by BM25 (k1 = 1.2,
    /// b = 0.75) among those that pass `filter`, best first, then by document
    /// and index. Higher scores are better and above 0. Terms that nearly every
    /// chunk has are ignored while rarer ones remain. No terms, no matches.
    async fn matching(
        &self,
        terms: &[String],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, StoreError>;

    /// The exact cosine similarity of `vector` with each chunk, in the order
    /// asked; `None` for one that is gone or of another space.
    async fn similarities(
        &self,
        space: &EmbeddingSpace,
        vector: &[f32],
        chunks: &[ChunkRef],
    ) -> Result<Vec<Option<f32>>, StoreError>;

    /// The chunks with their documents, in the order asked, those that are
    /// gone left out.
    async fn passages(&self, chunks: &[ChunkRef]) -> Result<Vec<StoredPassage>, StoreError>;

    /// Where and how large the store is. Fails when it cannot be used, so it
    /// serves as the health check.
    async fn status(&self) -> Result<StoreStatus, StoreError>;
}

/// What must be there already for a put to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Anything or nothing.
    Any,
    /// No such document.
    Absent,
    /// The document at this revision.
    Revision(u64),
}

/// What a put did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutOutcome {
    /// The document's revision now.
    pub revision: u64,
    /// How many chunks the document it replaced had; `None` when it is new.
    pub replaced_chunk_count: Option<u32>,
}

/// What went with a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedCollection {
    /// Its documents.
    pub document_count: u64,
    /// Their chunks.
    pub chunk_count: u64,
}

/// A document that was removed.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletedDocument {
    /// What it was called.
    pub title: String,
    /// Where it was.
    pub collection: CollectionName,
    /// How many chunks went with it.
    pub chunk_count: u32,
}

/// A document with all that cannot be made of it again without its model.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeDocument {
    /// The document.
    pub document: Document,
    /// The space of the vectors: its collection's.
    pub space: EmbeddingSpace,
    /// Its chunks by index, each with its vector.
    pub chunks: Vec<(Chunk, Vec<f32>)>,
}

/// A part of a listing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentPage {
    /// The documents of this page.
    pub documents: Vec<DocumentInfo>,
    /// How many documents pass the filter in all.
    pub total: u64,
}

/// A chunk in a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChunkScore {
    /// The chunk.
    pub chunk: ChunkRef,
    /// How good it is; higher is better.
    pub score: f32,
}

/// A chunk and the document it is part of.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPassage {
    /// The document, without its text.
    pub document: DocumentInfo,
    /// The chunk.
    pub chunk: Chunk,
}

/// Where and how large a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStatus {
    /// Which kind: `embedded`, `postgres`, `qdrant`.
    pub kind: &'static str,
    /// Its file or address, without secrets.
    pub location: String,
    /// How many collections it has.
    pub collection_count: u64,
    /// How many documents.
    pub document_count: u64,
    /// How many chunks.
    pub chunk_count: u64,
    /// Its size on disk, where that can be told.
    pub size_bytes: Option<u64>,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no collection of that name.
    #[error("collection `{0}` does not exist")]
    NoCollection(CollectionName),
    /// There is one already.
    #[error("collection `{0}` already exists")]
    CollectionExists(CollectionName),
    /// The vectors are not of the collection's embedding space.
    #[error("collection `{collection}` holds vectors of {expected}, not of {got}")]
    WrongSpace {
        /// The collection.
        collection: CollectionName,
        /// Its space.
        expected: EmbeddingSpace,
        /// The space of what was put in.
        got: EmbeddingSpace,
    },
    /// What is there is not what [`Expect`] says. Holds the revision that is
    /// there, if any.
    #[error("the document is at another revision than expected")]
    Conflict {
        /// The revision that is there; `None` when there is no document.
        found: Option<u64>,
    },
    /// The id belongs to a document of another identity.
    #[error("document id `{0}` belongs to another source")]
    IdTaken(DocumentId),
    /// The store's schema is newer than this program.
    #[error("the store at {location} has schema version {found}, this program knows {known}")]
    TooNew {
        /// The file or address.
        location: String,
        /// Its version.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// The store's data are damaged.
    #[error("the store at {location} is damaged: {message}")]
    Corrupt {
        /// The file or address.
        location: String,
        /// What is wrong.
        message: String,
    },
    /// There is no room left, or writing is not allowed.
    #[error("cannot write to the store at {location}: {message}")]
    NotWritable {
        /// The file or address.
        location: String,
        /// Why: full, read-only, no permission.
        message: String,
    },
    /// Anything else; trying again later may help.
    #[error("cannot {action}")]
    Unavailable {
        /// What was being done.
        action: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
