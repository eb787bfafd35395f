//! Answers a query with passages: embeds it, has the store rank chunks by
//! vector and by words, fuses the two, and picks what is worth reading —
//! similar enough, not said before, not all from one document, within a budget.

mod pick;

use futures_util::future::{try_join, try_join_all};

use crate::analyse::query_terms;
use crate::fuse::{Candidate, Fusion, candidates, fuse};
use crate::model::{Chunk, DocumentId, DocumentInfo, Filter};
use crate::port::{ChunkScore, EmbedError, Embedder, Purpose, Store, StoreError};

/// How many chunks each ranking gives, however few are asked for: scores are
/// relative to the candidates, and the best passage must not depend on the limit.
const CANDIDATES_MIN: usize = 200;
/// Chunks each ranking gives for one that is asked for: room for the other
/// ranking's favourites, duplicates and chunks of one document.
const CANDIDATES_FACTOR: usize = 4;

/// Which rankings count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Both.
    #[default]
    Hybrid,
    /// Only nearness of vectors.
    Vector,
    /// Only matching words; the embedder is not used.
    Keyword,
}

/// A question and how to answer it.
#[derive(Clone, Debug)]
pub struct Query {
    /// The question.
    pub text: String,
    /// Where to look.
    pub filter: Filter,
    /// Which rankings count.
    pub mode: Mode,
    /// How the rankings are joined.
    pub fusion: Fusion,
    /// The most passages.
    pub limit: usize,
    /// The least cosine similarity of a passage, from -1 to 1. Applied before the limit.
    pub threshold: Option<f32>,
    /// The most passages from one document.
    pub per_document_max: usize,
    /// The most tokens of all passages together, as estimated by
    /// [`crate::tokens::estimate_tokens`].
    pub tokens_max: Option<usize>,
    /// How many chunks of context a passage gets on each side.
    pub neighbours: u32,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Best first.
    pub passages: Vec<Passage>,
    /// What the reader should know about the answer, in sentences.
    pub warnings: Vec<String>,
}

/// A passage that answers, and why it was chosen.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The document it stands in.
    pub document: DocumentInfo,
    /// The chunk; with neighbours, span and text reach over them.
    pub chunk: Chunk,
    /// Its cosine similarity with the query; `None` when it was not compared.
    pub similarity: Option<f32>,
    /// What the order is by, from 0 to 1.
    pub score: f32,
    /// Other documents that have nearly the same passage.
    pub also_in: Vec<DocumentId>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Nothing was asked.
    #[error("the query is blank")]
    BlankQuery,
    /// The store could not rank.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The query could not be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// Answers `query` from `store`.
pub async fn search(
    store: &dyn Store,
    embedder: &dyn Embedder,
    query: &Query,
) -> Result<Answer, SearchError> {
    if query.text.trim().is_empty() {
        return Err(SearchError::BlankQuery);
    }
    let depth = query
        .limit
        .saturating_mul(CANDIDATES_FACTOR)
        .max(CANDIDATES_MIN);
    let (near, matching) = try_join(
        nearest(store, embedder, query, depth),
        matching(store, query, depth),
    )
    .await?;
    let mut candidates = candidates(&near.ranking, &matching);
    if let Some(vector) = &near.vector {
        compare_rest(store, embedder, vector, &mut candidates).await?;
    }
    if let Some(threshold) = query.threshold {
        candidates.retain(|hit| {
            hit.similarity
                .is_none_or(|similarity| similarity >= threshold)
        });
    }
    let warnings = warnings(store, embedder, query, &near, &candidates).await?;
    let ranked = match query.mode {
        Mode::Hybrid => fuse(candidates, query.fusion),
        Mode::Vector => by_similarity(candidates),
        Mode::Keyword => by_matching(candidates),
    };
    let mut answer = pick::pick(store, query, &ranked).await?;
    answer.warnings.splice(0..0, warnings);
    Ok(answer)
}

