//! What a crawl was asked for, checked.

use rag_core::model::{Job, JobState, Metadata};
use rag_extract::check_selector;
use rag_web::Scope;
use serde_json::Value;
use url::Url;

use super::address;
use crate::Error;
use crate::api::{CrawlMode, IngestUrl, Render};
use crate::memory::check;

/// The most pages a crawl sees to.
const PAGES_MAX: i64 = 50_000;
/// The most links it goes away from its root.
const DEPTH_MAX: i64 = 10;
/// The most patterns of each kind.
const PATTERNS_MAX: usize = 100;

/// What a crawl was asked for.
pub(super) struct Plan {
    pub(super) root: Url,
    pub(super) scope: Scope,
    pub(super) recrawl: bool,
    pub(super) follow_links: bool,
    pub(super) depth_max: u32,
    pub(super) pages_max: usize,
    pub(super) selector: Option<String>,
    pub(super) render: Render,
    pub(super) metadata: Metadata,
    /// Whether the last crawl has looked as far for links: then a page that did
    /// not change leads nowhere new.
    pub(super) explored: bool,
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Plan {
    /// Checks a request.
    pub(super) fn new(request: &IngestUrl) -> Result<Self, Error> {
        let root = address(&request.url)?;
        let depth_max = check::in_range("max_depth", request.max_depth, 0..=DEPTH_MAX)?;
        let pages_max = check::in_range("max_pages", request.max_pages, 1..=PAGES_MAX)?;
        if request.include.len() > PATTERNS_MAX || request.exclude.len() > PATTERNS_MAX {
            let message = format!("`include` and `exclude` may have {PATTERNS_MAX} patterns each");
            return Err(Error::invalid(message));
        }
        if let Some(selector) = &request.selector {
            check_selector(selector).map_err(|error| {
                Error::invalid(error.to_string()).hint("write it like `main article` or `#content`")
            })?;
        }
        check::metadata(&request.metadata)?;
        Ok(Plan {
            scope: Scope::new(&root, &request.include, &request.exclude)?,
            include: request.include.clone(),
            exclude: request.exclude.clone(),
            root,
            recrawl: request.mode == CrawlMode::Recrawl,
            follow_links: request.follow_links,
            depth_max: u32::try_from(depth_max).expect("the range is small"),
            pages_max,
            selector: request.selector.clone(),
            render: request.render,
            metadata: request.metadata.clone(),
            explored: false,
        })
    }

    /// The scope of a site that has moved to another host as a whole.
    pub(super) fn scope_at(&self, root: &Url) -> Result<Scope, Error> {
        Ok(Scope::new(root, &self.include, &self.exclude)?)
    }

    /// Reads pages as the last crawl did, where this one does not say how.
    pub(super) fn inherit(&mut self, last: &Value) {
        if self.selector.is_none() {
            self.selector = last["selector"].as_str().map(str::to_owned);
        }
        if self.metadata.is_empty()
            && let Some(metadata) = last["metadata"].as_object()
        {
            self.metadata.clone_from(metadata);
        }
    }

    /// Whether the last crawl followed links and this one does not.
    pub(super) fn looks_less_far(&self, last: &Value) -> bool {
        !self.follow_links && last["follow_links"] == true
    }

    /// Whether a crawl has seen all that this one would find.
    pub(super) fn was_explored_by(&self, last: &Job) -> bool {
        let request = &last.new.request;
        let same_patterns = |name: &str, own: &[String]| {
            let patterns = request[name].as_array().map_or(&[][..], Vec::as_slice);
            patterns
                .iter()
                .map(Value::as_str)
                .eq(own.iter().map(|own| Some(own.as_str())))
        };
        last.state == JobState::Done
            && last.counts.failed == 0
            && last.notes["left"] == 0
            && request["follow_links"] == true
            && request["max_depth"].as_u64() >= Some(u64::from(self.depth_max))
            && request["render"] == serde_json::json!(self.render)
            && same_patterns("include", &self.include)
            && same_patterns("exclude", &self.exclude)
    }
}
