//! `rag ingest`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rag_memory::Memory;
use rag_memory::api::{
    DOCUMENT_EXTENSIONS, DirectoryIngested, FileOutcome, IngestDirectory, IngestFile, IngestMode,
    IngestStatus, IngestText, Object,
};

use super::ask::{json_object, text_or_stdin};
use super::context::Context;
use super::output::{counted, warnings};
use super::progress::Bar;

/// What can be put in.
#[derive(Debug, Subcommand)]
pub(super) enum IngestCommand {
    /// Put a text in
    #[command(
        after_help = "Examples:\n  rag ingest text \"We ship on Fridays.\" --collection notes\n  pbpaste | rag ingest text - --collection notes --title \"From the clipboard\""
    )]
    Text {
        /// The text; `-` reads standard input
        text: String,
        /// What to call it; else its first heading or line
        #[arg(long)]
        title: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Put a file in
    #[command(
        after_help = "Example:\n  rag ingest file README.md --collection notes --metadata '{\"team\": \"core\"}'"
    )]
    File {
        /// The file
        path: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Put the files of a directory in
    #[command(
        after_help = "Examples:\n  rag ingest directory docs --collection docs --recursive\n  rag ingest directory src --collection code --extensions .rs,.toml --recursive --reingest"
    )]
    Directory {
        /// The directory
        path: PathBuf,
        /// Extensions, separated by commas; `*` for every text file
        #[arg(long, value_delimiter = ',', default_values = DOCUMENT_EXTENSIONS)]
        extensions: Vec<String>,
        /// Enter sub-directories
        #[arg(short, long)]
        recursive: bool,
        #[command(flatten)]
        common: Common,
    },
}

/// Options of everything that is put in.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The collection to put it into
    #[arg(short, long, value_name = "NAME")]
    collection: String,
    /// A JSON object to keep with it
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// Replace what is there already
    #[arg(long)]
    reingest: bool,
}

impl Common {
    fn metadata(&self) -> anyhow::Result<Object> {
        let metadata = self
            .metadata
            .as_deref()
            .map(|text| json_object("--metadata", text));
        Ok(metadata.transpose()?.unwrap_or_default())
    }

    fn mode(&self) -> IngestMode {
        if self.reingest {
            IngestMode::Reingest
        } else {
            IngestMode::Ingest
        }
    }
}

pub(super) async fn run(context: &Context, command: IngestCommand) -> anyhow::Result<ExitCode> {
    match command {
        IngestCommand::Text {
            text,
            title,
            common,
        } => text_in(context, text, title, common).await,
        IngestCommand::File { path, common } => file(context, &path, common).await,
        IngestCommand::Directory {
            path,
            extensions,
            recursive,
            common,
        } => {
            let request = IngestDirectory {
                file_extensions: extensions,
                recursive,
                metadata: common.metadata()?,
                mode: common.mode(),
                ..IngestDirectory::new(path.display().to_string(), common.collection)
            };
            let ingested = directory(&context.memory_reading_path(&path)?, request).await?;
            let failed = ingested.files_failed > 0;
            context.show(&ingested, human)?;
            Ok(if failed {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

async fn text_in(
    context: &Context,
    text: String,
    title: Option<String>,
    common: Common,
) -> anyhow::Result<ExitCode> {
    let request = IngestText {
        content: text_or_stdin(text)?,
        document_title: title,
        metadata: common.metadata()?,
        include_chunk_ids: false,
        mode: common.mode(),
        collection_name: common.collection,
    };
    let ingested = context.memory()?.ingest_text(request).await?;
    context.show(&ingested, |ingested| {
        stored(
            ingested.status,
            &ingested.source_document_id,
            ingested.num_chunks,
        )
    })
}

async fn file(context: &Context, path: &Path, common: Common) -> anyhow::Result<ExitCode> {
    let request = IngestFile {
        file_path: path.display().to_string(),
        metadata: common.metadata()?,
        include_chunk_ids: false,
        mode: common.mode(),
        collection_name: common.collection,
    };
    let ingested = context
        .memory_reading_path(path)?
        .ingest_file(request)
        .await?;
    context.show(&ingested, |ingested| {
        let line = stored(
            ingested.status,
            &ingested.source_document_id,
            ingested.num_chunks,
        );
        format!("{line}{}", warnings(&ingested.warnings))
    })
}

/// Puts a directory in, with a bar on a terminal.
pub(super) async fn directory(
    memory: &Memory,
    request: IngestDirectory,
) -> anyhow::Result<DirectoryIngested> {
    let bar = Bar::new();
    Ok(memory.ingest_directory(request, &bar.watch()).await?)
}

fn stored(status: IngestStatus, id: &str, chunks: u32) -> String {
    let what = match status {
        IngestStatus::Ingested => "ingested",
        IngestStatus::Replaced => "replaced",
        IngestStatus::Unchanged => "unchanged",
    };
    format!("{what} document {id} ({})", counted(chunks.into(), "chunk"))
}

fn human(ingested: &DirectoryIngested) -> String {
    let mut text = format!(
        "{} found: {} ingested ({}), {} unchanged, {} skipped, {} failed",
        counted(ingested.files_found as u64, "file"),
        ingested.files_ingested,
        counted(ingested.total_chunks, "chunk"),
        ingested.files_unchanged,
        ingested.files_skipped,
        ingested.files_failed,
    );
    let listed = |what: &str, files: &[FileOutcome]| {
        let line = |file: &FileOutcome| format!("\n{what} {}: {}", file.filename, file.error);
        files.iter().map(line).collect::<String>()
    };
    text += &listed("skipped", &ingested.skipped_files);
    text += &listed("failed", &ingested.failed_files);
    text + &warnings(&ingested.warnings)
}
