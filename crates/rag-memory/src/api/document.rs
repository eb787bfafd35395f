//! Documents: looking at, changing and removing them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Object;

/// Which document to show, and how much of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDocument {
    /// Document id or source_uri
    pub document_id: String,
    /// Add the chunks of this part
    #[serde(default)]
    pub include_chunks: bool,
    /// First character to return
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub offset: i64,
    /// Most characters to return
    #[serde(default = "hundred_thousand")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_chars: i64,
}

fn hundred_thousand() -> i64 {
    100_000
}

impl GetDocument {
    /// The document from its beginning, without its chunks.
    pub fn new(document_id: impl Into<String>) -> Self {
        GetDocument {
            document_id: document_id.into(),
            include_chunks: false,
            offset: 0,
            max_chars: hundred_thousand(),
        }
    }
}

/// A document.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentView {
    /// Id
    pub id: String,
    /// Title
    pub filename: String,
    /// The collection it is in
    pub collection_name: String,
    /// Where it came from
    pub source_uri: String,
    /// Its text from `offset` on
    pub content: String,
    /// Characters in the whole text
    pub total_chars: usize,
    /// Where to go on; absent at the end
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<usize>,
    /// Media type
    pub file_type: String,
    /// Bytes of the whole text
    pub file_size: u64,
    /// Metadata
    pub metadata: Object,
    /// RFC 3339, UTC
    pub created_at: String,
    /// RFC 3339, UTC
    pub updated_at: String,
    /// With include_chunks
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Vec<ChunkItem>>,
}

/// A chunk of a document.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChunkItem {
    /// `<document id>#<index>`
    pub chunk_id: String,
    /// From 0
    pub chunk_index: u32,
    /// The exact slice of the document
    pub content: String,
    /// First character
    pub char_start: usize,
    /// One past the last character
    pub char_end: usize,
    /// Headings above it
    pub heading_path: Vec<String>,
}

/// What to change in a document; at least one of the three.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateDocument {
    /// Document id
    pub document_id: String,
    /// New text
    #[serde(default)]
    pub content: Option<String>,
    /// New title
    #[serde(default)]
    pub title: Option<String>,
    /// Keys to set; null removes one
    #[serde(default)]
    pub metadata: Option<Object>,
}

/// What was changed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentUpdated {
    /// Id
    pub document_id: String,
    /// Of metadata, title, content
    pub updated_fields: Vec<String>,
    /// Chunks before
    pub old_chunk_count: u32,
    /// Chunks now
    pub new_chunk_count: u32,
}

/// Which document to remove.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteDocument {
    /// Document id
    pub document_id: String,
}

/// A document that was removed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentDeleted {
    /// Id
    pub document_id: String,
    /// Title
    pub document_title: String,
    /// Chunks that went with it
    pub chunks_deleted: u32,
    /// The collection it was in
    pub collections_affected: Vec<String>,
}

/// Which documents to list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDocuments {
    /// null: all
    #[serde(default)]
    pub collection_name: Option<String>,
    /// Page size
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 200))]
    pub limit: i64,
    /// Documents to skip
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub offset: i64,
    /// Add type, size, times, metadata
    #[serde(default)]
    pub include_details: bool,
}

fn fifty() -> i64 {
    50
}

impl Default for ListDocuments {
    fn default() -> Self {
        ListDocuments {
            collection_name: None,
            limit: fifty(),
            offset: 0,
            include_details: false,
        }
    }
}

/// A page of documents.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentList {
    /// Last updated first
    pub documents: Vec<DocumentItem>,
    /// Documents in all
    pub total_count: u64,
    /// Documents in this page
    pub returned_count: usize,
    /// Whether there are more after this page
    pub has_more: bool,
}

/// A document in a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentItem {
    /// Id
    pub id: String,
    /// Title
    pub filename: String,
    /// Where it came from
    pub source_uri: String,
    /// Chunks
    pub chunk_count: u32,
    /// The collection it is in
    pub collection_name: String,
    /// With include_details: media type
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_type: Option<String>,
    /// With include_details: bytes
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
    /// With include_details: RFC 3339, UTC
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// With include_details: RFC 3339, UTC
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// With include_details
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Object>,
}
