//! Search: the question and the passages that answer it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Object;

/// A question to the memory.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchDocuments {
    /// Question or keywords
    pub query: String,
    /// Where to search; null: everywhere
    #[serde(default)]
    pub collection_name: Option<String>,
    /// Most passages to return
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 50))]
    pub limit: i64,
    /// Least cosine similarity
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Add the whole source text
    #[serde(default)]
    pub include_source: bool,
    /// Add chunk ids and document metadata
    #[serde(default)]
    pub include_metadata: bool,
    /// Only documents whose metadata contains this
    #[serde(default)]
    pub metadata_filter: Object,
    /// How to rank
    #[serde(default)]
    pub mode: SearchMode,
    /// Most passages of one document
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 50))]
    pub max_per_document: i64,
    /// Token budget for all passages
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_tokens: Option<i64>,
    /// Chunks of context on each side
    #[serde(default)]
    #[schemars(range(min = 0, max = 5))]
    pub neighbors: i64,
}

fn five() -> i64 {
    5
}

fn three() -> i64 {
    3
}

impl SearchDocuments {
    /// A question with every option at its default.
    pub fn new(query: impl Into<String>) -> Self {
        SearchDocuments {
            query: query.into(),
            collection_name: None,
            limit: five(),
            threshold: None,
            include_source: false,
            include_metadata: false,
            metadata_filter: Object::new(),
            mode: SearchMode::default(),
            max_per_document: three(),
            max_tokens: None,
            neighbors: 0,
        }
    }
}

/// How passages are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SearchMode {
    #[default]
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    Hybrid,
    #[expect(missing_docs, reason = "as above")]
    Vector,
    #[expect(missing_docs, reason = "as above")]
    Keyword,
}

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SearchResults {
    /// Best first
    pub results: Vec<Hit>,
    /// What to know about this answer
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A passage and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// The passage, an exact slice of the document
    pub content: String,
    /// Cosine similarity with the query; null where none was computed
    pub similarity: Option<f32>,
    /// What the ranking is by, 0 to 1
    pub score: f32,
    /// Pass it to get_document_by_id
    pub source_document_id: String,
    /// Title
    pub source_filename: String,
    /// Where the document came from
    pub source_uri: String,
    /// The collection it was found in
    pub collection_name: String,
    /// Headings above the passage, outermost first
    pub heading_path: Vec<String>,
    /// First character (Unicode code point) in the document
    pub char_start: usize,
    /// One past the last character
    pub char_end: usize,
    /// Where the document has pages, from 1
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<usize>,
    /// Ids of documents with nearly the same passage
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_in: Vec<String>,
    /// With include_metadata
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_id: Option<String>,
    /// With include_metadata
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_index: Option<u32>,
    /// With include_metadata
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Object>,
    /// With include_source, at the first hit of a document
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_content: Option<String>,
}
