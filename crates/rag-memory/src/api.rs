//! The wire types: what every operation takes and gives, the same over MCP,
//! HTTP and `--json`. Names follow the first prior system where it had them.
//!
//! Doc comments here become descriptions in JSON schemas, which agents pay for
//! by the token: keep them to a few words.

mod check;
mod collection;
mod document;
mod import_legacy;
mod ingest;
mod job;
mod reembed;
mod repository;
mod search;
mod status;
mod token;
mod transfer;
mod web;

pub use check::{Check, Outcome};
pub use collection::{
    CollectionCreated, CollectionDeleted, CollectionDetails, CollectionItem, CollectionList,
    CollectionUpdated, CrawledUrl, CreateCollection, DeleteCollection, GetCollectionInfo,
    ListCollections, UpdateCollectionDescription,
};
pub use document::{
    ChunkItem, DeleteDocument, DocumentDeleted, DocumentItem, DocumentList, DocumentUpdated,
    DocumentView, GetDocument, ListDocuments, UpdateDocument,
};
pub use import_legacy::{ImportLegacy, LegacyImported, LegacyOutcome, LegacyPlace};
pub use ingest::{
    DOCUMENT_EXTENSIONS, DirectoryIngested, FileIngested, FileOutcome, IngestDirectory, IngestFile,
    IngestMode, IngestStatus, IngestText, IngestUpload, TextIngested,
};
pub use job::{
    CancelJob, GetJob, ItemFilter, JobCounts, JobItemView, JobList, JobStatus, JobView, ListJobs,
    RetryJob,
};
pub use reembed::{
    CollectionReembedded, DocumentOutcome, KeptSpace, ReembedCollection, ReembedStep,
};
pub use repository::{
    GetIndexStatus, IndexStatus, IngestRepository, RepositoryIngested, SourceStatus,
};
pub use search::{Hit, SearchDocuments, SearchMode, SearchResults};
pub use status::Status;
pub use token::{
    CreateToken, ListTokens, RevokeToken, TokenCreated, TokenList, TokenRevoked, TokenView,
};
pub use transfer::{Exported, Imported};
pub use web::{
    AnalyzeWebsite, CrawlMetadata, CrawlMode, IngestUrl, LlmsTxtOffer, PAGES_DEFAULT, PageOutcome,
    PatternStats, Render, UrlIngested, WebsiteAnalysis,
};

/// A JSON object, in the order of its keys.
pub type Object = serde_json::Map<String, serde_json::Value>;
