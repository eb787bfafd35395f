//! The items of jobs in the file.

use rag_core::model::{DocumentId, ItemCounts, ItemState, JobId, JobItem};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::Failure;
use super::job_row::{self, COUNT_COLUMNS, ITEM_COLUMNS};
use super::row::{self, sql_number};
use crate::item_counts::{chunks_put_in, count_of, forget};

/// Writes items of a job and counts them. `false` when it is not this worker's.
pub(super) fn put(
    connection: &Connection,
    id: JobId,
    worker: &str,
    items: &[JobItem],
) -> Result<bool, Failure> {
    let Some(mut counts) = counts(connection, id, worker)? else {
        return Ok(false);
    };
    let mut find = connection.prepare_cached(
        "SELECT state, chunk_count FROM job_item WHERE job_id = ?1 AND name = ?2",
    )?;
    for item in items {
        let found = find
            .query_row(params![id.as_i64(), item.name], |row| {
                Ok((job_row::item_state(row, 0)?, row::count(row, 1)?))
            })
            .optional()?;
        match found {
            // Items do not go one by one, so positions have no gaps.
            None => insert(connection, id, counts.total(), item)?,
            Some(_) if item.state == ItemState::Pending => continue,
            Some((state, chunk_count)) => {
                forget(&mut counts, state, chunk_count).ok_or_else(|| {
                    Failure::Damaged(format!("job `{id}` has more items than it counts"))
                })?;
                replace(connection, id, item)?;
            }
        }
        *count_of(&mut counts, item.state) += 1;
        counts.chunks += chunks_put_in(item.state, item.chunk_count.into());
    }
    keep_counts(connection, id, &counts)?;
    Ok(true)
}

/// Items of a job in their order, of one state or of all.
pub(super) fn list(
    connection: &Connection,
    id: JobId,
    state: Option<ItemState>,
    offset: usize,
    limit: usize,
) -> Result<Vec<JobItem>, Failure> {
    let chosen = match state {
        // Left to itself, SQLite goes through all items for those of a state.
        Some(_) => {
            "position IN (
                 SELECT position FROM job_item INDEXED BY job_item_by_state
                 WHERE job_id = ?1 AND state = ?2 ORDER BY position LIMIT ?3 OFFSET ?4)"
        }
        // Positions have no gaps.
        None => "position >= ?4",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ITEM_COLUMNS} FROM job_item WHERE job_id = ?1 AND {chosen}
         ORDER BY position LIMIT ?3"
    ))?;
    let values = params![
        id.as_i64(),
        state.map(ItemState::as_str),
        sql_number(limit),
        sql_number(offset),
    ];
    let items = statement.query_map(values, job_row::item)?;
    Ok(items.collect::<Result<_, _>>()?)
}

/// Makes the failed items of a job pending, as if they had not been tried.
pub(super) fn retry_failed(connection: &Connection, id: JobId) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "UPDATE job_item
             SET state = 'pending', reason = NULL, document_id = NULL, chunk_count = 0
             WHERE job_id = ?1 AND state = 'failed'",
        )?
        .execute([id.as_i64()])?;
    connection
        .prepare_cached(
            "UPDATE job SET pending_count = pending_count + failed_count, failed_count = 0
             WHERE id = ?1",
        )?
        .execute([id.as_i64()])?;
    Ok(())
}

fn insert(
    connection: &Connection,
    id: JobId,
    position: u64,
    item: &JobItem,
) -> Result<(), Failure> {
    connection
        .prepare_cached(&format!(
            "INSERT INTO job_item (job_id, position, {ITEM_COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        ))?
        .execute(params![
            id.as_i64(),
            sql_number(position),
            item.name,
            item.state.as_str(),
            item.reason,
            item.document.map(DocumentId::as_i64),
            item.chunk_count,
            item.depth,
            item.parent,
        ])?;
    Ok(())
}

fn replace(connection: &Connection, id: JobId, item: &JobItem) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "UPDATE job_item
             SET state = ?3, reason = ?4, document_id = ?5, chunk_count = ?6, depth = ?7,
                 parent = ?8
             WHERE job_id = ?1 AND name = ?2",
        )?
        .execute(params![
            id.as_i64(),
            item.name,
            item.state.as_str(),
            item.reason,
            item.document.map(DocumentId::as_i64),
            item.chunk_count,
            item.depth,
            item.parent,
        ])?;
    Ok(())
}

/// The counts of a job, if it is this worker's.
fn counts(connection: &Connection, id: JobId, worker: &str) -> Result<Option<ItemCounts>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COUNT_COLUMNS} FROM job WHERE id = ?1 AND worker = ?2"
    ))?;
    Ok(statement
        .query_row(params![id.as_i64(), worker], |row| job_row::counts(row, 0))
        .optional()?)
}

fn keep_counts(connection: &Connection, id: JobId, counts: &ItemCounts) -> Result<(), Failure> {
    connection
        .prepare_cached(&format!(
            "UPDATE job SET ({COUNT_COLUMNS}) = (?2, ?3, ?4, ?5, ?6, ?7, ?8) WHERE id = ?1"
        ))?
        .execute(params![
            id.as_i64(),
            sql_number(counts.pending),
            sql_number(counts.ingested),
            sql_number(counts.unchanged),
            sql_number(counts.skipped),
            sql_number(counts.failed),
            sql_number(counts.removed),
            sql_number(counts.chunks),
        ])?;
    Ok(())
}
