//! The chunks that match terms best.
//!
//! Qdrant ranks sparse vectors with inverse frequencies of its own. Its first
//! candidates are ranked anew by BM25 with exact numbers, those that every store
//! uses: how often a chunk has a term is told by its sparse vector, how long
//! chunks are on average by the records of documents, and how many chunks have
//! a term by the score that Qdrant gives for the term alone.

use std::collections::{HashMap, HashSet};

use qdrant_client::qdrant::{
    Condition, Filter, IdfParams, Query, QueryPoints, ScoredPoint, SearchParams, SparseVector,
    VectorInput, query, vector_input,
};
use rag_core::port::ChunkScore;

use super::failure::Failure;
use super::narrow::Narrowed;
use super::points::{Fields, with_vectors};
use super::row::Row;
use super::schema::WORDS;
use super::search::{Asked, CANDIDATE_FIELDS, Candidates, candidate, rank};
use super::server::Server;
use super::sparse::{dimension, occurrences};
use super::{chunk, home, totals};
use crate::selective::selective_terms;
use crate::words::is_term;
use crate::{bm25, ranking};

/// How many terms of a query are counted. A query of more is ranked by Qdrant's
/// own numbers: no few terms of it decide.
const TERMS_COUNTED_MAX: usize = 64;

/// The terms to search in a space.
pub(super) struct Words {
    /// The dimensions of the terms; where they were counted, with what each is worth.
    terms: Vec<u32>,
    worth: Option<HashMap<u32, f32>>,
    /// How many terms a chunk has on average.
    average: f32,
    /// All chunks that count for how rare a term is.
    corpus: Filter,
}

/// What is counted in a space.
struct Counted {
    /// All chunks, also those without words.
    chunk_count: u64,
    /// For each term, how many chunks have it.
    frequencies: Vec<u64>,
}

pub(super) async fn matching(
    server: &Server,
    terms: &[String],
    narrowed: &Narrowed,
    limit: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let terms: HashSet<u32> = terms
        .iter()
        .filter(|term| is_term(term))
        .map(|term| dimension(term))
        .collect();
    let mut terms: Vec<u32> = terms.into_iter().collect();
    terms.sort_unstable();
    if terms.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let spaces = home::by_space(&narrowed.all);
    let worth = match terms.len() <= TERMS_COUNTED_MAX {
        true => Some(worth(server, &spaces, &terms).await?),
        false => None,
    };
    if let Some(worth) = &worth {
        terms.retain(|term| worth.contains_key(term));
        if terms.is_empty() {
            return Ok(Vec::new());
        }
    }
    let average = average(server, &spaces).await?;
    let mut best = Vec::new();
    for (space, homes) in home::by_space(&narrowed.homes) {
        let asked = Asked::Words(Words {
            terms: terms.clone(),
            worth: worth.clone(),
            average,
            corpus: corpus(&spaces[&space]),
        });
        best.extend(rank(server, &space, homes, narrowed, &asked, limit).await?);
    }
    ranking::keep_best(&mut best, limit);
    Ok(best)
}

/// How many terms a chunk has on average, over all spaces.
async fn average(server: &Server, spaces: &HashMap<String, Vec<String>>) -> Result<f32, Failure> {
    let (mut chunks, mut terms) = (0, 0);
    for (space, homes) in spaces {
        let totals = totals::recent(server, space, homes).await?;
        chunks += totals.chunks;
        terms += totals.terms;
    }
    Ok(terms.max(1) as f32 / chunks.max(1) as f32)
}

/// What each of the terms that are worth searching is worth.
async fn worth(
    server: &Server,
    spaces: &HashMap<String, Vec<String>>,
    terms: &[u32],
) -> Result<HashMap<u32, f32>, Failure> {
    let mut chunk_count = 0;
    let mut frequencies = vec![0; terms.len()];
    for (space, homes) in spaces {
        let counted = count(server, space, homes, terms).await?;
        chunk_count += counted.chunk_count;
        for (sum, frequency) in frequencies.iter_mut().zip(counted.frequencies) {
            *sum += frequency;
        }
    }
    let selected = selective_terms(&frequencies, chunk_count).into_iter();
    let worth = selected.map(|place| {
        let worth = bm25::inverse_frequency(frequencies[place], chunk_count);
        (terms[place], worth)
    });
    Ok(worth.collect())
}

/// Counts the chunks of a space and those that have each term: the score of the
/// best chunk for a term alone is what it has of it times the term's inverse
/// frequency, and that tells how many chunks have it.
async fn count(
    server: &Server,
    space: &str,
    homes: &[String],
    terms: &[u32],
) -> Result<Counted, Failure> {
    let corpus = corpus(homes);
    let chunks = server.chunks(space);
    let queries = terms.iter().map(|&term| QueryPoints {
        with_vectors: Some(with_vectors(&[WORDS])),
        ..query(&chunks, &[term], &corpus, &corpus, 1)
    });
    let all = Filter::must([Condition::matches("home", homes.to_vec())]);
    let (chunk_count, worded, answers) = tokio::try_join!(
        server.count(&chunks, &all),
        server.count(&chunks, &corpus),
        server.query(&chunks, queries.collect()),
    )?;
    let mut frequencies = Vec::with_capacity(terms.len());
    for (&term, answer) in terms.iter().zip(answers) {
        let best = answer.first();
        frequencies.push(best.map_or(0, |best| frequency(term, best, worded)));
    }
    Ok(Counted {
        chunk_count,
        frequencies,
    })
}

