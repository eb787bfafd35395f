//! `rag status`.

use std::process::ExitCode;

use rag_memory::api::Status;

use super::context::Context;
use super::output::{bytes, fields};

pub(super) async fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let status = context.memory()?.status().await?;
    context.show(&status, human)
}

/// The status in lines.
pub(super) fn human(status: &Status) -> String {
    let size = status
        .size_bytes
        .map_or_else(|| "unknown".to_owned(), bytes);
    fields(&[
        ("version", status.version.clone()),
        ("store", format!("{} at {}", status.store, status.location)),
        ("collections", status.collections.to_string()),
        ("documents", status.documents.to_string()),
        ("chunks", status.chunks.to_string()),
        ("size", size),
        (
            "embedding",
            format!(
                "{} ({} dimensions)",
                status.embedding_model, status.embedding_dimensions
            ),
        ),
        ("change it", "RAG_EMBEDDING (see `rag config`)".to_owned()),
    ])
}
