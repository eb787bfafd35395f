//! The counts of a job's items, kept by the stores that keep them as numbers.

use rag_core::model::{ItemCounts, ItemState};

/// Takes an item out of the counts; `None` when it is not in them.
pub(crate) fn forget(counts: &mut ItemCounts, state: ItemState, chunk_count: u64) -> Option<()> {
    let count = count_of(counts, state);
    *count = count.checked_sub(1)?;
    let chunk_count = chunks_put_in(state, chunk_count);
    counts.chunks = counts.chunks.checked_sub(chunk_count)?;
    Some(())
}

/// The count of the items in `state`.
pub(crate) fn count_of(counts: &mut ItemCounts, state: ItemState) -> &mut u64 {
    match state {
        ItemState::Pending => &mut counts.pending,
        ItemState::Ingested => &mut counts.ingested,
        ItemState::Unchanged => &mut counts.unchanged,
        ItemState::Skipped => &mut counts.skipped,
        ItemState::Failed => &mut counts.failed,
        ItemState::Removed => &mut counts.removed,
    }
}

/// How many chunks the job put in for an item: what was there already does not
/// count.
pub(crate) fn chunks_put_in(state: ItemState, chunk_count: u64) -> u64 {
    match state {
        ItemState::Ingested => chunk_count,
        _ => 0,
    }
}
