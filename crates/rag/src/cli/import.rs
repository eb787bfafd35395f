//! `rag import`: everything out of a file that `rag export` wrote.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rag_memory::api::Imported;

use super::context::Context;
use super::output::counted;
use super::progress::Bar;

/// Where from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag import backup.rag
  rag --database-url postgres://me@localhost/rag import backup.rag

The whole file is checked before anything is put in. What is there already stays as it is, and
so does what was changed since: run it again after an interruption.")]
pub(super) struct ImportArgs {
    /// The file to read
    file: PathBuf,
}

pub(super) async fn run(context: &Context, args: ImportArgs) -> anyhow::Result<ExitCode> {
    let memory = context.memory()?;
    let bar = Bar::new(&memory);
    let imported = memory.import(&args.file, &bar.watch()).await;
    drop(bar);
    context.show(&imported?, human)
}

/// What was put in, in lines.
pub(super) fn human(imported: &Imported) -> String {
    let mut text = format!(
        "put in {} ({}), {} replaced, {} unchanged",
        counted(imported.documents_imported, "document"),
        counted(imported.chunks, "chunk"),
        imported.documents_replaced,
        imported.documents_unchanged,
    );
    if imported.documents_newer_here > 0 {
        text += &format!(", {} left since newer here", imported.documents_newer_here);
    }
    text += &format!(
        "\n{} made, {} there before; {} put in, {} there before",
        counted(imported.collections_created, "collection"),
        imported.collections_found,
        counted(imported.jobs_imported, "job"),
        imported.jobs_unchanged,
    );
    text
}
