//! Rankings: what Qdrant finds, kept to what is there for readers.
//!
//! Qdrant ranks points, and among those are chunks of revisions that are not
//! there yet or not any more. So the records of the documents that were found are
//! read, and only chunks are kept that these name. Where a record changed
//! meanwhile, the chunks it names now may not have been ranked: then Qdrant is
//! asked once more.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use qdrant_client::qdrant::{Filter, PointId, ScoredPoint};
use rag_core::model::{ChunkRef, DocumentId, Metadata, contains};
use rag_core::port::ChunkScore;

use super::failure::Failure;
use super::matching::Words;
use super::narrow::Narrowed;
use super::nearest::Nearest;
use super::points::Fields;
use super::row::Row;
use super::server::Server;
use super::token;
use crate::ranking;

/// How often Qdrant is asked again because documents changed.
const CHANGES_MAX: usize = 24;

/// How much more is asked for when what came was not enough.
const GROWTH: usize = 4;

/// By how much the number of candidates may grow only to tell equal scores apart.
const TIES_MAX: usize = 64;

/// A record that is older than this was there before Qdrant was asked, even if
/// the clocks of two machines differ.
const SETTLED: Duration = Duration::from_secs(60);

/// A chunk whose document is not there is left over when it is older than this.
const LEFT_OVER: Duration = Duration::from_secs(900);

/// What is ranked by.
pub(super) enum Asked<'query> {
    Nearest(Nearest<'query>),
    Words(Words),
}

/// A chunk that Qdrant found.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) chunk: ChunkRef,
    /// What wrote it.
    pub(super) token: String,
    /// Its exact score.
    pub(super) score: f32,
}

/// What Qdrant found.
pub(super) struct Candidates {
    pub(super) found: Vec<Candidate>,
    /// What was not found has no better score than this, nearly; `None` when
    /// everything was found.
    pub(super) bound: Option<f32>,
}

/// A document, as far as it matters to its chunks.
#[derive(Clone, Debug, PartialEq)]
struct Standing {
    /// What its record names; `None` when it is not there.
    token: Option<String>,
    /// Whether its metadata are those asked for.
    passes: bool,
    /// Whether it was just so for a while.
    is_settled: bool,
}

/// The `limit` best chunks of the homes allowed in a space; `limit` is above 0.
pub(super) async fn rank(
    server: &Server,
    space: &str,
    homes: Vec<String>,
    narrowed: &Narrowed,
    asked: &Asked<'_>,
    limit: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let filter = narrowed.chunks(homes.clone());
    let mut known: HashMap<DocumentId, Standing> = HashMap::new();
    let mut count = asked.first_count(limit);
    let mut changes = 0;
    loop {
        let candidates = asked.candidates(server, space, &filter, count).await?;
        let ids: BTreeSet<DocumentId> = candidates
            .found
            .iter()
            .map(|found| found.chunk.document)
            .collect();
        let unsure = narrowed.unsure.as_ref();
        let now = standings(server, space, &homes, unsure, &ids).await?;
        let is_certain = candidates.found.iter().all(|found| {
            let now = &now[&found.chunk.document];
            let is_left_over = now.token.is_none() && token::age(&found.token) > LEFT_OVER;
            now.is_settled || is_left_over || known.get(&found.chunk.document) == Some(now)
        });
        known.extend(now);
        changes += 1;
        if !is_certain && changes < CHANGES_MAX {
            continue;
        }
        let is_there = |found: &&Candidate| {
            let standing = &known[&found.chunk.document];
            standing.passes && standing.token.as_ref() == Some(&found.token)
        };
        let there = candidates.found.iter().filter(is_there);
        let mut best: Vec<ChunkScore> = there
            .map(|found| ChunkScore {
                chunk: found.chunk,
                score: found.score,
            })
            .collect();
        ranking::keep_best(&mut best, limit);
        let Some(bound) = candidates.bound else {
            return Ok(best);
        };
        if best.len() == limit {
            let is_decided = best.last().is_some_and(|last| last.score > bound);
            if is_decided || count >= asked.first_count(limit) * TIES_MAX {
                return Ok(best);
            }
        }
        // There are no more points than a number can tell, so this ends.
        count = count.saturating_mul(GROWTH);
        changes = 0;
    }
}

impl Asked<'_> {
    fn first_count(&self, limit: usize) -> usize {
        match self {
            Asked::Nearest(_) => limit + limit / 4 + 16,
            Asked::Words(_) => 2 * limit + 100,
        }
    }

    async fn candidates(
        &self,
        server: &Server,
        space: &str,
        filter: &Filter,
        count: usize,
    ) -> Result<Candidates, Failure> {
        match self {
            Asked::Nearest(nearest) => nearest.candidates(server, space, filter, count).await,
            Asked::Words(words) => words.candidates(server, space, filter, count).await,
        }
    }
}

/// The fields of a chunk that [`candidate`] reads.
pub(super) const CANDIDATE_FIELDS: [&str; 4] = ["document", "index", "token", "length"];

/// The chunk that a point is, with its exact score.
pub(super) fn candidate(point: &ScoredPoint, score: f32) -> Result<Candidate, Failure> {
    let row = Row(&point.payload);
    let document = DocumentId::from_i64(row.number("document")?)
        .ok_or_else(|| Failure::Damaged("a chunk has no document".to_owned()))?;
    Ok(Candidate {
        chunk: ChunkRef {
            document,
            index: row.number("index")?,
        },
        token: row.text("token")?.to_owned(),
        score,
    })
}

/// How each of these documents stands now.
async fn standings(
    server: &Server,
    space: &str,
    homes: &[String],
    unsure: Option<&Metadata>,
    ids: &BTreeSet<DocumentId>,
) -> Result<HashMap<DocumentId, Standing>, Failure> {
    let token_field = format!("token_{space}");
    let mut fields = vec!["id", "kind", "home", "version", token_field.as_str()];
    if unsure.is_some() {
        fields.push("metadata");
    }
    let points: Vec<PointId> = ids.iter().map(|&id| token::document(id)).collect();
    let found = server.get(server.records(), &points, Fields::Only(&fields), &[]);
    let mut standings: HashMap<DocumentId, Standing> = ids
        .iter()
        .map(|&id| {
            let absent = Standing {
                token: None,
                passes: false,
                is_settled: false,
            };
            (id, absent)
        })
        .collect();
    for point in found.await? {
        let row = Row(&point.payload);
        if row.text("kind")? != "document" {
            continue;
        }
        let home = row.text("home")?;
        let passes = match unsure {
            Some(wanted) => contains(&row.metadata("metadata")?, wanted),
            None => true,
        };
        let id = DocumentId::from_i64(row.number("id")?);
        if let Some(standing) = id.and_then(|id| standings.get_mut(&id))
            && homes.iter().any(|allowed| allowed == home)
        {
            standing.token = row.maybe_text(&token_field).map(str::to_owned);
            standing.passes = passes;
            standing.is_settled = token::age(row.text("version")?) > SETTLED;
        }
    }
    Ok(standings)
}
