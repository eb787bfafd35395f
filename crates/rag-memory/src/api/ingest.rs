//! Putting documents in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JobStatus, Object};

/// The file name extensions of documents, which a directory or repository is
/// searched for when none are named. Code is not among them.
pub const DOCUMENT_EXTENSIONS: [&str; 20] = [
    ".md",
    ".markdown",
    ".mdx",
    ".txt",
    ".rst",
    ".adoc",
    ".org",
    ".html",
    ".htm",
    ".ipynb",
    ".pdf",
    ".doc",
    ".docx",
    ".ppt",
    ".pptx",
    ".xlsx",
    ".odt",
    ".odp",
    ".rtf",
    ".epub",
];

/// What to do with a source that is in the collection already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum IngestMode {
    #[default]
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    Ingest,
    #[expect(missing_docs, reason = "as above")]
    Reingest,
}

/// A text to put in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestText {
    /// Markdown or plain text
    pub content: String,
    /// Collection
    pub collection_name: String,
    /// null: its first heading or line
    #[serde(default)]
    pub document_title: Option<String>,
    /// Metadata
    #[serde(default)]
    pub metadata: Object,
    /// Return chunk ids
    #[serde(default)]
    pub include_chunk_ids: bool,
    /// reingest replaces
    #[serde(default)]
    pub mode: IngestMode,
}

/// What became of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum IngestStatus {
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    Ingested,
    #[expect(missing_docs, reason = "as above")]
    Replaced,
    #[expect(missing_docs, reason = "as above")]
    Unchanged,
}

/// A text that was put in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TextIngested {
    /// Document id
    pub source_document_id: String,
    /// Chunks
    pub num_chunks: u32,
    /// Collection
    pub collection_name: String,
    /// What happened
    pub status: IngestStatus,
    /// With include_chunk_ids
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_ids: Option<Vec<String>>,
}

/// A file to put in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestFile {
    /// Path on the server
    pub file_path: String,
    /// Collection
    pub collection_name: String,
    /// Metadata
    #[serde(default)]
    pub metadata: Object,
    /// Return chunk ids
    #[serde(default)]
    pub include_chunk_ids: bool,
    /// reingest replaces
    #[serde(default)]
    pub mode: IngestMode,
}

/// A file whose bytes the caller sent. No wire type of its own: HTTP sends it as a
/// form.
#[derive(Clone, Debug)]
pub struct IngestUpload {
    /// What the file is called: the same name again is the same document.
    pub filename: String,
    /// Its media type, if the caller knows it.
    pub content_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The collection.
    pub collection_name: String,
    /// The caller's metadata.
    pub metadata: Object,
    /// What to do when the document is there.
    pub mode: IngestMode,
}

/// A file that was put in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FileIngested {
    /// Document id
    pub source_document_id: String,
    /// Chunks
    pub num_chunks: u32,
    /// Collection
    pub collection_name: String,
    /// What happened
    pub status: IngestStatus,
    /// Name of the file
    pub filename: String,
    /// Extension, or `text`
    pub file_type: String,
    /// Bytes on disk
    pub file_size: u64,
    /// What was poor about it
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// With include_chunk_ids
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_ids: Option<Vec<String>>,
}

/// A directory to put in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestDirectory {
    /// Path on the server
    pub directory_path: String,
    /// Collection
    pub collection_name: String,
    /// none: prose; ["*"]: every file
    #[serde(default = "document_extensions")]
    pub file_extensions: Vec<String>,
    /// Enter sub-directories
    #[serde(default)]
    pub recursive: bool,
    /// Path globs
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Path globs
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// For each document
    #[serde(default)]
    pub metadata: Object,
    /// Return document ids
    #[serde(default)]
    pub include_document_ids: bool,
    /// reingest replaces, drops vanished files
    #[serde(default)]
    pub mode: IngestMode,
}

/// [`DOCUMENT_EXTENSIONS`] as the default of a request.
fn document_extensions() -> Vec<String> {
    DOCUMENT_EXTENSIONS.map(String::from).to_vec()
}

impl IngestDirectory {
    /// The prose files of one directory, without its sub-directories.
    pub fn new(directory_path: impl Into<String>, collection_name: impl Into<String>) -> Self {
        IngestDirectory {
            directory_path: directory_path.into(),
            collection_name: collection_name.into(),
            file_extensions: document_extensions(),
            recursive: false,
            include: Vec::new(),
            exclude: Vec::new(),
            metadata: Object::new(),
            include_document_ids: false,
            mode: IngestMode::Ingest,
        }
    }
}

/// What became of a directory. Every file found is counted once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryIngested {
    /// For get_job
    pub job_id: String,
    /// While running, the counts are those so far
    pub status: JobStatus,
    /// Collection
    pub collection_name: String,
    /// Files that match
    pub files_found: u64,
    /// New or replaced
    pub files_ingested: u64,
    /// In already, with this content
    pub files_unchanged: u64,
    /// Left as they were, see skipped_files
    pub files_skipped: u64,
    /// Not put in, see failed_files
    pub files_failed: u64,
    /// Gone from the disk, and now from the collection
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

/// A file that was not put in, and why.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FileOutcome {
    /// Path below the directory
    pub filename: String,
    /// Why
    pub error: String,
}
