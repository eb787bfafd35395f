//! The chunks nearest to a vector.

use qdrant_client::qdrant::{
    DenseVector, Filter, Query, QueryPoints, ScoredPoint, SearchParams, VectorInput, query,
    vector_input,
};
use rag_core::model::EmbeddingSpace;
use rag_core::port::ChunkScore;

use super::chunk;
use super::failure::Failure;
use super::narrow::Narrowed;
use super::points::{Fields, with_vectors};
use super::schema::DENSE;
use super::search::{Asked, CANDIDATE_FIELDS, Candidates, candidate, rank};
use super::server::Server;
use super::{home, space};
use crate::vector::{cosine, length, to_bytes};

/// How many chunks Qdrant looks at, at the least, to find the nearest ones.
const LOOKED_AT_MIN: usize = 256;

/// By how much two ways to compute a cosine may differ.
const EPSILON: f32 = 1e-5;

/// A vector that others are compared with.
pub(super) struct Nearest<'query> {
    query: &'query [f32],
    length: f32,
}

pub(super) async fn nearest(
    server: &Server,
    space: &EmbeddingSpace,
    query: &[f32],
    narrowed: &Narrowed,
    limit: usize,
) -> Result<Vec<ChunkScore>, Failure> {
    let key = space::key(space);
    let homes = home::by_space(&narrowed.homes).remove(&key);
    let Some(homes) = homes.filter(|_| limit > 0) else {
        return Ok(Vec::new());
    };
    let asked = Asked::Nearest(Nearest {
        query,
        length: length(query),
    });
    rank(server, &key, homes, narrowed, &asked, limit).await
}

impl Nearest<'_> {
    /// The `count` nearest chunks that pass `filter`. Qdrant's dot products rank
    /// them; the scores are cosines with the vectors themselves: two chunks with the
    /// same vector must not differ, and Qdrant may add up in another order for each.
    pub(super) async fn candidates(
        &self,
        server: &Server,
        space: &str,
        filter: &Filter,
        count: usize,
    ) -> Result<Candidates, Failure> {
        let mut points = self.points(server, space, filter, count, false).await?;
        if points.len() < count {
            // An index that is searched with a filter may miss some; few points
            // are compared one by one in no time.
            points = self.points(server, space, filter, count, true).await?;
        }
        let mut found = Vec::with_capacity(points.len());
        let mut least = f32::INFINITY;
        for point in &points {
            let vector = chunk::dense(point.vectors.as_ref())?;
            let score = cosine(self.query, self.length, &to_bytes(&vector));
            least = least.min(score);
            found.push(candidate(point, score)?);
        }
        Ok(Candidates {
            bound: (found.len() >= count).then_some(least + EPSILON),
            found,
        })
    }

    /// What Qdrant ranks first; `is_exact` compares with all that pass.
    async fn points(
        &self,
        server: &Server,
        space: &str,
        filter: &Filter,
        count: usize,
        is_exact: bool,
    ) -> Result<Vec<ScoredPoint>, Failure> {
        let data = match self.length > 0.0 && self.length.is_finite() {
            true => self
                .query
                .iter()
                .map(|number| number / self.length)
                .collect(),
            false => self.query.to_vec(),
        };
        let input = VectorInput {
            variant: Some(vector_input::Variant::Dense(DenseVector { data })),
        };
        let chunks = server.chunks(space);
        let request = QueryPoints {
            collection_name: chunks.clone(),
            query: Some(Query {
                variant: Some(query::Variant::Nearest(input)),
            }),
            using: Some(DENSE.to_owned()),
            filter: Some(filter.clone()),
            params: Some(SearchParams {
                hnsw_ef: u64::try_from(LOOKED_AT_MIN.max(count)).ok(),
                exact: Some(is_exact),
                ..SearchParams::default()
            }),
            limit: u64::try_from(count).ok(),
            with_payload: Fields::Only(&CANDIDATE_FIELDS).of_query(),
            with_vectors: Some(with_vectors(&[DENSE])),
            ..QueryPoints::default()
        };
        let mut answers = server.query(&chunks, vec![request]).await?;
        Ok(answers.pop().unwrap_or_default())
    }
}