/// How many of `chunk_count` chunks have a term, by its best chunk.
fn frequency(term: u32, best: &ScoredPoint, chunk_count: u64) -> u64 {
    let words = chunk::words(best.vectors.as_ref());
    let value = words
        .indices
        .iter()
        .zip(words.values)
        .find_map(|(&index, value)| (index == term).then_some(value));
    let Some(value) = value else { return 0 };
    let inverse = f64::from(best.score) / f64::from(value);
    // The inverse frequency is ln((count + 1) / (frequency + 0.5)).
    let frequency = (chunk_count as f64 + 1.0) / inverse.exp() - 0.5;
    whole(frequency).clamp(1, chunk_count.max(1))
}

/// The whole number next to `number`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is at least 0, and what is too large becomes the largest"
)]
fn whole(number: f64) -> u64 {
    number.round().max(0.0) as u64
}

/// The chunks of these homes that have words.
fn corpus(homes: &[String]) -> Filter {
    Filter::must([
        Condition::matches("home", homes.to_vec()),
        Condition::has_vector(WORDS),
    ])
}

/// A query for the chunks that pass `filter` and have any of `terms`.
fn query(
    chunks: &str,
    terms: &[u32],
    filter: &Filter,
    corpus: &Filter,
    count: usize,
) -> QueryPoints {
    let vector = SparseVector {
        indices: terms.to_vec(),
        values: vec![1.0; terms.len()],
    };
    let input = VectorInput {
        variant: Some(vector_input::Variant::Sparse(vector)),
    };
    QueryPoints {
        collection_name: chunks.to_owned(),
        query: Some(Query {
            variant: Some(query::Variant::Nearest(input)),
        }),
        using: Some(WORDS.to_owned()),
        filter: Some(filter.clone()),
        params: Some(SearchParams {
            idf: Some(IdfParams {
                corpus: Some(corpus.clone()),
            }),
            ..SearchParams::default()
        }),
        limit: u64::try_from(count).ok(),
        ..QueryPoints::default()
    }
}

impl Words {
    /// The `count` chunks that Qdrant ranks best of those that pass `filter`.
    pub(super) async fn candidates(
        &self,
        server: &Server,
        space: &str,
        filter: &Filter,
        count: usize,
    ) -> Result<Candidates, Failure> {
        let chunks = server.chunks(space);
        let request = QueryPoints {
            with_payload: Fields::Only(&CANDIDATE_FIELDS).of_query(),
            with_vectors: Some(with_vectors(&[WORDS])),
            ..query(&chunks, &self.terms, filter, &self.corpus, count)
        };
        let mut answers = server.query(&chunks, vec![request]).await?;
        let points = answers.pop().unwrap_or_default();
        let mut found = Vec::with_capacity(points.len());
        for point in &points {
            let score = self.score(point)?;
            if score > 0.0 {
                found.push(candidate(point, score)?);
            }
        }
        let last = points.last().filter(|_| points.len() >= count);
        Ok(Candidates {
            bound: last.map(|last| last.score),
            found,
        })
    }

    /// What a chunk scores for the terms.
    fn score(&self, point: &ScoredPoint) -> Result<f32, Failure> {
        let Some(worth) = &self.worth else {
            return Ok(point.score);
        };
        let length: usize = Row(&point.payload).number("length")?;
        let words = chunk::words(point.vectors.as_ref());
        let relative = length as f32 / self.average;
        let mut score = 0.0;
        for (index, value) in words.indices.iter().zip(words.values) {
            if let Some(worth) = worth.get(index) {
                let occurrences = f32::from(occurrences(value, length));
                score += worth * bm25::weight(occurrences, relative);
            }
        }
        Ok(score)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap as Map;

    use qdrant_client::qdrant::{
        NamedVectorsOutput, VectorOutput, VectorsOutput, vector_output, vectors_output,
    };

    use super::*;

    #[test]
    fn frequencies_are_told_by_scores() {
        for (frequency, chunk_count) in [
            (1, 1),
            (1, 2),
            (2, 2),
            (1, 100_000),
            (2, 100_000),
            (777, 100_000),
            (80_001, 100_000),
            (100_000, 100_000),
            (3, 2_000_000),
            (54_321, 2_000_000),
        ] {
            let value = 1.7;
            let words = SparseVector {
                indices: vec![5, 9],
                values: vec![0.3, value],
            };
            let output = VectorOutput {
                vector: Some(vector_output::Vector::Sparse(words)),
                ..VectorOutput::default()
            };
            let vectors = NamedVectorsOutput {
                vectors: Map::from([(WORDS.to_owned(), output)]),
            };
            let point = ScoredPoint {
                score: bm25::inverse_frequency(frequency, chunk_count) * value,
                vectors: Some(VectorsOutput {
                    vectors_options: Some(vectors_output::VectorsOptions::Vectors(vectors)),
                }),
                ..ScoredPoint::default()
            };
            assert_eq!(super::frequency(9, &point, chunk_count), frequency);
        }
    }
}
