//! Putting web pages in, and looking at a site before.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JobStatus, Object};

/// How many pages a crawl sees to when nothing else is said.
pub const PAGES_DEFAULT: i64 = 500;

/// A page or site to put in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestUrl {
    /// http or https
    pub url: String,
    /// Collection
    pub collection_name: String,
    /// recrawl updates an earlier crawl
    #[serde(default)]
    pub mode: CrawlMode,
    /// The whole site, not one page
    #[serde(default)]
    pub follow_links: bool,
    /// Links away from url, 0-10
    #[serde(default = "one")]
    pub max_depth: i64,
    /// 1-50000
    #[serde(default = "pages_default")]
    pub max_pages: i64,
    /// Path globs: /docs/**
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Path globs
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// CSS selector of the content
    #[serde(default)]
    pub selector: Option<String>,
    /// Run scripts in a browser
    #[serde(default)]
    pub render: Render,
    /// For each page
    #[serde(default)]
    pub metadata: Object,
    /// Finish the last crawl of url
    #[serde(default)]
    pub retry_failed: bool,
    /// Return document ids
    #[serde(default)]
    pub include_document_ids: bool,
}

fn one() -> i64 {
    1
}

fn pages_default() -> i64 {
    PAGES_DEFAULT
}

impl IngestUrl {
    /// One page.
    pub fn new(url: impl Into<String>, collection_name: impl Into<String>) -> Self {
        IngestUrl {
            url: url.into(),
            collection_name: collection_name.into(),
            mode: CrawlMode::default(),
            follow_links: false,
            max_depth: one(),
            max_pages: PAGES_DEFAULT,
            include: Vec::new(),
            exclude: Vec::new(),
            selector: None,
            render: Render::default(),
            metadata: Object::new(),
            retry_failed: false,
            include_document_ids: false,
        }
    }
}

/// What to do about pages that are in the collection already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum CrawlMode {
    #[default]
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    Crawl,
    #[expect(missing_docs, reason = "as above")]
    Recrawl,
}

/// When a page's scripts are run in a browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Render {
    #[default]
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    Auto,
    #[expect(missing_docs, reason = "as above")]
    Always,
    #[expect(missing_docs, reason = "as above")]
    Never,
}

/// What became of a page or site. Every page is counted once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UrlIngested {
    /// For get_job
    pub job_id: String,
    /// While running, the counts are those so far
    pub status: JobStatus,
    /// As asked
    pub mode: CrawlMode,
    /// Collection
    pub collection_name: String,
    /// Pages seen to
    pub pages_crawled: u64,
    /// New or replaced
    pub pages_ingested: u64,
    /// In already, with this content
    pub pages_unchanged: u64,
    /// Left out, see skipped_pages
    pub pages_skipped: u64,
    /// Did not work, see failed_pages
    pub pages_failed: u64,
    /// Known and not yet seen to
    pub pages_pending: u64,
    /// Gone from the site, and now from the collection
    pub old_pages_deleted: u64,
    /// Chunks of the pages ingested
    pub total_chunks: u64,
    /// What the pages' metadata say of this crawl
    pub crawl_metadata: CrawlMetadata,
    /// At most 100
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_pages: Vec<PageOutcome>,
    /// At most 100
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_pages: Vec<PageOutcome>,
    /// What to know about this crawl
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// With include_document_ids
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_ids: Option<Vec<String>>,
}

/// What the pages of one crawl have in common.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CrawlMetadata {
    /// Where it began
    pub crawl_root_url: String,
    /// The job
    pub crawl_session_id: String,
    /// RFC 3339, UTC
    pub crawl_timestamp: String,
}

/// A page that was not put in, and why.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PageOutcome {
    /// Address
    pub url: String,
    /// Why
    pub error: String,
}

/// A site to look at.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeWebsite {
    /// Root of the site
    pub base_url: String,
    /// Seconds a request, 1-60
    #[serde(default = "ten")]
    pub timeout: i64,
    /// Return url_groups
    #[serde(default)]
    pub include_url_lists: bool,
    /// 1-1000
    #[serde(default = "ten")]
    pub max_urls_per_pattern: i64,
}

fn ten() -> i64 {
    10
}

impl AnalyzeWebsite {
    /// A site, without lists of its pages.
    pub fn new(base_url: impl Into<String>) -> Self {
        AnalyzeWebsite {
            base_url: base_url.into(),
            timeout: ten(),
            include_url_lists: false,
            max_urls_per_pattern: ten(),
        }
    }
}

/// What a site has.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WebsiteAnalysis {
    /// The site
    pub base_url: String,
    /// sitemap, llms_txt or not_found
    pub analysis_method: String,
    /// Pages named
    pub total_urls: usize,
    /// Hosts of these pages
    pub domains: Vec<String>,
    /// By first path segment, most pages first in `patterns`
    pub pattern_stats: BTreeMap<String, PatternStats>,
    /// Keys of pattern_stats, most pages first
    pub patterns: Vec<String>,
    /// With include_url_lists: shortest first
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_groups: Option<BTreeMap<String, Vec<String>>>,
    /// robots.txt forbids crawling the root
    pub crawling_forbidden: bool,
    /// Seconds between two pages that robots.txt asks for
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crawl_delay: Option<f64>,
    /// Sitemaps read
    pub sitemaps: Vec<String>,
    /// What llms.txt offers
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llms_txt: Option<LlmsTxtOffer>,
    /// What to know
    pub notes: String,
    /// What was wrong with sitemaps and the like
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The pages below one first path segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatternStats {
    /// Pages
    pub count: usize,
    /// Mean path segments, to 0.1
    pub avg_depth: f64,
    /// The 3 shortest
    pub example_urls: Vec<String>,
}

/// What an llms.txt offers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LlmsTxtOffer {
    /// Its address
    pub url: String,
    /// Its title
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Pages it links to
    pub link_count: usize,
}
