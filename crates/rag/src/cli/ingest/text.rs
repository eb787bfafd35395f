//! `rag ingest text`.

use std::process::ExitCode;

use clap::Args;
use rag_memory::api::{IngestStatus, IngestText};

use super::Common;
use crate::cli::ask::text_or_stdin;
use crate::cli::context::Context;
use crate::cli::output::counted;

/// A text and where it goes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag ingest text \"We ship on Fridays.\" --collection notes
  pbpaste | rag ingest text - --collection notes --title \"From the clipboard\"")]
pub(in crate::cli) struct TextArgs {
    /// The text; `-` reads standard input
    text: String,
    /// What to call it; else its first heading or line
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(context: &Context, args: TextArgs) -> anyhow::Result<ExitCode> {
    let request = IngestText {
        content: text_or_stdin(args.text)?,
        document_title: args.title,
        metadata: args.common.metadata()?,
        include_chunk_ids: false,
        mode: args.common.mode(),
        collection_name: args.common.collection,
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

/// What became of one document, in a line.
pub(super) fn stored(status: IngestStatus, id: &str, chunks: u32) -> String {
    let what = match status {
        IngestStatus::Ingested => "ingested",
        IngestStatus::Replaced => "replaced",
        IngestStatus::Unchanged => "unchanged",
    };
    format!("{what} document {id} ({})", counted(chunks.into(), "chunk"))
}
