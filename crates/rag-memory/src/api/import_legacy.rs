//! Taking over the memory of the first prior system.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IngestMode, JobStatus};

/// What to take over of an earlier memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportLegacy {
    /// Names there; none: all
    #[serde(default)]
    pub collections: Vec<String>,
    /// Collection here for documents in none
    #[serde(default)]
    pub orphans: Option<String>,
    /// reingest replaces
    #[serde(default)]
    pub mode: IngestMode,
    /// Change nothing, tell what would be done
    #[serde(default)]
    pub dry_run: bool,
}

/// What was taken over of an earlier memory. A document that was in two
/// collections is two here, and counted twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegacyImported {
    /// Where it is
    pub location: String,
    /// Cancelled: the rest is still to be done
    pub status: JobStatus,
    /// Nothing was changed
    pub dry_run: bool,
    /// What its times were taken to be in
    pub time_zone: String,
    /// Where its collections went
    pub collections: Vec<LegacyPlace>,
    /// All that were looked at
    pub documents_found: u64,
    /// New or replaced
    pub documents_ingested: u64,
    /// Of these, with the chunks and vectors they had
    pub vectors_kept: u64,
    /// In already
    pub documents_unchanged: u64,
    /// Left out, see skipped_documents
    pub documents_skipped: u64,
    /// Not put in, see failed_documents
    pub documents_failed: u64,
    /// Chunks of the documents ingested
    pub total_chunks: u64,
    /// At most 100
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_documents: Vec<LegacyOutcome>,
    /// At most 100
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_documents: Vec<LegacyOutcome>,
}

/// Where a collection went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegacyPlace {
    /// Its name there; null: documents of no collection
    pub legacy_name: Option<String>,
    /// Its name here
    pub collection_name: String,
    /// It was not here before
    pub created: bool,
}

/// A document that was not put in, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegacyOutcome {
    /// Its id there
    pub legacy_id: i64,
    /// What it is called
    pub title: String,
    /// The collection here
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_name: Option<String>,
    /// Why
    pub error: String,
}
