//! The chunks nearest to a vector.
//!
//! Few vectors are all compared. Of many, the index names the likely ones. The
//! scores are exact either way.

use rag_core::model::{ChunkRef, EmbeddingSpace, Filter};
use rag_core::port::ChunkScore;

use super::error::Failure;
use super::filter::Condition;
use super::matching::score;
use super::passage::columns;
use super::row::{self, sql_number};
use super::session::{Session, Statement, built, sql};
use super::vector_table::{self, Space};

/// Up to this many vectors are all compared.
const EXACT_CHUNKS_MAX: u64 = 5_000;

/// To look at a candidate of the index costs as much as to compare so many vectors.
const CANDIDATE_COST: u64 = 20;

/// How many candidates the index keeps while it searches, at the least, and at
/// the most that it can.
const CANDIDATES_MIN: usize = 200;
const CANDIDATES_MAX: usize = 1_000;

/// How many candidates the index keeps for a ranking of `limit` chunks.
pub(super) fn candidates(limit: usize) -> usize {
    (2 * limit).clamp(CANDIDATES_MIN, CANDIDATES_MAX)
}

/// The `limit` chunks of `space` nearest to `query` among those that pass `filter`.
pub(super) async fn nearest(
    session: &mut Session,
    space: &EmbeddingSpace,
    query: &[f32],
    filter: &Filter,
    limit: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let condition = Condition::checked(session, filter).await?;
    let space = match vector_table::find(session, space).await? {
        Some(space) if limit > 0 => space,
        _ => return Ok(Vec::new()),
    };
    let (all, collections) = collections(session, &space, &condition).await?;
    let search = Search {
        space: &space,
        query,
        condition,
        collections: collections.iter().map(|&(id, _)| id).collect(),
        limit,
    };
    let allowed = match search.condition.has_metadata() {
        true => search.chunk_count(session).await?,
        false => collections.iter().map(|&(_, count)| count).sum(),
    };
    if allowed == 0 {
        return Ok(Vec::new());
    }
    if search.is_better_by_index(allowed, all) {
        let found = search.by_index(session).await?;
        // The index gives up after a number of candidates that do not pass.
        let wanted = usize::try_from(allowed).map_or(limit, |count| count.min(limit));
        if found.len() >= wanted {
            return Ok(found);
        }
    }
    search.one_by_one(session).await
}

/// How many chunks the collections have whose space it is, and those of them that
/// may be searched, each with its chunks. In others, what is in the space is only
/// staged.
async fn collections(
    session: &mut Session,
    space: &Space,
    condition: &Condition,
) -> Result<(u64, Vec<(i64, u64)>), Failure> {
    let select = sql("SELECT id, chunk_count FROM collection WHERE space_id = $1");
    let mut collections: Vec<(i64, u64)> = session
        .each(select.bind(space.id), |row| {
            Ok((row::get(row, 0)?, row::number(row, 1)?))
        })
        .await?;
    let all = collections.iter().map(|&(_, count)| count).sum();
    let allowed = &condition.collections;
    collections.retain(|(id, _)| allowed.is_empty() || allowed.contains(id));
    Ok((all, collections))
}

struct Search<'search> {
    space: &'search Space,
    query: &'search [f32],
    condition: Condition,
    /// Never more than these.
    collections: Vec<i64>,
    limit: usize,
}

impl Search<'_> {
    /// How many chunks may be found, where metadata say which.
    async fn chunk_count(&self, session: &mut Session) -> Result<u64, Failure> {
        let select = built(format!(
            "SELECT coalesce(sum(d.chunk_count), 0)::bigint FROM document d
             WHERE d.collection_id = ANY ($1) AND {}",
            self.condition.on_document(2)
        ));
        let select = select.bind(self.collections.clone());
        let select = self.condition.bind_document(select);
        row::number(&session.one(select).await?, 0)
    }

    /// Whether the index is worth asking when `allowed` chunks of `all` may be found:
    /// the fewer they are, the more candidates it looks at for each, and the
    /// quicker they are all compared.
    fn is_better_by_index(&self, allowed: u64, all: u64) -> bool {
        let candidates = candidates(self.limit) as u64 * CANDIDATE_COST;
        self.space.is_indexed
            && allowed > EXACT_CHUNKS_MAX
            && allowed.saturating_mul(allowed) > candidates.saturating_mul(all)
    }

    async fn one_by_one(&self, session: &mut Session) -> Result<Vec<ChunkScore>, Failure> {
        let select = built(format!(
            "SELECT v.document_id, v.index, {} AS score FROM {} v
             WHERE v.collection_id = ANY ($3) {}
             ORDER BY score DESC, v.document_id, v.index LIMIT $2",
            self.space.cosine(1),
            self.space.table(),
            self.condition.on_row_of("v", 4)
        ));
        self.run(session, select, self.limit).await
    }

    async fn by_index(&self, session: &mut Session) -> Result<Vec<ChunkScore>, Failure> {
        let candidates = candidates(self.limit);
        // The candidates are more than are asked for, and put in order by their
        // exact scores.
        let select = built(format!(
            "SELECT v.document_id, v.index, v.score FROM (
                 SELECT v.document_id, v.index, {} AS score FROM {} v
                 WHERE v.collection_id = ANY ($3) {}
                 ORDER BY {} LIMIT $2) v
             ORDER BY v.score DESC, v.document_id, v.index",
            self.space.cosine(1),
            self.space.table(),
            self.condition.on_row_of("v", 4),
            self.space.indexed_distance(1),
        ));
        let mut found = self.run(session, select, candidates).await?;
        found.truncate(self.limit);
        Ok(found)
    }

    async fn run(
        &self,
        session: &mut Session,
        select: Statement,
        limit: usize,
    ) -> Result<Vec<ChunkScore>, Failure> {
        let select = select
            .bind(self.query.to_vec())
            .bind(sql_number(limit))
            .bind(self.collections.clone());
        session
            .each(self.condition.bind_row_of(select), score)
            .await
    }
}

/// The cosines of `query`, a vector of `space`, with `chunks`; `None` for one
/// that is gone or of another space.
pub(super) async fn similarities(
    session: &mut Session,
    space: &EmbeddingSpace,
    query: &[f32],
    chunks: &[ChunkRef],
) -> Result<Vec<Option<f32>>, Failure> {
    let mut similarities = vec![None; chunks.len()];
    let Some(space) = vector_table::find(session, space).await? else {
        return Ok(similarities);
    };
    let (documents, indexes) = columns(chunks);
    let select = built(format!(
        "SELECT r.number, {} FROM unnest($2::bigint[], $3::bigint[])
             WITH ORDINALITY r (document_id, index, number)
         JOIN {} v ON v.document_id = r.document_id AND v.index = r.index
         JOIN collection c ON c.id = v.collection_id AND c.space_id = $4",
        space.cosine(1),
        space.table(),
    ));
    let select = select
        .bind(query.to_vec())
        .bind(documents)
        .bind(indexes)
        .bind(space.id);
    let found = session
        .each(select, |row| {
            Ok((row::number::<usize>(row, 0)?, row::get(row, 1)?))
        })
        .await?;
    for (number, similarity) in found {
        similarities[number - 1] = Some(similarity);
    }
    Ok(similarities)
}
