//! Moving a collection to another embedding model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JobStatus;

/// What to do about a collection's embedding model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ReembedStep {
    #[default]
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    Run,
    #[expect(missing_docs, reason = "as above")]
    Undo,
    #[expect(missing_docs, reason = "as above")]
    Clean,
}

/// A collection to move to this server's embedding model.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReembedCollection {
    /// Collection
    pub collection_name: String,
    /// undo: back; clean: drop the old model
    #[serde(default)]
    pub step: ReembedStep,
}

impl ReembedCollection {
    /// A step for a collection.
    pub fn new(collection_name: impl Into<String>, step: ReembedStep) -> Self {
        ReembedCollection {
            collection_name: collection_name.into(),
            step,
        }
    }
}

/// Where a collection stands between two models.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectionReembedded {
    /// Collection
    pub collection_name: String,
    /// Of a run, for get_job
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// While running, the old model serves
    pub status: JobStatus,
    /// The model that is searched now
    pub embedding_model: String,
    /// Its dimensions
    pub embedding_dimensions: usize,
    /// Embedded anew by this run
    pub documents_embedded: u64,
    /// Did not work, see failed_documents
    pub documents_failed: u64,
    /// At most 100
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_documents: Vec<DocumentOutcome>,
    /// Other models whose vectors are kept
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptSpace>,
}

/// A document that could not be embedded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentOutcome {
    /// Where it came from
    pub source_uri: String,
    /// Why
    pub error: String,
}

/// Vectors of a model that is not searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptSpace {
    /// The model
    pub embedding_model: String,
    /// Its dimensions
    pub embedding_dimensions: usize,
    /// How many documents have its vectors
    pub documents: u64,
}
