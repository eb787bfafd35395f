//! The state of the memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the memory is made of and what is in it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Version of the program
    pub version: String,
    /// embedded, postgres or qdrant
    pub store: String,
    /// File or address
    pub location: String,
    /// Collections
    pub collections: u64,
    /// Documents
    pub documents: u64,
    /// Chunks
    pub chunks: u64,
    /// Bytes on disk, where known
    pub size_bytes: Option<u64>,
    /// The model new collections are made with
    pub embedding_model: String,
    /// Numbers in a vector
    pub embedding_dimensions: usize,
}
