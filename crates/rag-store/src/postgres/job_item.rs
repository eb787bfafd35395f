//! The items of jobs in the database.

use std::collections::HashMap;

use rag_core::model::{ContentHash, DocumentId, ItemCounts, ItemState, JobId, JobItem};

use super::error::Failure;
use super::job_row::{self, COUNT_COLUMNS, ITEM_COLUMNS};
use super::row::{self, sql_number};
use super::session::{Session, built, sql};
use super::text::kept;
use crate::item_counts::{chunks_put_in, count_of, forget};

/// How many items one statement takes.
const BATCH_ITEMS: usize = 1_000;

/// Writes items of a job and counts them. `false` when it is not this worker's.
pub(super) async fn put(
    session: &mut Session,
    id: JobId,
    worker: &str,
    items: &[JobItem],
) -> Result<bool, Failure> {
    let Some(mut counts) = counts(session, id, worker).await? else {
        return Ok(false);
    };
    for items in items.chunks(BATCH_ITEMS) {
        write(session, id, &once_each(items), &mut counts).await?;
    }
    keep_counts(session, id, &counts).await?;
    Ok(true)
}

/// The items as they are after all of `items` were written in their order.
fn once_each(items: &[JobItem]) -> Vec<&JobItem> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(items.len());
    let mut once: Vec<&JobItem> = Vec::with_capacity(items.len());
    for item in items {
        match places.get(item.name.as_str()) {
            Some(_) if item.state == ItemState::Pending => {}
            Some(&place) => once[place] = item,
            None => {
                places.insert(&item.name, once.len());
                once.push(item);
            }
        }
    }
    once
}

async fn write(
    session: &mut Session,
    id: JobId,
    items: &[&JobItem],
    counts: &mut ItemCounts,
) -> Result<(), Failure> {
    let hashes: Vec<Vec<u8>> = items
        .iter()
        .map(|item| ContentHash::of(&item.name).0.to_vec())
        .collect();
    let select = sql(
        "SELECT name_hash, position, state, chunk_count FROM job_item
         WHERE job_id = $1 AND name_hash = ANY ($2)",
    );
    let found = session
        .each(select.bind(id.as_i64()).bind(&hashes), |row| {
            let there: (i64, ItemState, u64) = (
                row::get(row, 1)?,
                job_row::item_state(row, 2)?,
                row::number(row, 3)?,
            );
            Ok((row::get::<Vec<u8>>(row, 0)?, there))
        })
        .await?;
    let found: HashMap<Vec<u8>, (i64, ItemState, u64)> = found.into_iter().collect();
    let mut written = Written::default();
    for (item, hash) in items.iter().zip(hashes) {
        let position = match found.get(&hash) {
            // Items do not go one by one, so positions have no gaps.
            None => sql_number(counts.total()),
            Some(_) if item.state == ItemState::Pending => continue,
            Some(&(position, state, chunk_count)) => {
                forget(counts, state, chunk_count).ok_or_else(|| {
                    Failure::Damaged(format!("job `{id}` has more items than it counts"))
                })?;
                position
            }
        };
        *count_of(counts, item.state) += 1;
        counts.chunks += chunks_put_in(item.state, item.chunk_count.into());
        written.push(item, hash, position);
    }
    written.insert(session, id).await
}

/// Items as the columns of a statement's parameters.
#[derive(Default)]
struct Written {
    positions: Vec<i64>,
    documents: Vec<Option<i64>>,
    chunk_counts: Vec<i64>,
    depths: Vec<i64>,
    hashes: Vec<Vec<u8>>,
    states: Vec<&'static str>,
    names: Vec<String>,
    reasons: Vec<Option<String>>,
    parents: Vec<Option<String>>,
}

impl Written {
    fn push(&mut self, item: &JobItem, hash: Vec<u8>, position: i64) {
        let text = |text: &String| kept(text).into_owned();
        self.positions.push(position);
        self.documents.push(item.document.map(DocumentId::as_i64));
        self.chunk_counts.push(item.chunk_count.into());
        self.depths.push(item.depth.into());
        self.hashes.push(hash);
        self.states.push(item.state.as_str());
        self.names.push(text(&item.name));
        self.reasons.push(item.reason.as_ref().map(text));
        self.parents.push(item.parent.as_ref().map(text));
    }

