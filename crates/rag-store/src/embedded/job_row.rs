//! Rows of jobs and their items, and what they are in the domain.

use rag_core::model::{
    ContentHash, DocumentId, ItemCounts, ItemState, Job, JobId, JobItem, JobKind, JobState, NewJob,
};
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};

use super::row;

/// The columns that [`job`] reads.
pub(super) const JOB_COLUMNS: &str = "
    j.id, j.kind, c.name, j.subject, j.key, j.request, j.created_at,
    j.state, j.error, j.notes, j.started_at, j.finished_at, j.leased_until,
    j.cancel_requested, j.pending_count, j.ingested_count, j.unchanged_count,
    j.skipped_count, j.failed_count, j.removed_count, j.chunk_count";

/// The columns that [`counts`] reads.
pub(super) const COUNT_COLUMNS: &str = "
    pending_count, ingested_count, unchanged_count, skipped_count, failed_count,
    removed_count, chunk_count";

/// The columns that [`item`] reads.
pub(super) const ITEM_COLUMNS: &str =
    "name, state, reason, document_id, chunk_count, depth, parent";

pub(super) fn job(row: &Row<'_>) -> Result<Job> {
    Ok(Job {
        id: job_id(row, 0)?,
        new: NewJob {
            kind: named(row, 1, JobKind::from_name)?,
            collection: row::name(row, 2)?,
            subject: row.get(3)?,
            key: key(row, 4)?,
            request: row::json(row, 5)?,
            created_at: row::time(row, 6)?,
        },
        state: named(row, 7, JobState::from_name)?,
        error: row.get(8)?,
        notes: row::json(row, 9)?,
        started_at: row::optional(row, 10, row::time)?,
        finished_at: row::optional(row, 11, row::time)?,
        leased_until: row::optional(row, 12, row::time)?,
        cancel_requested: row.get(13)?,
        counts: counts(row, 14)?,
    })
}

/// The counts in the columns from `first` on.
pub(super) fn counts(row: &Row<'_>, first: usize) -> Result<ItemCounts> {
    Ok(ItemCounts {
        pending: row::count(row, first)?,
        ingested: row::count(row, first + 1)?,
        unchanged: row::count(row, first + 2)?,
        skipped: row::count(row, first + 3)?,
        failed: row::count(row, first + 4)?,
        removed: row::count(row, first + 5)?,
        chunks: row::count(row, first + 6)?,
    })
}

pub(super) fn item(row: &Row<'_>) -> Result<JobItem> {
    Ok(JobItem {
        name: row.get(0)?,
        state: item_state(row, 1)?,
        reason: row.get(2)?,
        document: row::optional::<DocumentId>(row, 3, row::document_id)?,
        chunk_count: row.get(4)?,
        depth: row.get(5)?,
        parent: row.get(6)?,
    })
}

pub(super) fn item_state(row: &Row<'_>, column: usize) -> Result<ItemState> {
    named(row, column, ItemState::from_name)
}

pub(super) fn job_id(row: &Row<'_>, column: usize) -> Result<JobId> {
    let number: i64 = row.get(column)?;
    JobId::from_i64(number).ok_or(Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn key(row: &Row<'_>, column: usize) -> Result<ContentHash> {
    row.get(column).map(ContentHash)
}

/// One of a closed set, by its name.
fn named<T>(row: &Row<'_>, column: usize, from_name: fn(&str) -> Option<T>) -> Result<T> {
    let name: String = row.get(column)?;
    from_name(&name).ok_or_else(|| {
        let error = format!("`{name}` is not a name known here").into();
        Error::FromSqlConversionFailure(column, Type::Text, error)
    })
}
