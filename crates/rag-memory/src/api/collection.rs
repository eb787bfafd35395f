//! Collections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{KeptSpace, Object};

/// No arguments.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListCollections {}

/// All collections.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectionList {
    /// Newest first
    pub collections: Vec<CollectionItem>,
}

/// A collection in a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectionItem {
    /// Name
    pub name: String,
    /// What it holds
    pub description: String,
    /// Documents
    pub document_count: u64,
    /// Chunks
    pub chunk_count: u64,
    /// RFC 3339, UTC
    pub created_at: String,
}

/// A collection to make.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCollection {
    /// 1-64 of a-z 0-9 _ -
    pub name: String,
    /// What it holds
    pub description: String,
    /// What metadata its documents have
    #[serde(default)]
    pub metadata_schema: Option<Object>,
}

/// A collection that was made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectionCreated {
    /// Name
    pub name: String,
    /// What it holds
    pub description: String,
    /// Always true
    pub created: bool,
    /// The model its vectors are of
    pub embedding_model: String,
    /// Numbers in a vector
    pub embedding_dimensions: usize,
}

/// A new description.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateCollectionDescription {
    /// Collection
    pub name: String,
    /// New description
    pub description: String,
}

/// A collection whose description was replaced.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectionUpdated {
    /// Name
    pub name: String,
    /// The new description
    pub description: String,
    /// Always true
    pub updated: bool,
}

/// Which collection to describe.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetCollectionInfo {
    /// Collection
    pub collection_name: String,
}

/// All about a collection.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectionDetails {
    /// Name
    pub name: String,
    /// What it holds
    pub description: String,
    /// Documents
    pub document_count: u64,
    /// Chunks
    pub chunk_count: u64,
    /// RFC 3339, UTC
    pub created_at: String,
    /// The model its vectors are of
    pub embedding_model: String,
    /// Numbers in a vector
    pub embedding_dimensions: usize,
    /// Other models whose vectors are kept
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptSpace>,
    /// What metadata its documents have
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_schema: Option<Object>,
    /// Titles of the documents updated last, up to 5
    pub sample_documents: Vec<String>,
    /// Where crawls began, latest first, up to 10
    pub crawled_urls: Vec<CrawledUrl>,
}

/// A site that was crawled into a collection.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CrawledUrl {
    /// Root
    pub url: String,
    /// Its last crawl, RFC 3339
    pub timestamp: String,
    /// Pages there now
    pub page_count: u64,
    /// Their chunks
    pub chunk_count: u64,
}

/// A collection to remove.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteCollection {
    /// Collection
    pub name: String,
    /// Must be true
    #[serde(default)]
    pub confirm: bool,
}

/// A collection that was removed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectionDeleted {
    /// Name
    pub name: String,
    /// Always true
    pub deleted: bool,
    /// Documents that went with it
    pub documents_deleted: u64,
    /// Their chunks
    pub chunks_deleted: u64,
}