    async fn insert(self, session: &mut Session, id: JobId) -> Result<(), Failure> {
        if self.positions.is_empty() {
            return Ok(());
        }
        let insert = sql(
            "INSERT INTO job_item (job_id, position, document_id, chunk_count, depth, name_hash,
                 state, name, reason, parent)
             SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                 $6::bytea[], $7::text[], $8::text[], $9::text[], $10::text[])
             ON CONFLICT (job_id, position) DO UPDATE
             SET state = excluded.state, reason = excluded.reason,
                 document_id = excluded.document_id, chunk_count = excluded.chunk_count,
                 depth = excluded.depth, parent = excluded.parent",
        );
        let insert = insert
            .bind(id.as_i64())
            .bind(self.positions)
            .bind(self.documents)
            .bind(self.chunk_counts)
            .bind(self.depths)
            .bind(self.hashes)
            .bind(self.states)
            .bind(self.names)
            .bind(self.reasons)
            .bind(self.parents);
        session.execute(insert).await?;
        Ok(())
    }
}

/// Items of a job in their order, of one state or of all.
pub(super) async fn list(
    session: &mut Session,
    id: JobId,
    state: Option<ItemState>,
    offset: usize,
    limit: usize,
) -> Result<Vec<JobItem>, Failure> {
    let chosen = match state {
        Some(_) => "state = $2 ORDER BY position LIMIT $3 OFFSET $4",
        // Positions have no gaps.
        None => "position >= $4 AND $2::text IS NULL ORDER BY position LIMIT $3",
    };
    let select = built(format!(
        "SELECT {ITEM_COLUMNS} FROM job_item WHERE job_id = $1 AND {chosen}"
    ));
    let select = select
        .bind(id.as_i64())
        .bind(state.map(ItemState::as_str))
        .bind(sql_number(limit))
        .bind(sql_number(offset));
    session.each(select, job_row::item).await
}

/// Makes the failed items of a job pending, as if they had not been tried.
pub(super) async fn retry_failed(session: &mut Session, id: JobId) -> Result<(), Failure> {
    let update = sql("UPDATE job_item
         SET state = 'pending', reason = NULL, document_id = NULL, chunk_count = 0
         WHERE job_id = $1 AND state = 'failed'");
    session.execute(update.bind(id.as_i64())).await?;
    let update = sql(
        "UPDATE job SET pending_count = pending_count + failed_count, failed_count = 0
         WHERE id = $1",
    );
    session.execute(update.bind(id.as_i64())).await?;
    Ok(())
}

/// The counts of a job, if it is this worker's. Nobody else writes items of it
/// while the transaction lasts.
async fn counts(
    session: &mut Session,
    id: JobId,
    worker: &str,
) -> Result<Option<ItemCounts>, Failure> {
    let select = built(format!(
        "SELECT {COUNT_COLUMNS} FROM job WHERE id = $1 AND worker = $2 FOR NO KEY UPDATE"
    ));
    let found = session
        .row(select.bind(id.as_i64()).bind(kept(worker)))
        .await?;
    found.map(|row| job_row::counts(&row, 0)).transpose()
}

async fn keep_counts(session: &mut Session, id: JobId, counts: &ItemCounts) -> Result<(), Failure> {
    let update = built(format!(
        "UPDATE job SET ({COUNT_COLUMNS}) = ($2, $3, $4, $5, $6, $7, $8) WHERE id = $1"
    ));
    let update = update
        .bind(id.as_i64())
        .bind(sql_number(counts.pending))
        .bind(sql_number(counts.ingested))
        .bind(sql_number(counts.unchanged))
        .bind(sql_number(counts.skipped))
        .bind(sql_number(counts.failed))
        .bind(sql_number(counts.removed))
        .bind(sql_number(counts.chunks));
    session.execute(update).await?;
    Ok(())
}
