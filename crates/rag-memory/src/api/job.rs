//! Following long work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum JobStatus {
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    Queued,
    #[expect(missing_docs, reason = "as above")]
    Running,
    #[expect(missing_docs, reason = "as above")]
    Done,
    #[expect(missing_docs, reason = "as above")]
    Failed,
    #[expect(missing_docs, reason = "as above")]
    Cancelled,
}

/// Which items of a job are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ItemFilter {
    #[default]
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    None,
    #[expect(missing_docs, reason = "as above")]
    All,
    #[expect(missing_docs, reason = "as above")]
    Pending,
    #[expect(missing_docs, reason = "as above")]
    Ingested,
    #[expect(missing_docs, reason = "as above")]
    Unchanged,
    #[expect(missing_docs, reason = "as above")]
    Skipped,
    #[expect(missing_docs, reason = "as above")]
    Failed,
    #[expect(missing_docs, reason = "as above")]
    Removed,
}

/// Which job to look at.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetJob {
    /// Job
    pub job_id: String,
    /// Which pages or files to list
    #[serde(default)]
    pub items: ItemFilter,
    /// 1-1000
    #[serde(default = "hundred")]
    pub limit: i64,
    /// Items to skip
    #[serde(default)]
    pub offset: i64,
}

fn hundred() -> i64 {
    100
}

impl GetJob {
    /// A job without its items.
    pub fn new(job_id: impl Into<String>) -> Self {
        GetJob {
            job_id: job_id.into(),
            items: ItemFilter::None,
            limit: hundred(),
            offset: 0,
        }
    }
}

/// Which job to stop.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelJob {
    /// Job
    pub job_id: String,
}

/// Which job to take up again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryJob {
    /// Job
    pub job_id: String,
}

/// Which jobs to list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListJobs {
    /// null: all
    #[serde(default)]
    pub collection_name: Option<String>,
    /// null: any
    #[serde(default)]
    pub status: Option<JobStatus>,
    /// 1-1000
    #[serde(default = "twenty")]
    pub limit: i64,
    /// Jobs to skip
    #[serde(default)]
    pub offset: i64,
}

fn twenty() -> i64 {
    20
}

impl Default for ListJobs {
    fn default() -> Self {
        ListJobs {
            collection_name: None,
            status: None,
            limit: twenty(),
            offset: 0,
        }
    }
}

/// A part of the list of jobs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobList {
    /// Newest first
    pub jobs: Vec<JobView>,
    /// In all
    pub total_count: u64,
    /// More after these
    pub has_more: bool,
}

/// A job and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobView {
    /// Its id
    pub job_id: String,
    /// crawl, directory or repository
    pub kind: String,
    /// What it is about
    pub subject: String,
    /// Collection
    pub collection_name: String,
    /// Where it stands
    pub status: JobStatus,
    /// Why it failed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do about it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What to know about it
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// RFC 3339, UTC
    pub created_at: String,
    /// When it was first taken up
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Its pages or files
    pub counts: JobCounts,
    /// Those asked for
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<JobItemView>,
    /// Pass it as offset for more items
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u64>,
}

/// How many pages or files came to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobCounts {
    /// Still to be done
    pub pending: u64,
    /// New or replaced
    pub ingested: u64,
    /// In already
    pub unchanged: u64,
    /// Left out
    pub skipped: u64,
    /// Did not work
    pub failed: u64,
    /// Gone and removed
    pub removed: u64,
    /// Chunks of those ingested
    pub chunks: u64,
}

/// A page or file of a job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobItemView {
    /// Address or path
    pub name: String,
    /// What became of it
    pub status: String,
    /// Why
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Document
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    /// Its chunks
    pub num_chunks: u32,
}
