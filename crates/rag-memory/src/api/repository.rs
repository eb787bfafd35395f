//! Putting repositories in, and how far behind them a collection is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FileOutcome, JobStatus, Object};

/// A repository to put in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestRepository {
    /// `owner/repo[/path][@ref]` on GitHub
    pub repository: String,
    /// Collection
    pub collection_name: String,
    /// Path globs; none: documents
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Path globs
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// For each file
    #[serde(default)]
    pub metadata: Object,
    /// Return document ids
    #[serde(default)]
    pub include_document_ids: bool,
}

impl IngestRepository {
    /// The documents of a repository.
    pub fn new(repository: impl Into<String>, collection_name: impl Into<String>) -> Self {
        IngestRepository {
            repository: repository.into(),
            collection_name: collection_name.into(),
            include: Vec::new(),
            exclude: Vec::new(),
            metadata: Object::new(),
            include_document_ids: false,
        }
    }
}

/// What became of a repository. Every file found is counted once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryIngested {
    /// For get_job
    pub job_id: String,
    /// While running, the counts are those so far
    pub status: JobStatus,
    /// Collection
    pub collection_name: String,
    /// Repository
    pub repository: String,
    /// The commit that is in now
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_commit: Option<String>,
    /// The commit was in already: nothing was fetched
    pub up_to_date: bool,
    /// Files that match
    pub files_found: u64,
    /// New or replaced
    pub files_ingested: u64,
    /// In already, with this content
    pub files_unchanged: u64,
    /// Left out, see skipped_files
    pub files_skipped: u64,
    /// Did not work, see failed_files
    pub files_failed: u64,
    /// Gone from the repository, and now from the collection
    pub files_removed: u64,
    /// Chunks of the files ingested
    pub total_chunks: u64,
    /// At most 100
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_files: Vec<FileOutcome>,
    /// At most 100
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_files: Vec<FileOutcome>,
    /// What to know about this run
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// With include_document_ids
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_ids: Option<Vec<String>>,
}

/// Which collection's sources to look at.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetIndexStatus {
    /// Collection
    pub collection_name: String,
}

/// How current a collection is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct IndexStatus {
    /// Collection
    pub collection_name: String,
    /// Documents
    pub total_docs: u64,
    /// Chunks
    pub total_chunks: u64,
    /// End of the last job that succeeded, RFC 3339
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_time: Option<String>,
    /// Newest first
    pub sources: Vec<SourceStatus>,
}

/// How current one source is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SourceStatus {
    /// crawl, directory or repository
    pub kind: String,
    /// Address, path or repository
    pub subject: String,
    /// Its last job
    pub job_id: String,
    /// Where that stands
    pub status: JobStatus,
    /// End of its last job that succeeded, RFC 3339
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_time: Option<String>,
    /// The commit that is in
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_commit: Option<String>,
    /// Newer commits; null where that cannot be told
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commits_behind: Option<u64>,
    /// What to do about it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_warning: Option<String>,
}
