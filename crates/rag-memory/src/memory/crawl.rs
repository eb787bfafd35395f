//! Putting web pages in: one, or a whole site.
//!
//! A crawl is a job whose items are its pages: those still pending are its
//! frontier, so that it goes on after a crash where it was. This file asks for
//! one and drives it, `plan` holds what was asked for, `frontier` what is to be
//! visited, `site` what the pages share; `page` sees to a single one, `read` to
//! its text.

mod frontier;
mod page;
mod plan;
mod read;
mod site;
mod visit;
mod waiting;

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rag_core::model::{
    CollectionInfo, Filter, ItemState, Job, JobItem, JobKind, JobState, Metadata, NewJob,
};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter};
use rag_web::{canonical, discover};
use serde_json::Value;
use url::Url;

use self::frontier::Frontier;
use self::plan::Plan;
pub(super) use self::site::ScriptedHosts;
use self::site::Site;
use self::visit::Visit;
use self::waiting::while_others_go_on;
use super::job::{JobRun, Report, new_job, status};
use super::{Memory, Watch};
use crate::api::{CrawlMetadata, CrawlMode, CrawledUrl, IngestUrl, PageOutcome, UrlIngested};
use crate::{Error, ErrorKind, Scope};

/// How many pages are seen to at once.
const VISITS_AT_ONCE: usize = 6;
/// After so many pages in a row that could not be reached, neither can the site.
const UNREACHED_MAX: usize = 10;
/// How many roots a collection's details tell.
const ROOTS_MAX: usize = 10;
/// How many pages of sitemaps are looked through for those below the root.
const DISCOVERED_MAX: usize = 50_000;

impl Memory {
    /// Puts a page or a site in, as a job. When the caller's patience ends
    /// before it does, the reply's status is `running`.
    pub async fn ingest_url(
        &self,
        request: IngestUrl,
        watch: &Watch,
    ) -> Result<UrlIngested, Error> {
        self.access.require(&[Scope::Ingest])?;
        let collection = self.writable_collection(&request.collection_name).await?;
        let plan = Plan::new(&request)?;
        let request = IngestUrl {
            url: plan.root.to_string(),
            ..request
        };
        let name = &collection.collection.name;
        let new = new_job(JobKind::Crawl, name, request.url.clone(), &request);
        let crawls = self.crawls_of(&collection, &request.url).await?;
        let job = match crawls.into_iter().next() {
            None if request.retry_failed => return Err(nothing_to_retry(&request)),
            Some(last) if request.retry_failed || goes_on(&last, &new, &request) => {
                self.reopen(&last, watch).await?
            }
            last => {
                if request.mode == CrawlMode::Crawl {
                    self.refuse_second(&collection, &request.url, last.as_ref())
                        .await?;
                }
                self.start(&new, watch).await?
            }
        };
        let report = self.report(&job, request.include_document_ids).await?;
        let reply = reply(request.mode, &job, report);
        tracing::info!(
            job.id = %job.id,
            collection.name = %name,
            pages = reply.pages_crawled,
            failed = reply.pages_failed,
            "answered about a crawl"
        );
        Ok(reply)
    }

    /// The crawls of a root into a collection, newest first.
    async fn crawls_of(&self, collection: &CollectionInfo, root: &str) -> Result<Vec<Job>, Error> {
        let filter = JobFilter {
            collection: Some(collection.collection.name.clone()),
            states: Vec::new(),
        };
        let page = self.store.jobs(&filter, 0, JOB_LISTING_LIMIT_MAX).await?;
        let of_root = |job: &Job| job.new.kind == JobKind::Crawl && job.new.subject == root;
        Ok(page.jobs.into_iter().filter(of_root).collect())
    }

    /// The roots that were crawled into a collection, latest first.
    pub(super) async fn crawled_urls(
        &self,
        collection: &CollectionInfo,
    ) -> Result<Vec<CrawledUrl>, Error> {
        let filter = JobFilter {
            collection: Some(collection.collection.name.clone()),
            states: Vec::new(),
        };
        let page = self.store.jobs(&filter, 0, JOB_LISTING_LIMIT_MAX).await?;
        let mut urls: Vec<CrawledUrl> = Vec::new();
        for job in page.jobs {
            let url = job.new.subject;
            let is_crawl = job.new.kind == JobKind::Crawl;
            if !is_crawl || urls.len() == ROOTS_MAX || urls.iter().any(|known| known.url == url) {
                continue;
            }
            let pages = pages_of(collection, &url);
            let pages = self.documents_matching(&pages).await?;
            urls.push(CrawledUrl {
                url,
                timestamp: job.new.created_at.to_string(),
                page_count: pages.len() as u64,
                chunk_count: pages.iter().map(|page| u64::from(page.chunk_count)).sum(),
            });
        }
        Ok(urls)
    }

