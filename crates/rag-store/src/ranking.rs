//! The order of rankings.

use std::cmp::Ordering;

use rag_core::port::ChunkScore;

/// Best first, then by document and index.
pub(crate) fn order(one: &ChunkScore, other: &ChunkScore) -> Ordering {
    other
        .score
        .total_cmp(&one.score)
        .then(one.chunk.cmp(&other.chunk))
}

/// Keeps the `limit` best of `scores`, in order.
pub(crate) fn keep_best(scores: &mut Vec<ChunkScore>, limit: usize) {
    if scores.len() > limit && limit > 0 {
        scores.select_nth_unstable_by(limit - 1, order);
    }
    scores.truncate(limit);
    scores.sort_unstable_by(order);
}
