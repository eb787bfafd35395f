//! `rag export`: everything into one file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rag_memory::api::Exported;

use super::context::Context;
use super::output::{bytes, counted};
use super::progress::Bar;

/// Where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag export backup.rag
  rag export --force nightly.rag

The file holds every collection, document, chunk, vector and crawl, compressed and with a
checksum. `rag import` puts it into any store.")]
pub(super) struct ExportArgs {
    /// The file to write
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(context: &Context, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let memory = context.memory()?;
    let bar = Bar::new(&memory);
    let exported = memory.export(&args.file, args.force, &bar.watch()).await;
    drop(bar);
    context.show(&exported?, human)
}

fn human(exported: &Exported) -> String {
    format!(
        "wrote {} ({}): {} in {}, {}, {}",
        exported.path,
        bytes(exported.bytes),
        counted(exported.documents, "document"),
        counted(exported.collections, "collection"),
        counted(exported.chunks, "chunk"),
        counted(exported.jobs, "job"),
    )
}
