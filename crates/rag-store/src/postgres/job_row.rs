//! Rows of jobs and their items, and what they are in the domain.

use rag_core::model::{ItemCounts, ItemState, Job, JobId, JobItem, JobKind, JobState, NewJob};
use sqlx::postgres::PgRow;

use super::error::Failure;
use super::row;

type Result<T> = std::result::Result<T, Failure>;

/// The columns that [`job`] reads.
pub(super) const JOB_COLUMNS: &str = "
    j.id, j.kind, c.name, j.subject, j.key, j.request::text, j.created_at,
    j.state, j.error, j.notes::text, j.started_at, j.finished_at, j.leased_until,
    j.cancel_requested, j.pending_count, j.ingested_count, j.unchanged_count,
    j.skipped_count, j.failed_count, j.removed_count, j.chunk_count";

/// The columns that [`counts`] reads.
pub(super) const COUNT_COLUMNS: &str = "
    pending_count, ingested_count, unchanged_count, skipped_count, failed_count,
    removed_count, chunk_count";

/// The columns that [`item`] reads.
pub(super) const ITEM_COLUMNS: &str =
    "name, state, reason, document_id, chunk_count, depth, parent";

pub(super) fn job(row: &PgRow) -> Result<Job> {
    Ok(Job {
        id: job_id(row, 0)?,
        new: NewJob {
            kind: named(row, 1, JobKind::from_name)?,
            collection: row::name(row, 2)?,
            subject: row::text(row, 3)?,
            key: row::hash(row, 4)?,
            request: row::json(row, 5)?,
            created_at: row::time(row, 6)?,
        },
        state: named(row, 7, JobState::from_name)?,
        error: row::optional(row, 8, row::text)?,
        notes: row::json(row, 9)?,
        started_at: row::optional(row, 10, row::time)?,
        finished_at: row::optional(row, 11, row::time)?,
        leased_until: row::optional(row, 12, row::time)?,
        cancel_requested: row::get(row, 13)?,
        counts: counts(row, 14)?,
    })
}

/// The counts in the columns from `first` on.
pub(super) fn counts(row: &PgRow, first: usize) -> Result<ItemCounts> {
    Ok(ItemCounts {
        pending: row::number(row, first)?,
        ingested: row::number(row, first + 1)?,
        unchanged: row::number(row, first + 2)?,
        skipped: row::number(row, first + 3)?,
        failed: row::number(row, first + 4)?,
        removed: row::number(row, first + 5)?,
        chunks: row::number(row, first + 6)?,
    })
}

pub(super) fn item(row: &PgRow) -> Result<JobItem> {
    Ok(JobItem {
        name: row::text(row, 0)?,
        state: item_state(row, 1)?,
        reason: row::optional(row, 2, row::text)?,
        document: row::optional(row, 3, row::document_id)?,
        chunk_count: row::number(row, 4)?,
        depth: row::number(row, 5)?,
        parent: row::optional(row, 6, row::text)?,
    })
}

pub(super) fn item_state(row: &PgRow, column: usize) -> Result<ItemState> {
    named(row, column, ItemState::from_name)
}

pub(super) fn job_id(row: &PgRow, column: usize) -> Result<JobId> {
    let number: i64 = row::get(row, column)?;
    JobId::from_i64(number).ok_or_else(|| Failure::Damaged("a job's id is negative".to_owned()))
}

/// One of a closed set, by its name.
fn named<T>(row: &PgRow, column: usize, from_name: fn(&str) -> Option<T>) -> Result<T> {
    let name: &str = row::get(row, column)?;
    from_name(name).ok_or_else(|| Failure::Damaged(format!("`{name}` is not a name known here")))
}