    /// Refuses to crawl what has been crawled: that is what a recrawl is for.
    async fn refuse_second(
        &self,
        collection: &CollectionInfo,
        root: &str,
        last: Option<&Job>,
    ) -> Result<(), Error> {
        let filter = pages_of(collection, root);
        let page = self.store.documents(&filter, 0, 1).await?;
        if page.total == 0 {
            return Ok(());
        }
        let when = last.map(|job| format!(" since {}", job.new.created_at));
        let message = format!(
            "`{root}` has been crawled into collection `{}`{}; documents there: {}",
            collection.collection.name,
            when.unwrap_or_default(),
            page.total
        );
        let unfinished = last.is_some_and(|job| {
            job.counts.pending + job.counts.failed > 0 && job.state != JobState::Queued
        });
        let hint = match unfinished {
            true => "mode=recrawl (`rag recrawl`) updates it, retry_failed finishes what is left",
            false => "mode=recrawl (`rag recrawl`) updates it",
        };
        Err(Error::new(ErrorKind::AlreadyExists, message).hint(hint))
    }

    pub(super) async fn run_crawl(&self, run: &JobRun) -> Result<(), Error> {
        let request: IngestUrl = super::request_of(&run.job)?;
        let collection = self.writable_collection(&request.collection_name).await?;
        let mut plan = Plan::new(&request)?;
        let crawls = self.crawls_of(&collection, &request.url).await?;
        let last = crawls.iter().find(|job| job.id != run.job.id);
        if plan.recrawl
            && let Some(last) = last
        {
            plan.inherit(&last.new.request);
            if plan.looks_less_far(&last.new.request) {
                let warning = "new pages are not looked for; follow_links does, as the last crawl";
                run.warn(warning.to_owned());
            }
        }
        plan.explored = last.is_some_and(|last| plan.was_explored_by(last));
        let items = run.items(None).await?;
        let known = match plan.recrawl || !items.is_empty() {
            true => {
                let filter = pages_of(&collection, &request.url);
                self.documents_matching(&filter).await?
            }
            false => Vec::new(),
        };
        let site = Site::new(self, run, &collection, &plan)?;
        site.claim_settled(&items, &known);
        let mut frontier = Frontier::new(items, plan.pages_max);
        let mut new = frontier.add(JobItem::pending(request.url.clone()));
        for page in known.iter().filter(|_| plan.recrawl) {
            let depth = page.metadata.get("crawl_depth").and_then(Value::as_u64);
            new.extend(frontier.add_known(JobItem {
                // Only what was asked for is at depth 0.
                depth: u32::try_from(depth.unwrap_or(1).max(1)).unwrap_or(u32::MAX),
                ..JobItem::pending(page.source_uri.clone())
            }));
        }
        run.settle(new).await?;
        self.visit_root(run, &site, &mut frontier).await?;
        self.discover_pages(run, &site, &mut frontier).await?;
        self.visit_all(run, &site, &mut frontier).await?;
        run.note("left", frontier.left());
        if frontier.left() > 0 {
            run.warn(format!(
                "{} more pages were found than max_pages={} allows; a recrawl with more goes on",
                frontier.left(),
                plan.pages_max
            ));
        }
        Ok(())
    }

    /// Sees to the root before everything else: when it cannot be had, the
    /// crawl fails and nothing has changed.
    async fn visit_root(
        &self,
        run: &JobRun,
        site: &Site<'_>,
        frontier: &mut Frontier,
    ) -> Result<(), Error> {
        let Some(root) = frontier.take_root() else {
            return Ok(());
        };
        let visit = site.visit(root).await?;
        if let Some(moved_to) = &visit.moved_to {
            site.move_to(moved_to)?;
        }
        if visit.item.state == ItemState::Failed {
            let error = visit.error.expect("what failed has an error");
            run.settle(vec![visit.item]).await?;
            return Err(error);
        }
        self.settle_visit(run, site, frontier, visit).await
    }

    /// Adds the pages that sitemaps and llms.txt name below the root, once.
    async fn discover_pages(
        &self,
        run: &JobRun,
        site: &Site<'_>,
        frontier: &mut Frontier,
    ) -> Result<(), Error> {
        let plan = site.plan;
        if !plan.follow_links || plan.depth_max == 0 || run.noted("discovered").is_some() {
            return Ok(());
        }
        let root = site.root();
        let found = match discover(&self.options.web.fetcher, root, DISCOVERED_MAX).await {
            Ok(found) => found,
            Err(error) => {
                // The root was reached, so there is something to follow.
                run.warn(format!("sitemaps and llms.txt could not be read: {error}"));
                return Ok(());
            }
        };
        let offered = found.llms_txt.iter().flat_map(|llms| llms.links.iter());
        let listed = found.urls.iter().map(|page| &page.url);
        let mut new = Vec::new();
        for url in offered.chain(listed) {
            if site.scope().is_below_root(url) && site.scope().admits(url).is_ok() {
                new.extend(frontier.add(JobItem {
                    depth: 1,
                    ..JobItem::pending(canonical(url).to_string())
                }));
            }
        }
        for warning in found.warnings {
            run.warn(warning);
        }
        run.settle(new).await?;
        run.note("discovered", true);
        Ok(())
    }

