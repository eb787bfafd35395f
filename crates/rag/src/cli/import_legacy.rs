//! `rag import-legacy`: takes over the memory of the first prior system.

use std::process::ExitCode;

use clap::Args;
use rag_memory::api::{ImportLegacy, IngestMode, JobStatus, LegacyImported, LegacyOutcome};

use super::context::Context;
use super::outcome::exit_code;
use super::output::counted;
use super::progress::Bar;
use crate::open;

/// Where the earlier memory is, and what of it to take.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag import-legacy postgres://raguser@localhost:54320/rag_memory --dry-run
  rag import-legacy postgres://raguser@localhost:54320/rag_memory
  rag import-legacy postgres://raguser@localhost:54320/rag_memory --collection docs --orphans rest

It reads the PostgreSQL database of the Python program and changes nothing in it. A password may
be left out of the address and given in PGPASSWORD or ~/.pgpass. With --embedding
text-embedding-3-small, the model used there, vectors are kept; with any other, all is embedded
anew. Run it again to go on where it was stopped: what is in already stays as it is.")]
pub(super) struct ImportLegacyArgs {
    /// The database, such as postgres://user@host:5432/name
    url: String,
    /// Only this collection, by its name there; may be repeated
    #[arg(short, long = "collection", value_name = "OLD")]
    collections: Vec<String>,
    /// The collection here for documents that are in none there
    #[arg(long, value_name = "NAME")]
    orphans: Option<String>,
    /// Replace what is here with other content
    #[arg(long)]
    reingest: bool,
    /// Change nothing, tell what would be done
    #[arg(long)]
    dry_run: bool,
    /// What its times are in, such as Europe/Berlin, if the server's zone was changed
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

pub(super) async fn run(context: &Context, args: ImportLegacyArgs) -> anyhow::Result<ExitCode> {
    let memory = context.memory()?;
    let source = open::legacy(&args.url, args.time_zone.as_deref()).await?;
    let request = ImportLegacy {
        collections: args.collections,
        orphans: args.orphans,
        mode: match args.reingest {
            true => IngestMode::Reingest,
            false => IngestMode::Ingest,
        },
        dry_run: args.dry_run,
    };
    let bar = Bar::new(&memory);
    let imported = memory.import_legacy(&source, request, &bar.watch()).await?;
    drop(bar);
    context.show(&imported, human)?;
    Ok(exit_code(imported.status, imported.documents_failed))
}

fn human(imported: &LegacyImported) -> String {
    let mut text = String::new();
    if imported.dry_run {
        text += "nothing was changed; this is what would be done\n";
    }
    let anew = imported.documents_ingested - imported.vectors_kept;
    text += &format!(
        "{} of {}: {} ingested ({} with their vectors, {anew} embedded anew), {} unchanged, {} skipped, {} failed",
        counted(imported.documents_found, "document"),
        imported.location,
        imported.documents_ingested,
        imported.vectors_kept,
        imported.documents_unchanged,
        imported.documents_skipped,
        imported.documents_failed,
    );
    for place in &imported.collections {
        let name = &place.collection_name;
        let whose = match &place.legacy_name {
            Some(theirs) if theirs == name => String::new(),
            Some(theirs) => format!(", there called {theirs:?}"),
            None => ", for documents of no collection".to_owned(),
        };
        let new = if place.created { " (new)" } else { "" };
        text += &format!("\ncollection {name}{new}{whose}");
    }
    text += &format!("\ntimes were taken to be in {}", imported.time_zone);
    text += &listed(
        "skipped",
        &imported.skipped_documents,
        imported.documents_skipped,
    );
    text += &listed(
        "failed",
        &imported.failed_documents,
        imported.documents_failed,
    );
    if imported.status == JobStatus::Cancelled {
        text += "\ncancelled; what is done stays, the same command goes on with the rest";
    }
    text
}

/// Documents that were not put in, one a line.
fn listed(what: &str, documents: &[LegacyOutcome], count: u64) -> String {
    let mut text = String::new();
    for document in documents {
        let place = document.collection_name.as_ref();
        let place = place.map_or_else(String::new, |name| format!(" in {name}"));
        text += &format!(
            "\n{what} {} {:?}{place}: {}",
            document.legacy_id, document.title, document.error
        );
    }
    let more = count - documents.len() as u64;
    if more > 0 {
        text += &format!("\n{what} … and {more} more");
    }
    text
}
