//! `rag ingest file`: one document, or an archive of them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rag_memory::api::{FileIngested, IngestDirectory, IngestFile};
use rag_memory::{Error, ErrorKind};
use rag_source::{ExtractError, SourceError, read_file};

use super::Common;
use super::directory::{directory, show};
use super::text::stored;
use crate::cli::context::Context;
use crate::cli::output::warnings;

/// A file and where it goes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag ingest file README.md --collection notes --metadata '{\"team\": \"core\"}'
  rag ingest file handbook.pdf --collection notes --reingest
  rag ingest file export.zip --collection notes")]
pub(in crate::cli) struct FileArgs {
    /// The file
    path: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(context: &Context, args: FileArgs) -> anyhow::Result<ExitCode> {
    let FileArgs { path, common } = args;
    let request = IngestFile {
        file_path: path.display().to_string(),
        metadata: common.metadata()?,
        include_chunk_ids: false,
        mode: common.mode(),
        collection_name: common.collection.clone(),
    };
    let memory = context.memory_reading_path(&path)?;
    match memory.ingest_file(request).await {
        Ok(ingested) => context.show(&ingested, human),
        Err(error) if is_archive(&error, &path) => {
            let request = IngestDirectory {
                file_extensions: vec!["*".to_owned()],
                recursive: true,
                metadata: common.metadata()?,
                mode: common.mode(),
                ..IngestDirectory::new(path.display().to_string(), common.collection)
            };
            let ingested = directory(&memory, request).await?;
            show(context, &ingested)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a file was refused since it holds others, which is seen before
/// anything of it is read.
fn is_archive(error: &Error, path: &Path) -> bool {
    let archive = |error| {
        let source = ExtractError::Archive;
        matches!(error, SourceError::Extract { source: found, .. } if found == source)
    };
    error.kind() == ErrorKind::Invalid && read_file(path, 1).is_err_and(archive)
}

fn human(ingested: &FileIngested) -> String {
    let line = stored(
        ingested.status,
        &ingested.source_document_id,
        ingested.num_chunks,
    );
    format!("{line}{}", warnings(&ingested.warnings))
}
