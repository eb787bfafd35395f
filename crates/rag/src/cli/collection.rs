//! `rag collection`.

use std::process::ExitCode;

use clap::Subcommand;
use rag_memory::api::{
    CollectionDetails, CollectionList, CreateCollection, DeleteCollection, GetCollectionInfo,
    GetIndexStatus, IndexStatus, SourceStatus, UpdateCollectionDescription,
};

use super::ask::json_object;
use super::context::Context;
use super::job;
use super::output::{confirmed, counted, fields, table};

/// What can be done with collections.
#[derive(Debug, Subcommand)]
pub(super) enum CollectionCommand {
    /// Make a collection
    #[command(
        after_help = "Example:\n  rag collection create notes --description \"Meeting notes of the team\""
    )]
    Create {
        /// Its name: 1-64 of a-z, 0-9, _ and -
        name: String,
        /// What it holds, for the agents that choose where to search
        #[arg(long, value_name = "TEXT")]
        description: String,
        /// What metadata its documents have, as a JSON object
        #[arg(long, value_name = "JSON")]
        metadata_schema: Option<String>,
    },
    /// List all collections
    List,
    /// All about one collection
    Info {
        /// The collection
        name: String,
    },
    /// How current a collection's web sites, directories and repositories are
    Status {
        /// The collection
        name: String,
    },
    /// Change a collection's description
    Update {
        /// The collection
        name: String,
        /// What it holds
        #[arg(long, value_name = "TEXT")]
        description: String,
    },
    /// Delete a collection with its documents
    Delete {
        /// The collection
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

pub(super) async fn run(context: &Context, command: CollectionCommand) -> anyhow::Result<ExitCode> {
    let memory = context.memory()?;
    match command {
        CollectionCommand::Create {
            name,
            description,
            metadata_schema,
        } => {
            let metadata_schema = metadata_schema
                .map(|text| json_object("--metadata-schema", &text))
                .transpose()?;
            let request = CreateCollection {
                name,
                description,
                metadata_schema,
            };
            let created = memory.create_collection(request).await?;
            context.show(&created, |created| {
                format!("created collection `{}`", created.name)
            })
        }
        CollectionCommand::List => context.show(&memory.list_collections().await?, list),
        CollectionCommand::Info { name } => {
            let request = GetCollectionInfo {
                collection_name: name,
            };
            context.show(&memory.collection_info(request).await?, info)
        }
        CollectionCommand::Status { name } => {
            let request = GetIndexStatus {
                collection_name: name,
            };
            context.show(&memory.get_index_status(request).await?, status)
        }
        CollectionCommand::Update { name, description } => {
            let request = UpdateCollectionDescription { name, description };
            let updated = memory.update_collection_description(request).await?;
            context.show(&updated, |updated| {
                format!("updated collection `{}`", updated.name)
            })
        }
        CollectionCommand::Delete { name, yes } => {
            let known = memory
                .collection_info(GetCollectionInfo {
                    collection_name: name.clone(),
                })
                .await?;
            let documents = counted(known.document_count, "document");
            let question = format!("Delete collection `{name}` with its {documents}?");
            let confirm = confirmed(yes, &question)?;
            let deleted = memory
                .delete_collection(DeleteCollection { name, confirm })
                .await
                .map_err(|error| match confirm {
                    true => error,
                    false => error.hint("pass --yes; this cannot be undone"),
                })?;
            context.show(&deleted, |deleted| {
                let documents = counted(deleted.documents_deleted, "document");
                format!("deleted collection `{}` with {documents}", deleted.name)
            })
        }
    }
}

fn list(list: &CollectionList) -> String {
    if list.collections.is_empty() {
        return "there are no collections yet; `rag collection create --help` shows how".to_owned();
    }
    let rows: Vec<Vec<String>> = list
        .collections
        .iter()
        .map(|item| {
            let (documents, chunks) = (
                item.document_count.to_string(),
                item.chunk_count.to_string(),
            );
            vec![
                item.name.clone(),
                documents,
                chunks,
                item.created_at.clone(),
                item.description.clone(),
            ]
        })
        .collect();
    table(
        &["NAME", "DOCUMENTS", "CHUNKS", "CREATED", "DESCRIPTION"],
        &rows,
    )
}

fn info(info: &CollectionDetails) -> String {
    let crawled = info.crawled_urls.iter();
    let crawled: Vec<String> = crawled
        .map(|crawl| format!("{} ({})", crawl.url, counted(crawl.page_count, "page")))
        .collect();
    fields(&[
        ("name", info.name.clone()),
        ("description", info.description.clone()),
        ("documents", info.document_count.to_string()),
        ("chunks", info.chunk_count.to_string()),
        ("created", info.created_at.clone()),
        (
            "embedding",
            format!(
                "{} ({} dimensions)",
                info.embedding_model, info.embedding_dimensions
            ),
        ),
        ("latest", info.sample_documents.join(", ")),
        ("crawled", crawled.join(", ")),
    ])
}

fn status(status: &IndexStatus) -> String {
    let synced = |time: &Option<String>| time.clone().unwrap_or_else(|| "never".to_owned());
    let mut text = fields(&[
        ("name", status.collection_name.clone()),
        ("documents", status.total_docs.to_string()),
        ("chunks", status.total_chunks.to_string()),
        ("last sync", synced(&status.last_sync_time)),
    ]);
    if status.sources.is_empty() {
        return text + "\n\nno web site, directory or repository was put in";
    }
    let row = |source: &SourceStatus| {
        let commit = source.source_commit.as_deref().unwrap_or_default();
        vec![
            source.kind.clone(),
            job::name(source.status).to_owned(),
            synced(&source.last_sync_time),
            commit.get(..7).unwrap_or(commit).to_owned(),
            source
                .commits_behind
                .map(|count| count.to_string())
                .unwrap_or_default(),
            source.job_id.clone(),
            source.subject.clone(),
        ]
    };
    let rows: Vec<_> = status.sources.iter().map(row).collect();
    let heading = [
        "KIND",
        "JOB",
        "LAST SYNC",
        "COMMIT",
        "BEHIND",
        "JOB ID",
        "SOURCE",
    ];
    text += &format!("\n\n{}", table(&heading, &rows));
    for source in &status.sources {
        if let Some(warning) = &source.stale_warning {
            text += &format!("\n{}: {warning}", source.subject);
        }
    }
    text
}
