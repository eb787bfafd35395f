//! Moving everything between stores.

use serde::Serialize;

/// What was written into a file.
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    /// The file
    pub path: String,
    /// Its size
    pub bytes: u64,
    /// Collections
    pub collections: u64,
    /// Documents
    pub documents: u64,
    /// Their chunks, each with its vector
    pub chunks: u64,
    /// Crawls and other jobs
    pub jobs: u64,
}

/// What became of everything that was to be put into a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Made here
    pub collections_created: u64,
    /// Here before; their descriptions stay
    pub collections_found: u64,
    /// New here
    pub documents_imported: u64,
    /// In place of an older version
    pub documents_replaced: u64,
    /// Here already, just so
    pub documents_unchanged: u64,
    /// Left as they are: they were changed here since
    pub documents_newer_here: u64,
    /// Chunks of the documents put in
    pub chunks: u64,
    /// Crawls and other jobs put in
    pub jobs_imported: u64,
    /// Here already, or another of the same kind is under way
    pub jobs_unchanged: u64,
}
