//! The chunks that match terms best.
//!
//! The index says which chunks have a term, and how often; BM25 is computed from
//! that by the server, with the numbers that every store uses.

use rag_core::model::{ChunkRef, Filter};
use rag_core::port::ChunkScore;
use sqlx::postgres::PgRow;

use super::error::Failure;
use super::filter::Condition;
use super::lexeme;
use super::row::{self, sql_number};
use super::session::{Session, built, sql};
use crate::bm25::{self, B, K1};
use crate::selective::{matches_read_max, selective_terms};
use crate::words::is_term;

/// The `limit` chunks that match any of `terms` best among those that pass `filter`.
pub(super) async fn matching(
    session: &mut Session,
    terms: &[String],
    filter: &Filter,
    limit: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let condition = Condition::checked(session, filter).await?;
    let mut terms: Vec<&str> = terms
        .iter()
        .map(String::as_str)
        .filter(|term| is_term(term))
        .collect();
    terms.sort_unstable();
    terms.dedup();
    if limit == 0 || terms.is_empty() {
        return Ok(Vec::new());
    }
    let sizes = sql("SELECT coalesce(sum(chunk_count), 0)::bigint,
             coalesce(sum(term_count), 0)::bigint FROM collection");
    let sizes = session.one(sizes).await?;
    let (chunk_count, term_count): (u64, u64) = (row::number(&sizes, 0)?, row::number(&sizes, 1)?);
    let frequencies = frequencies(session, &terms, chunk_count).await?;
    let mut queries = Vec::new();
    let mut weights = Vec::new();
    let mut occurrences = Vec::new();
    for term in selective_terms(&frequencies, chunk_count) {
        let weight = bm25::inverse_frequency(frequencies[term], chunk_count);
        for (query, number) in lexeme::queries(terms[term]) {
            queries.push(query);
            weights.push(f64::from(weight));
            occurrences.push(f64::from(number));
        }
    }
    // A chunk weighs what its length is to the average.
    let average = term_count as f64 / (chunk_count as f64).max(1.0);
    // `OFFSET 0` keeps the planner from going through all chunks for each term.
    let select = built(format!(
        "SELECT m.document_id, m.index,
             sum(q.weight * q.occurrences * ({K1} + 1)
                 / (q.occurrences + {K1} * (1 - {B} + {B} * m.term_count / $4)))::real AS score
         FROM unnest($1::text[], $2::float8[], $3::float8[]) q (query, weight, occurrences)
         CROSS JOIN LATERAL (
             SELECT w.document_id, w.index, w.term_count, w.collection_id FROM word w
             WHERE w.words @@ q.query::tsquery OFFSET 0) m
         WHERE (cardinality($6::bigint[]) = 0 OR m.collection_id = ANY ($6)) {}
         GROUP BY m.document_id, m.index
         ORDER BY score DESC, m.document_id, m.index LIMIT $5",
        condition.on_row_of("m", 7)
    ));
    let select = select
        .bind(queries)
        .bind(weights)
        .bind(occurrences)
        .bind(average.max(f64::MIN_POSITIVE))
        .bind(sql_number(limit))
        .bind(condition.collections.clone());
    session.each(condition.bind_row_of(select), score).await
}

/// How many chunks have each of `terms`, as far as that matters: counting ends
/// where a term is too common to be searched, if any other is not.
async fn frequencies(
    session: &mut Session,
    terms: &[&str],
    chunk_count: u64,
) -> Result<Vec<u64>, Failure> {
    let matches_max = matches_read_max(chunk_count);
    let frequencies = count(session, terms, matches_max + 1).await?;
    let is_rare = |frequency: &u64| (1..=matches_max).contains(frequency);
    if frequencies.iter().any(is_rare) || frequencies.iter().all(|&frequency| frequency == 0) {
        return Ok(frequencies);
    }
    count(session, terms, u64::MAX).await
}

/// How many chunks have each of `terms`, up to about `count_max`.
async fn count(session: &mut Session, terms: &[&str], count_max: u64) -> Result<Vec<u64>, Failure> {
    let mut numbers = Vec::new();
    let mut queries = Vec::new();
    for (number, term) in (0i64..).zip(terms) {
        for (query, _) in lexeme::queries(term) {
            numbers.push(number);
            queries.push(query);
        }
    }
    let select = sql("SELECT q.number, sum(m.count)::bigint
         FROM unnest($1::bigint[], $2::text[]) q (number, query)
         CROSS JOIN LATERAL (
             SELECT count(*) FROM (
                 SELECT FROM word w WHERE w.words @@ q.query::tsquery LIMIT $3) w) m
         GROUP BY q.number ORDER BY q.number");
    let select = select
        .bind(numbers)
        .bind(queries)
        .bind(sql_number(count_max));
    session.each(select, |row| row::number(row, 1)).await
}

/// A chunk and its score, in the first three columns.
pub(super) fn score(row: &PgRow) -> Result<ChunkScore, Failure> {
    Ok(ChunkScore {
        chunk: ChunkRef {
            document: row::document_id(row, 0)?,
            index: row::index(row, 1)?,
        },
        score: row::get(row, 2)?,
    })
}
