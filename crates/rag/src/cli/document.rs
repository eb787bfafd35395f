//! `rag document`.

use std::process::ExitCode;

use clap::Subcommand;
use rag_memory::Error;
use rag_memory::api::{
    ChunkItem, DeleteDocument, DocumentList, DocumentView, GetDocument, ListDocuments,
    UpdateDocument,
};

use super::ask::{json_object, text_or_stdin};
use super::context::Context;
use super::output::{bytes, confirmed, counted, fields, table};

/// What can be done with documents.
#[derive(Debug, Subcommand)]
pub(super) enum DocumentCommand {
    /// List documents, last updated first
    List {
        /// Only those of this collection
        #[arg(short, long, value_name = "NAME")]
        collection: Option<String>,
        /// Page size, 1 to 200
        #[arg(short, long, default_value_t = 50, allow_negative_numbers = true)]
        limit: i64,
        /// Documents to skip
        #[arg(short, long, default_value_t = 0, allow_negative_numbers = true)]
        offset: i64,
    },
    /// Show a document
    View {
        /// Its id
        id: String,
        /// Show its chunks
        #[arg(long)]
        show_chunks: bool,
        /// Show its text
        #[arg(long)]
        show_content: bool,
        /// The first character to show
        #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
        offset: i64,
        /// The most characters to show
        #[arg(long, default_value_t = 100_000, allow_negative_numbers = true)]
        max_chars: i64,
    },
    /// Change a document's text, title or metadata
    #[command(
        after_help = "Example:\n  rag document update 0f3k9w2m7q1zt --metadata '{\"reviewed\": true, \"draft\": null}'"
    )]
    Update {
        /// Its id
        id: String,
        /// The new text; `-` reads standard input
        #[arg(long)]
        content: Option<String>,
        /// The new title
        #[arg(long)]
        title: Option<String>,
        /// Keys to set, as a JSON object; null removes one
        #[arg(long, value_name = "JSON")]
        metadata: Option<String>,
    },
    /// Delete a document
    Delete {
        /// Its id
        id: String,
        /// Do not ask
        #[arg(short, long, alias = "confirm")]
        yes: bool,
    },
}

pub(super) async fn run(context: &Context, command: DocumentCommand) -> anyhow::Result<ExitCode> {
    match command {
        DocumentCommand::List {
            collection,
            limit,
            offset,
        } => {
            let request = ListDocuments {
                collection_name: collection,
                limit,
                offset,
                include_details: true,
            };
            context.show(&context.memory()?.list_documents(request).await?, list)
        }
        DocumentCommand::View {
            id,
            show_chunks,
            show_content,
            offset,
            max_chars,
        } => {
            let request = GetDocument {
                include_chunks: show_chunks,
                offset,
                max_chars,
                ..GetDocument::new(id)
            };
            let document = context.memory()?.get_document(request).await?;
            context.show(&document, |document| view(document, show_content))
        }
        DocumentCommand::Update {
            id,
            content,
            title,
            metadata,
        } => {
            let request = UpdateDocument {
                document_id: id,
                content: content.map(text_or_stdin).transpose()?,
                title,
                metadata: metadata
                    .map(|text| json_object("--metadata", &text))
                    .transpose()?,
            };
            let updated = context.memory()?.update_document(request).await?;
            context.show(&updated, |updated| {
                let fields = updated.updated_fields.join(", ");
                let chunks = counted(updated.new_chunk_count.into(), "chunk");
                format!(
                    "updated {fields} of document {} ({chunks})",
                    updated.document_id
                )
            })
        }
        DocumentCommand::Delete { id, yes } => delete(context, id, yes).await,
    }
}

async fn delete(context: &Context, id: String, yes: bool) -> anyhow::Result<ExitCode> {
    let memory = context.memory()?;
    let document = memory.get_document(GetDocument::new(id.clone())).await?;
    let title = document.filename;
    if !confirmed(yes, &format!("Delete document {id} (`{title}`)?"))? {
        let message = format!("deleting document `{id}` (`{title}`) was not confirmed");
        return Err(Error::invalid(message)
            .hint("pass --yes; this cannot be undone")
            .into());
    }
    let deleted = memory
        .delete_document(DeleteDocument { document_id: id })
        .await?;
    context.show(&deleted, |deleted| {
        let chunks = counted(deleted.chunks_deleted.into(), "chunk");
        format!("deleted `{}` with {chunks}", deleted.document_title)
    })
}

fn list(list: &DocumentList) -> String {
    let rows: Vec<Vec<String>> = list
        .documents
        .iter()
        .map(|item| {
            vec![
                item.id.clone(),
                item.collection_name.clone(),
                item.file_size.map_or_else(String::new, bytes),
                item.chunk_count.to_string(),
                item.updated_at.clone().unwrap_or_default(),
                item.filename.clone(),
            ]
        })
        .collect();
    let shown = format!("{} of {} documents", list.returned_count, list.total_count);
    match rows.is_empty() {
        true => shown,
        false => {
            let heading = ["ID", "COLLECTION", "SIZE", "CHUNKS", "UPDATED", "TITLE"];
            format!("{}\n{shown}", table(&heading, &rows))
        }
    }
}

fn view(document: &DocumentView, show_content: bool) -> String {
    let metadata = serde_json::Value::Object(document.metadata.clone()).to_string();
    let mut text = fields(&[
        ("id", document.id.clone()),
        ("title", document.filename.clone()),
        ("collection", document.collection_name.clone()),
        ("source", document.source_uri.clone()),
        ("type", document.file_type.clone()),
        ("size", bytes(document.file_size)),
        ("created", document.created_at.clone()),
        ("updated", document.updated_at.clone()),
        ("metadata", metadata),
    ]);
    for chunk in document.chunks.iter().flatten() {
        let ChunkItem {
            chunk_id,
            char_start,
            char_end,
            heading_path,
            ..
        } = chunk;
        let heading = heading_path.join(" > ");
        text += &format!(
            "\n\n{chunk_id}  {char_start}-{char_end}  {heading}\n{}",
            chunk.content
        );
    }
    if show_content {
        text += &format!("\n\n{}", document.content);
        if let Some(next) = document.next_offset {
            let total = document.total_chars;
            text += &format!("\n\n({total} characters in all; go on with --offset {next})");
        }
    }
    text
}
