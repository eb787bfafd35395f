//! The chunks nearest to a vector.
//!
//! Few vectors are all read and compared. Of many, the signs kept in memory
//! name the likely ones, and only those are read; the scores are exact either
//! way.

use std::ops::Range;

use rag_core::port::ChunkScore;
use rusqlite::Connection;

use super::codes::Codes;
use super::comparing::{Comparison, VectorReader};
use super::error::Failure;
use super::filter::Allowed;
use super::index::{Index, Slot};
use crate::ranking;

/// Up to this many vectors are all compared.
const EXACT_CHUNKS_MAX: usize = 750;

/// With fewer dimensions, signs tell too little; all vectors are compared.
const SIGN_DIMENSIONS_MIN: usize = 96;

/// At least this many vectors are read, and an eighth more than are asked for:
/// what the signs rank low among so many is seldom near.
const CHUNKS_READ_MIN: usize = 200;

/// The `limit` chunks of `space` nearest to `query` among those `allowed`.
pub(super) fn nearest(
    connection: &Connection,
    index: &Index,
    space: i64,
    query: &[f32],
    allowed: &Allowed,
    limit: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let slots = index.slots().iter();
    let slots: Vec<&Slot> = slots
        .filter(|slot| slot.space == space && allowed.admits(slot))
        .collect();
    let chunk_count: usize = slots.iter().map(|slot| slot.chunk_count as usize).sum();
    let mut scores = match index.codes(space) {
        Some(codes) if chunk_count > EXACT_CHUNKS_MAX && query.len() >= SIGN_DIMENSIONS_MIN => {
            let count = CHUNKS_READ_MIN.max(limit + limit / 8);
            likely(connection, codes, query, &slots, count)?
        }
        _ => all(connection, query, &slots)?,
    };
    ranking::keep_best(&mut scores, limit);
    Ok(scores)
}

/// The scores of all chunks of `slots`.
fn all(
    connection: &Connection,
    query: &[f32],
    slots: &[&Slot],
) -> Result<Vec<ChunkScore>, Failure> {
    let comparison = Comparison::new(query);
    let mut scores = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT vector FROM vector WHERE chunk_id BETWEEN ?1 AND ?2 ORDER BY chunk_id",
    )?;
    for slot in slots {
        let last_chunk = slot.first_chunk + i64::from(slot.chunk_count) - 1;
        let mut rows = statement.query([slot.first_chunk, last_chunk])?;
        let mut offset = 0;
        while let Some(row) = rows.next()? {
            let score = comparison.with(row)?;
            scores.push(ChunkScore {
                chunk: slot.chunk(offset),
                score,
            });
            offset += 1;
        }
    }
    Ok(scores)
}

/// The scores of the `count` chunks of `slots` that are likely the nearest.
fn likely(
    connection: &Connection,
    codes: &Codes,
    query: &[f32],
    slots: &[&Slot],
    count: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for slot in slots {
        let range = slot.place..slot.place + slot.chunk_count as usize;
        match ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => ranges.push(range),
        }
    }
    let mut places = codes.likely_nearest(query, &ranges, count);
    // In the order of the file, where neighbours share a page.
    places.sort_unstable();
    let comparison = Comparison::new(query);
    let mut vectors = VectorReader::new(connection)?;
    let mut scores = Vec::with_capacity(places.len());
    for place in places {
        let slot = slots[slots.partition_point(|slot| slot.place <= place) - 1];
        let chunk = slot.chunk(place - slot.place);
        let id = slot.first_chunk + i64::from(chunk.index);
        let score = vectors.compare(&comparison, id)?;
        scores.push(ChunkScore { chunk, score });
    }
    Ok(scores)
}
