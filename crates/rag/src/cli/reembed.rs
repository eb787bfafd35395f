//! `rag reembed`: collections to the embedding model that is configured.

use std::process::ExitCode;

use clap::Args;
use rag_memory::Memory;
use rag_memory::api::{
    CollectionReembedded, GetCollectionInfo, JobStatus, ReembedCollection, ReembedStep,
};

use super::context::Context;
use super::job;
use super::outcome::{exit_code, next_step};
use super::output::counted;
use super::progress::Bar;

/// Which collections, and which way.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag --embedding text-embedding-3-small reembed docs    move to another model
  rag reembed                                            every collection that has another
  rag reembed docs --undo                                back to the model before
  rag reembed docs --clean                               drop what --undo would go back to

The old model serves until all vectors of the new one are there; then the collection is
switched. What was interrupted goes on where it was. Start servers anew with the new
RAG_EMBEDDING when it is done.")]
pub(super) struct ReembedArgs {
    /// The collections; without any, all that have another model than is configured
    collections: Vec<String>,
    /// Go back to the model that the collection had before
    #[arg(long, requires = "collections", conflicts_with = "clean")]
    undo: bool,
    /// Drop vectors of models that the collection does not use
    #[arg(long, requires = "collections")]
    clean: bool,
}

pub(super) async fn run(context: &Context, args: ReembedArgs) -> anyhow::Result<ExitCode> {
    let step = match (args.undo, args.clean) {
        (true, _) => ReembedStep::Undo,
        (_, true) => ReembedStep::Clean,
        _ => ReembedStep::Run,
    };
    let memory = context.memory()?;
    let names = match args.collections.is_empty() {
        true => of_other_models(&memory).await?,
        false => args.collections,
    };
    let bar = Bar::new(&memory);
    let mut done = Vec::new();
    for name in names {
        let request = ReembedCollection::new(name, step);
        done.push(memory.reembed_collection(request, &bar.watch()).await?);
    }
    drop(bar);
    let failed = done.iter().map(|one| one.documents_failed).sum();
    let stopped = done.iter().find(|one| one.status != JobStatus::Done);
    context.show(&done, |done| human(done))?;
    Ok(exit_code(
        stopped.map_or(JobStatus::Done, |one| one.status),
        failed,
    ))
}

/// The collections of other models than the one that is configured.
async fn of_other_models(memory: &Memory) -> anyhow::Result<Vec<String>> {
    let status = memory.status().await?;
    let mut names = Vec::new();
    for collection in memory.list_collections().await?.collections {
        let request = GetCollectionInfo {
            collection_name: collection.name,
        };
        let info = memory.collection_info(request).await?;
        let is_same = info.embedding_model == status.embedding_model
            && info.embedding_dimensions == status.embedding_dimensions;
        if !is_same {
            names.push(info.name);
        }
    }
    Ok(names)
}

fn human(done: &[CollectionReembedded]) -> String {
    if done.is_empty() {
        return "every collection has the model that is configured".to_owned();
    }
    done.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(done: &CollectionReembedded) -> String {
    let mut text = format!(
        "{}: {} ({} dimensions), {} embedded, {} failed, {}",
        done.collection_name,
        done.embedding_model,
        done.embedding_dimensions,
        counted(done.documents_embedded, "document"),
        done.documents_failed,
        job::name(done.status),
    );
    for failed in &done.failed_documents {
        text += &format!("\nfailed {}: {}", failed.source_uri, failed.error);
    }
    for kept in &done.kept {
        text += &format!(
            "\nkept: vectors of {} ({} dimensions) for {}; --undo goes back to them, --clean drops them",
            kept.embedding_model,
            kept.embedding_dimensions,
            counted(kept.documents, "document"),
        );
    }
    match &done.job_id {
        Some(job) => text + &next_step(done.status, done.documents_failed, job),
        None => text,
    }
}
