//! The words of the domain: collections, documents, chunks and how they are
//! identified. Plain data; wire and row types live with their surfaces and
//! stores.

mod base32;
mod chunk;
mod collection;
mod document;
mod filter;
mod hash;
mod job;

pub use chunk::{Chunk, ChunkRef, EmbeddedChunk, Span, TITLE_CHARS_INDEXED_MAX};
pub use collection::{
    COLLECTION_NAME_CHARS_MAX, Collection, CollectionInfo, CollectionName, EmbeddingSpace,
    InvalidCollectionName,
};
pub use document::{
    Document, DocumentId, DocumentInfo, EmbeddedDocument, Extracted, InvalidDocumentId, MediaType,
    Metadata,
};
pub use filter::{Filter, contains};
pub use hash::ContentHash;
pub use jiff::Timestamp;
pub use job::{
    InvalidJobId, ItemCounts, ItemState, Job, JobId, JobItem, JobKind, JobState, NewJob,
};
