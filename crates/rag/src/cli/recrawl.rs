//! `rag recrawl`: brings an earlier crawl up to date.

use std::process::ExitCode;

use clap::Args;

use super::context::Context;
use super::ingest::{self, PageArgs};

/// What was crawled before, and how.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  rag recrawl https://docs.example.org/ -c docs --follow-links --max-depth 3

Only pages that changed are put in again, and only those are removed that the site answers 404
or 410 for. When the site cannot be reached, everything stays as it was.")]
pub(super) struct RecrawlArgs {
    #[command(flatten)]
    page: PageArgs,
}

pub(super) async fn run(context: &Context, args: RecrawlArgs) -> anyhow::Result<ExitCode> {
    ingest::recrawl(context, args.page).await
}