/// The vector ranking, with the query's vector if it was needed.
struct Near {
    vector: Option<Vec<f32>>,
    ranking: Vec<ChunkScore>,
}

async fn nearest(
    store: &dyn Store,
    embedder: &dyn Embedder,
    query: &Query,
    depth: usize,
) -> Result<Near, SearchError> {
    if query.mode == Mode::Keyword && query.threshold.is_none() {
        return Ok(Near {
            vector: None,
            ranking: Vec::new(),
        });
    }
    let vector = embedder
        .embed(std::slice::from_ref(&query.text), Purpose::Query)
        .await?
        .pop();
    let ranking = match &vector {
        Some(vector) if query.mode != Mode::Keyword => {
            store
                .nearest(embedder.space(), vector, &query.filter, depth)
                .await?
        }
        _ => Vec::new(),
    };
    Ok(Near { vector, ranking })
}

async fn matching(
    store: &dyn Store,
    query: &Query,
    depth: usize,
) -> Result<Vec<ChunkScore>, SearchError> {
    if query.mode == Mode::Vector {
        return Ok(Vec::new());
    }
    Ok(store
        .matching(&query_terms(&query.text), &query.filter, depth)
        .await?)
}

/// Compares the candidates that only their words brought in: the threshold
/// and the fusion need the similarity of all.
async fn compare_rest(
    store: &dyn Store,
    embedder: &dyn Embedder,
    vector: &[f32],
    candidates: &mut [Candidate],
) -> Result<(), StoreError> {
    let mut rest: Vec<&mut Candidate> = candidates
        .iter_mut()
        .filter(|hit| hit.similarity.is_none())
        .collect();
    let chunks: Vec<_> = rest.iter().map(|hit| hit.chunk).collect();
    let similarities = store
        .similarities(embedder.space(), vector, &chunks)
        .await?;
    for (hit, similarity) in rest.iter_mut().zip(similarities) {
        hit.similarity = similarity;
    }
    Ok(())
}

/// Cosines as scores; those below 0 count as 0.
fn by_similarity(candidates: Vec<Candidate>) -> Vec<(Candidate, f32)> {
    candidates
        .into_iter()
        .map(|hit| (hit, hit.similarity.unwrap_or(0.0).max(0.0)))
        .collect()
}

/// Word scores as a part of the best one.
fn by_matching(candidates: Vec<Candidate>) -> Vec<(Candidate, f32)> {
    let matching = |hit: &Candidate| hit.matching.unwrap_or(0.0);
    let best = candidates
        .iter()
        .map(matching)
        .fold(f32::MIN_POSITIVE, f32::max);
    candidates
        .into_iter()
        .map(|hit| (hit, matching(&hit) / best))
        .collect()
}

/// Says so where vectors of another model kept collections from being compared.
async fn warnings(
    store: &dyn Store,
    embedder: &dyn Embedder,
    query: &Query,
    near: &Near,
    candidates: &[Candidate],
) -> Result<Vec<String>, StoreError> {
    let by_vector_only = query.mode == Mode::Vector;
    let suspicious = by_vector_only
        || near.ranking.is_empty()
        || !query.filter.collections.is_empty()
        || candidates.iter().any(|hit| hit.similarity.is_none());
    if near.vector.is_none() || !suspicious {
        return Ok(Vec::new());
    }
    let how = if by_vector_only {
        "was not searched"
    } else {
        "was searched by words only"
    };
    let searched = match &query.filter.collections[..] {
        [] => store.collections().await?,
        names => try_join_all(names.iter().map(|name| store.collection(name))).await?,
    };
    let foreign = searched
        .iter()
        .filter(|info| &info.collection.space != embedder.space());
    Ok(foreign
        .map(|info| {
            format!(
                "collection `{}` holds vectors of {}, not of {}: it {how}",
                info.collection.name,
                info.collection.space,
                embedder.space()
            )
        })
        .collect())
}
