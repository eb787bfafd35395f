//! `rag ingest directory`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rag_memory::Memory;
use rag_memory::api::{DOCUMENT_EXTENSIONS, DirectoryIngested, FileOutcome, IngestDirectory};

use super::Common;
use crate::cli::context::Context;
use crate::cli::outcome::{exit_code, listed, next_step};
use crate::cli::output::{counted, warnings};
use crate::cli::progress::Bar;

/// A directory, which files of it, and where they go.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag ingest directory docs --collection docs --recursive
  rag ingest directory papers --collection papers --extensions .pdf,.docx
  rag ingest directory src --collection code --extensions '*' --recursive --exclude 'tests/**'

Only text that is meant for reading is taken unless --extensions says otherwise, and nothing
that .gitignore leaves out. A second run puts in only what is new; with --reingest it replaces
what changed and drops what is gone.")]
pub(in crate::cli) struct DirectoryArgs {
    /// The directory
    path: PathBuf,
    /// Extensions, separated by commas; `*` for every file that can be read
    #[arg(long, value_delimiter = ',', default_values = DOCUMENT_EXTENSIONS)]
    extensions: Vec<String>,
    /// Enter sub-directories
    #[arg(short, long)]
    recursive: bool,
    /// Only paths that match, such as `guide/**`; may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No paths that match; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(context: &Context, args: DirectoryArgs) -> anyhow::Result<ExitCode> {
    let DirectoryArgs { path, common, .. } = args;
    let request = IngestDirectory {
        file_extensions: args.extensions,
        recursive: args.recursive,
        include: args.include,
        exclude: args.exclude,
        metadata: common.metadata()?,
        mode: common.mode(),
        ..IngestDirectory::new(path.display().to_string(), common.collection)
    };
    let ingested = directory(&context.memory_reading_path(&path)?, request).await?;
    show(context, &ingested)
}

/// Puts a directory in, with a bar on a terminal.
pub(in crate::cli) async fn directory(
    memory: &Memory,
    request: IngestDirectory,
) -> anyhow::Result<DirectoryIngested> {
    let bar = Bar::new(memory);
    Ok(memory.ingest_directory(request, &bar.watch()).await?)
}

/// Prints what became of a directory.
pub(super) fn show(context: &Context, ingested: &DirectoryIngested) -> anyhow::Result<ExitCode> {
    context.show(ingested, human)?;
    Ok(exit_code(ingested.status, ingested.files_failed))
}

fn human(ingested: &DirectoryIngested) -> String {
    let mut text = format!(
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

/// Files that were not put in, one a line.
pub(in crate::cli) fn files(what: &str, files: &[FileOutcome], count: u64) -> String {
    let items = files
        .iter()
        .map(|file| (file.filename.as_str(), file.error.as_str()));
    listed(what, items, count)
}
