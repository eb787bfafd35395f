//! The chunks that match terms best.
//!
//! SQLite finds which chunks have a term, and how often; BM25 is computed here, from the
//! lengths of chunks kept in memory. Its own `bm25` costs twenty times as much
//! for a common term, and knows no filter.

use std::iter::repeat_n;
use std::sync::Arc;

use rag_core::port::ChunkScore;
use rusqlite::Connection;

use super::error::Failure;
use super::filter::Allowed;
use super::index::Index;
use super::postings::{Postings, Term};
use crate::bm25;
use crate::ranking;
use crate::selective::{matches_read_max, selective_terms};
use crate::words::is_term;

/// The `limit` chunks that match any of `terms` best among those `allowed`.
pub(super) fn matching(
    connection: &Connection,
    index: &Index,
    terms: &[String],
    allowed: &Allowed,
    limit: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let slots = index.slots().iter();
    let admitted = slots.flat_map(|slot| repeat_n(allowed.admits(slot), slot.chunk_count as usize));
    let mut search = Search {
        index,
        admitted: admitted.collect(),
        scores: vec![0.0; index.term_counts().len()],
        found: Vec::new(),
    };
    for postings in worthwhile(connection, index, terms)? {
        search.add(&postings);
    }
    Ok(search.into_best(limit))
}

/// The chunks of each of the terms to search, rarest first.
fn worthwhile(
    connection: &Connection,
    index: &Index,
    terms: &[String],
) -> Result<Vec<Arc<Postings>>, Failure> {
    let mut terms: Vec<&str> = terms
        .iter()
        .map(String::as_str)
        .filter(|term| is_term(term))
        .collect();
    terms.sort_unstable();
    terms.dedup();
    let chunk_count = index.chunk_count() as u64;
    let matches_max = matches_read_max(chunk_count);
    // One more tells that a term is too common, if any other is not.
    let enough = usize::try_from(matches_max).map_or(usize::MAX, |most| most + 1);
    let mut found = known_or_read(connection, index, &terms, enough)?;
    let is_rare = |term: &Term| (1..=matches_max).contains(&term.frequency);
    if !found.iter().any(is_rare) {
        found = known_or_read(connection, index, &terms, usize::MAX)?;
    }
    let frequencies: Vec<u64> = found.iter().map(|term| term.frequency).collect();
    let selected = selective_terms(&frequencies, chunk_count).into_iter();
    let postings = selected.map(|term| match found[term].postings.take() {
        Some(postings) => Ok(postings),
        None => {
            let whole = read(connection, index, terms[term], usize::MAX)?;
            Ok(whole.postings.unwrap_or_default())
        }
    });
    postings.collect()
}

/// What is known of each of `terms`; those that are not known well enough are
/// read, up to `count_max` chunks of each.
fn known_or_read(
    connection: &Connection,
    index: &Index,
    terms: &[&str],
    count_max: usize,
) -> Result<Vec<Term>, Failure> {
    let one = |term: &&str| {
        let known = index.known_terms().get(term);
        if let Some(known) = known.filter(|known| known.is_enough(count_max)) {
            return Ok(known);
        }
        read(connection, index, term, count_max)
    };
    terms.iter().map(one).collect()
}

fn read(
    connection: &Connection,
    index: &Index,
    term: &str,
    count_max: usize,
) -> Result<Term, Failure> {
    let postings = Postings::read(connection, index.slots(), term, count_max)?;
    let read = Term::new(postings, count_max);
    index.known_terms().keep(term, &read);
    Ok(read)
}

/// A search under way.
struct Search<'search> {
    index: &'search Index,
    /// For each position, whether the chunk may be found.
    admitted: Vec<bool>,
    /// For each position, the score so far.
    scores: Vec<f32>,
    /// The positions whose score is above 0.
    found: Vec<usize>,
}

impl Search<'_> {
    /// Adds what the chunks that have a term score for it.
    fn add(&mut self, postings: &Postings) {
        let chunk_count = self.index.chunk_count() as u64;
        let inverse_frequency = bm25::inverse_frequency(postings.len() as u64, chunk_count);
        let average = self.index.term_count() as f32 / self.index.chunk_count() as f32;
        for (position, occurrences) in postings.iter() {
            if !self.admitted[position] {
                continue;
            }
            let occurrences = f32::from(occurrences);
            let length = self.index.term_counts()[position] as f32 / average;
            let score = &mut self.scores[position];
            if *score == 0.0 {
                self.found.push(position);
            }
            *score += inverse_frequency * bm25::weight(occurrences, length);
        }
    }

    /// The `limit` best chunks; `limit` is above 0.
    fn into_best(self, limit: usize) -> Vec<ChunkScore> {
        let scores = self.found.iter().map(|&position| self.scores[position]);
        let mut scores: Vec<f32> = scores.collect();
        let least = if scores.len() > limit {
            *scores
                .select_nth_unstable_by(limit - 1, |one, other| other.total_cmp(one))
                .1
        } else {
            0.0
        };
        // Those that are as good as the last one are told apart by their place.
        let best = self
            .found
            .iter()
            .filter(|&&position| self.scores[position] >= least);
        let mut best: Vec<ChunkScore> = best
            .map(|&position| ChunkScore {
                chunk: self.index.chunk_at(position),
                score: self.scores[position],
            })
            .collect();
        ranking::keep_best(&mut best, limit);
        best
    }
}
