//! The chunks that match terms best.
//!
//! SQLite finds which chunks have a term; BM25 is computed here, from the
//! lengths of chunks kept in memory. Its own `bm25` costs twenty times as much
//! for a common term, and knows no filter.

use rag_core::port::ChunkScore;
use rusqlite::{Connection, OptionalExtension};

use super::error::Failure;
use super::filter::Allowed;
use super::index::{Index, Slot};
use super::row;
use super::words::{OCCURRENCES_MAX, is_term, token};
use crate::ranking;
use crate::selective::selective_terms;

/// How soon further occurrences of a term stop counting.
const K1: f32 = 1.2;

/// How much the length of a chunk counts.
const B: f32 = 0.75;

/// The `limit` chunks that match any of `terms` best among those `allowed`.
pub(super) fn matching(
    connection: &Connection,
    index: &Index,
    terms: &[String],
    allowed: &Allowed,
    limit: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let admitted: Vec<bool> = index
        .slots()
        .iter()
        .map(|slot| allowed.admits(slot))
        .collect();
    let mut search = Search {
        connection,
        index,
        admitted,
        scores: vec![0.0; index.term_counts().len()],
        occurrences: vec![0; index.term_counts().len()],
        found: Vec::new(),
    };
    for term in worthwhile(connection, terms, index)? {
        search.add(term)?;
    }
    let mut scores: Vec<ChunkScore> = search.into_scores();
    ranking::keep_best(&mut scores, limit);
    Ok(scores)
}

/// The terms to search, each once.
fn worthwhile<'term>(
    connection: &Connection,
    terms: &'term [String],
    index: &Index,
) -> Result<Vec<&'term str>, Failure> {
    let mut terms: Vec<&str> = terms
        .iter()
        .map(String::as_str)
        .filter(|term| is_term(term))
        .collect();
    terms.sort_unstable();
    terms.dedup();
    let mut statement =
        connection.prepare_cached("SELECT doc FROM word_frequency WHERE term = ?1")?;
    let mut frequencies = Vec::with_capacity(terms.len());
    for term in &terms {
        let count = || {
            let found = statement.query_row([term], |row| row::count(row, 0));
            Ok(found.optional()?.unwrap_or(0))
        };
        frequencies.push(index.frequency(term, count)?);
    }
    let selected = selective_terms(&frequencies, index.chunk_count() as u64);
    Ok(selected.into_iter().map(|term| terms[term]).collect())
}

/// A search under way.
struct Search<'search> {
    connection: &'search Connection,
    index: &'search Index,
    /// For each slot, whether its chunks may be found.
    admitted: Vec<bool>,
    /// For each position, the score so far.
    scores: Vec<f32>,
    /// For each position, how often it has the term looked at last.
    occurrences: Vec<u8>,
    /// The places whose score is above 0.
    found: Vec<Place>,
}

/// A chunk: its slot in the index and its position among all chunks.
#[derive(Clone, Copy)]
struct Place {
    slot: usize,
    position: usize,
}

impl Search<'_> {
    /// Adds what the chunks that have `term` score for it.
    fn add(&mut self, term: &str) -> Result<(), Failure> {
        let mut places = self.places_with(&token(term, 1))?;
        let inverse_frequency = self.inverse_frequency(places.len());
        places.retain(|place| self.admitted[place.slot]);
        for place in &places {
            self.occurrences[place.position] = 1;
        }
        for occurrence in 2..=OCCURRENCES_MAX {
            let places = self.places_with(&token(term, occurrence))?;
            if places.is_empty() {
                break;
            }
            for place in places {
                self.occurrences[place.position] = occurrence;
            }
        }
        let average = self.index.term_count() as f32 / self.index.chunk_count() as f32;
        for place in places {
            let occurrences = f32::from(self.occurrences[place.position]);
            let length = self.index.term_counts()[place.position] as f32 / average;
            let score = &mut self.scores[place.position];
            if *score == 0.0 {
                self.found.push(place);
            }
            *score += inverse_frequency * occurrences * (K1 + 1.0)
                / (occurrences + K1 * (1.0 - B + B * length));
        }
        Ok(())
    }

    /// What a term that `frequency` chunks have is worth; always above 0.
    fn inverse_frequency(&self, frequency: usize) -> f32 {
        let (frequency, all) = (frequency as f32, self.index.chunk_count() as f32);
        (1.0 + (all - frequency + 0.5) / (frequency + 0.5)).ln()
    }

    /// The chunks that have `token`, by position.
    fn places_with(&self, token: &str) -> Result<Vec<Place>, Failure> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT rowid FROM word WHERE word MATCH ?1")?;
        let mut rows = statement.query([format!("\"{token}\"")])?;
        let slots = self.index.slots();
        let mut places = Vec::new();
        let mut slot = 0;
        while let Some(row) = rows.next()? {
            let chunk: i64 = row.get(0)?;
            slot += slots_before(&slots[slot..], chunk);
            let Some(found) = slots.get(slot) else { break };
            let offset = usize::try_from(chunk - found.first_chunk).unwrap_or(usize::MAX);
            if offset < found.chunk_count as usize && !found.is_gone {
                places.push(Place {
                    slot,
                    position: found.position + offset,
                });
            }
        }
        Ok(places)
    }

    fn into_scores(self) -> Vec<ChunkScore> {
        let score = |place: &Place| {
            let slot = &self.index.slots()[place.slot];
            let chunk = slot.chunk(place.position - slot.position);
            ChunkScore {
                chunk,
                score: self.scores[place.position],
            }
        };
        self.found.iter().map(score).collect()
    }
}

/// How many of `slots` end before `chunk`. It looks at slots twice as far each
/// time, since the next chunk of a common term is usually near.
fn slots_before(slots: &[Slot], chunk: i64) -> usize {
    let ends_before = |slot: &Slot| slot.first_chunk + i64::from(slot.chunk_count) <= chunk;
    let mut reach = 1;
    while slots.get(reach - 1).is_some_and(ends_before) {
        reach *= 2;
    }
    let near = &slots[reach / 2..reach.min(slots.len())];
    reach / 2 + near.partition_point(ends_before)
}