    async fn visit_all(
        &self,
        run: &JobRun,
        site: &Site<'_>,
        frontier: &mut Frontier,
    ) -> Result<(), Error> {
        let mut visits = FuturesUnordered::new();
        let mut ended = VecDeque::new();
        let mut unreached = 0;
        loop {
            while visits.len() + ended.len() < VISITS_AT_ONCE
                && let Some(item) = frontier.next()
            {
                visits.push(site.visit(item));
            }
            let next = match ended.pop_front() {
                Some(visit) => Some(visit),
                None => visits.next().await,
            };
            let Some(visit) = next else {
                return Ok(());
            };
            let visit = visit?;
            unreached = if visit.unreached { unreached + 1 } else { 0 };
            let error = visit.error.as_ref().map(ToString::to_string);
            let settling = self.settle_visit(run, site, frontier, visit);
            while_others_go_on(settling, &mut visits, &mut ended).await?;
            if unreached >= UNREACHED_MAX {
                let message = format!(
                    "the site cannot be reached any more: {}",
                    error.unwrap_or_default()
                );
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
        }
    }

    /// Writes down what became of a page, together with the pages it brought.
    async fn settle_visit(
        &self,
        run: &JobRun,
        site: &Site<'_>,
        frontier: &mut Frontier,
        visit: Visit,
    ) -> Result<(), Error> {
        let Visit {
            item,
            links,
            moved_to,
            ..
        } = visit;
        let depth = item.depth + 1;
        let parent = item.name.clone();
        let mut settled = vec![item];
        if let Some(url) = moved_to.filter(|_| settled[0].state == ItemState::Skipped) {
            settled.extend(frontier.add(JobItem {
                depth: settled[0].depth,
                parent: settled[0].parent.clone(),
                ..JobItem::pending(url.to_string())
            }));
        }
        if site.plan.follow_links && depth <= site.plan.depth_max {
            for link in links {
                if site.scope().admits(&link).is_ok() {
                    settled.extend(frontier.add(JobItem {
                        depth,
                        parent: Some(parent.clone()),
                        ..JobItem::pending(canonical(&link).to_string())
                    }));
                }
            }
        }
        run.settle(settled).await
    }
}

/// The documents that crawls of a root have put into a collection.
fn pages_of(collection: &CollectionInfo, root: &str) -> Filter {
    let mut metadata = Metadata::new();
    metadata.insert("crawl_root_url".to_owned(), Value::from(root));
    Filter {
        collections: vec![collection.collection.name.clone()],
        metadata,
    }
}

/// Whether a request goes on with an earlier crawl: one that is under way, or a
/// first one that was stopped.
fn goes_on(last: &Job, new: &NewJob, request: &IngestUrl) -> bool {
    let stopped = last.state != JobState::Done && request.mode == CrawlMode::Crawl;
    last.new.key == new.key && (stopped || !last.state.is_final())
}

fn nothing_to_retry(request: &IngestUrl) -> Error {
    let message = format!(
        "`{}` has never been crawled into collection `{}`",
        request.url, request.collection_name
    );
    Error::new(ErrorKind::NotFound, message).hint("leave retry_failed out")
}

fn reply(mode: CrawlMode, job: &Job, report: Report) -> UrlIngested {
    let counts = report.counts;
    let outcomes = |listed: Vec<(String, String)>| {
        let outcome = |(url, error)| PageOutcome { url, error };
        listed.into_iter().map(outcome).collect()
    };
    UrlIngested {
        job_id: job.id.to_string(),
        status: status(job.state),
        mode,
        collection_name: job.new.collection.to_string(),
        pages_crawled: counts.done(),
        pages_ingested: counts.ingested,
        pages_unchanged: counts.unchanged,
        pages_skipped: counts.skipped,
        pages_failed: counts.failed,
        pages_pending: counts.pending,
        old_pages_deleted: counts.removed,
        total_chunks: counts.chunks,
        crawl_metadata: CrawlMetadata {
            crawl_root_url: job.new.subject.clone(),
            crawl_session_id: job.id.to_string(),
            crawl_timestamp: job.new.created_at.to_string(),
        },
        skipped_pages: outcomes(report.skipped),
        failed_pages: outcomes(report.failed),
        warnings: report.warnings,
        document_ids: report.document_ids,
    }
}

/// The address in `text`, in its canonical form.
pub(super) fn address(text: &str) -> Result<Url, Error> {
    let text = text.trim();
    let wrong = |why: &str| {
        Error::invalid(format!("`{text}` is not a web address: {why}"))
            .hint("write it whole, such as https://example.org/docs/")
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(canonical(&url)),
        _ => Err(wrong("it is neither http nor https")),
    }
}
