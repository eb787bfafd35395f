//! `rag ingest github`.

use std::process::ExitCode;

use clap::Args;
use rag_memory::api::{IngestRepository, RepositoryIngested};

use super::directory::files;
use crate::cli::context::Context;
use crate::cli::outcome::{exit_code, next_step};
use crate::cli::output::{counted, warnings};
use crate::cli::progress::Bar;

/// A repository, which files of it, and where they go.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag ingest github rust-lang/book/src --collection rust
  rag ingest github owner/repo@v1.2.0 -c lib --include '**/*.md' --exclude 'archive/**'

A second run fetches only when there is a new commit, and puts in only the files it changed.
`rag collection status` tells how far behind a collection is. Private repositories, and more
than 60 requests an hour, need GITHUB_TOKEN; GITHUB_API_URL names another server.")]
pub(in crate::cli) struct GithubArgs {
    /// owner/repo, with the folder and the branch, tag or commit: owner/repo[/path][@ref]
    repository: String,
    /// The collection to put it into
    #[arg(short, long, value_name = "NAME")]
    collection: String,
    /// Only paths that match; without it, documents; may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No paths that match; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// A JSON object to keep with each file
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
}

pub(super) async fn run(context: &Context, args: GithubArgs) -> anyhow::Result<ExitCode> {
    let request = IngestRepository {
        include: args.include,
        exclude: args.exclude,
        metadata: super::metadata(args.metadata.as_deref())?,
        ..IngestRepository::new(args.repository, args.collection)
    };
    let memory = context.memory()?;
    let bar = Bar::new(&memory);
    let ingested = memory.ingest_repository(request, &bar.watch()).await;
    drop(bar);
    let ingested = ingested?;
    context.show(&ingested, human)?;
    Ok(exit_code(ingested.status, ingested.files_failed))
}

fn human(ingested: &RepositoryIngested) -> String {
    let commit = ingested.source_commit.as_deref().unwrap_or("no commit yet");
    let mut text = format!("{} at {commit}: ", ingested.repository);
    if ingested.up_to_date {
        text += "up to date, nothing fetched";
        return text + &warnings(&ingested.warnings);
    }
    text += &format!(
        "{} found: {} ingested ({}), {} unchanged, {} skipped, {} failed",
        counted(ingested.files_found, "file"),
        ingested.files_ingested,
        counted(ingested.total_chunks, "chunk"),
        ingested.files_unchanged,
        ingested.files_skipped,
        ingested.files_failed,
    );
    if ingested.files_removed > 0 {
        text += &format!(", {} removed", ingested.files_removed);
    }
    text += &files("skipped", &ingested.skipped_files, ingested.files_skipped);
    text += &files("failed", &ingested.failed_files, ingested.files_failed);
    text += &warnings(&ingested.warnings);
    text + &next_step(ingested.status, ingested.files_failed, &ingested.job_id)
}
