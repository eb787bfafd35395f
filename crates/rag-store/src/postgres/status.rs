//! Where and how large the store is.

use rag_core::port::StoreStatus;

use super::collection;
use super::error::Failure;
use super::row;
use super::session::{Session, sql};

pub(super) async fn status(session: &mut Session, location: &str) -> Result<StoreStatus, Failure> {
    let collections = collection::all(session).await?;
    // Tables with their indexes and what is kept apart from them.
    let size = sql(
        "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'",
    );
    let size_bytes = row::number(&session.one(size).await?, 0)?;
    Ok(StoreStatus {
        kind: "postgres",
        location: location.to_owned(),
        collection_count: collections.len() as u64,
        document_count: collections.iter().map(|info| info.document_count).sum(),
        chunk_count: collections.iter().map(|info| info.chunk_count).sum(),
        size_bytes: Some(size_bytes),
    })
}
