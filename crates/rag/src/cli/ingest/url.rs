//! `rag ingest url` and `rag recrawl`: pages and sites.

use std::process::ExitCode;

use clap::Args;
use rag_memory::api::{CrawlMode, IngestUrl, PAGES_DEFAULT, PageOutcome, Render, UrlIngested};

use crate::cli::ask::named;
use crate::cli::context::Context;
use crate::cli::outcome::{exit_code, listed, next_step};
use crate::cli::output::{counted, warnings};
use crate::cli::progress::Bar;

/// A page or site and where it goes, new or anew.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag ingest url https://docs.example.org/guide/ --collection docs
  rag ingest url https://docs.example.org/ -c docs --follow-links --max-depth 3 --include '/guide/**'
  rag ingest url https://app.example.org/ -c docs --render always --selector main

`rag analyze` tells what a site has. A crawl whose process was killed goes on when it is asked
for again; one that was stopped, by --retry-failed or `rag job retry`.")]
pub(in crate::cli) struct UrlArgs {
    #[command(flatten)]
    page: PageArgs,
    /// Whether an earlier crawl is brought up to date
    #[arg(long, value_name = "MODE", default_value = "crawl",
          value_parser = named::<CrawlMode>(&["crawl", "recrawl"]))]
    mode: CrawlMode,
}

/// A page or site and where it goes.
#[derive(Debug, Args)]
pub(in crate::cli) struct PageArgs {
    /// Where the page is, or the site begins
    url: String,
    /// The collection to put it into
    #[arg(short, long, value_name = "NAME")]
    collection: String,
    /// Put the whole site in, not one page
    #[arg(long)]
    follow_links: bool,
    /// How many links away from the first page, 0 to 10
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        allow_negative_numbers = true
    )]
    max_depth: i64,
    /// How many pages, 1 to 50000
    #[arg(long, value_name = "N", default_value_t = PAGES_DEFAULT, allow_negative_numbers = true)]
    max_pages: i64,
    /// Only pages whose path matches, such as `/guide/**`; may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No pages whose path matches; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Where the content of a page is, if it is not found by itself
    #[arg(long, value_name = "CSS")]
    selector: Option<String>,
    /// When pages are rendered in a browser
    #[arg(long, value_name = "WHEN", default_value = "auto",
          value_parser = named::<Render>(&["auto", "always", "never"]))]
    render: Render,
    /// A JSON object to keep with each page
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// Finish the last crawl of this address: try what failed, go on with what was left
    #[arg(long)]
    retry_failed: bool,
}

pub(super) async fn run(context: &Context, args: UrlArgs) -> anyhow::Result<ExitCode> {
    ingest(context, args.page, args.mode).await
}

/// `rag recrawl`: the same, for what was crawled before.
pub(in crate::cli) async fn recrawl(context: &Context, args: PageArgs) -> anyhow::Result<ExitCode> {
    ingest(context, args, CrawlMode::Recrawl).await
}

async fn ingest(context: &Context, args: PageArgs, mode: CrawlMode) -> anyhow::Result<ExitCode> {
    let request = IngestUrl {
        mode,
        follow_links: args.follow_links,
        max_depth: args.max_depth,
        max_pages: args.max_pages,
        include: args.include,
        exclude: args.exclude,
        selector: args.selector,
        render: args.render,
        metadata: super::metadata(args.metadata.as_deref())?,
        retry_failed: args.retry_failed,
        ..IngestUrl::new(args.url, args.collection)
    };
    let memory = context.memory()?;
    let bar = Bar::new(&memory);
    let ingested = memory.ingest_url(request, &bar.watch()).await;
    drop(bar);
    let ingested = ingested?;
    context.show(&ingested, human)?;
    Ok(exit_code(ingested.status, ingested.pages_failed))
}

fn human(ingested: &UrlIngested) -> String {
    let mut text = format!(
        "{} crawled: {} ingested ({}), {} unchanged, {} skipped, {} failed",
        counted(ingested.pages_crawled, "page"),
        ingested.pages_ingested,
        counted(ingested.total_chunks, "chunk"),
        ingested.pages_unchanged,
        ingested.pages_skipped,
        ingested.pages_failed,
    );
    if ingested.old_pages_deleted > 0 {
        text += &format!(", {} removed", ingested.old_pages_deleted);
    }
    let (skipped, failed) = (ingested.pages_skipped, ingested.pages_failed);
    text += &pages("skipped", &ingested.skipped_pages, skipped);
    text += &pages("failed", &ingested.failed_pages, failed);
    text += &warnings(&ingested.warnings);
    text + &next_step(ingested.status, failed, &ingested.job_id)
}

fn pages(what: &str, pages: &[PageOutcome], count: u64) -> String {
    let items = pages
        .iter()
        .map(|page| (page.url.as_str(), page.error.as_str()));
    listed(what, items, count)
}
