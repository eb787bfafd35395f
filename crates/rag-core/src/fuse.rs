//! Joins a store's two rankings into one, the same way for every store.
//!
//! Leaves to others: getting the rankings ([`crate::port::Store`]) and what is
//! shown of the result ([`mod@crate::search`]).

use std::collections::HashMap;

use crate::model::ChunkRef;
use crate::port::ChunkScore;

/// The `k` of reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009).
const RECIPROCAL_RANK_K: f32 = 60.0;

/// How two rankings become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fusion {
    /// The mean of both scores, each as its distance from the candidates' mean
    /// in standard deviations (a convex combination; Bruch, Gai, Ingber, TOIS
    /// 2023). A ranking that tells its candidates apart clearly thus counts for
    /// more than one to which they all look alike.
    #[default]
    Convex,
    /// The sum of 1 / (60 + rank), brought to 0..1.
    ReciprocalRank,
}

/// A chunk that one of the rankings has, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The chunk.
    pub chunk: ChunkRef,
    /// Its cosine similarity with the query, where its vector is comparable.
    pub similarity: Option<f32>,
    /// How well its words match, if they do.
    pub matching: Option<f32>,
}

/// The chunks of both rankings, each once, nearest first.
pub fn candidates(nearest: &[ChunkScore], matching: &[ChunkScore]) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = nearest
        .iter()
        .map(|hit| Candidate {
            chunk: hit.chunk,
            similarity: Some(hit.score),
            matching: None,
        })
        .collect();
    let places: HashMap<ChunkRef, usize> = candidates
        .iter()
        .enumerate()
        .map(|(place, hit)| (hit.chunk, place))
        .collect();
    for hit in matching {
        match places.get(&hit.chunk) {
            Some(&place) => candidates[place].matching = Some(hit.score),
            None => candidates.push(Candidate {
                chunk: hit.chunk,
                similarity: None,
                matching: Some(hit.score),
            }),
        }
    }
    candidates
}

/// Gives each candidate a score from 0 to 1, best first; ties by document and
/// index, so that the order never depends on the store.
pub fn fuse(candidates: Vec<Candidate>, fusion: Fusion) -> Vec<(Candidate, f32)> {
    let scores = match fusion {
        Fusion::Convex => convex(&candidates),
        Fusion::ReciprocalRank => reciprocal_rank(&candidates),
    };
    let mut scored: Vec<(Candidate, f32)> = candidates.into_iter().zip(scores).collect();
    scored.sort_by(|(a, score_a), (b, score_b)| {
        score_b
            .total_cmp(score_a)
            .then_with(|| a.chunk.cmp(&b.chunk))
    });
    scored
}

/// An average candidate has 0.5.
fn convex(candidates: &[Candidate]) -> Vec<f32> {
    let near = standard_scores(candidates, |hit| hit.similarity);
    let words = standard_scores(candidates, |hit| Some(hit.matching.unwrap_or(0.0)));
    let logistic = |mean: f32| 1.0 / (1.0 + (-mean).exp());
    near.into_iter()
        .zip(words)
        .map(|(near, words)| logistic((near + words) / 2.0))
        .collect()
}

/// How far each score is from the mean of those there are, in standard
/// deviations; 0 where there is none, or all are the same.
fn standard_scores(
    candidates: &[Candidate],
    score: impl Fn(&Candidate) -> Option<f32>,
) -> Vec<f32> {
    let scores: Vec<f32> = candidates.iter().filter_map(&score).collect();
    let count = scores.len().max(1) as f32;
    let mean = scores.iter().sum::<f32>() / count;
    let variance = scores
        .iter()
        .map(|score| (score - mean).powi(2))
        .sum::<f32>()
        / count;
    let deviation = variance.sqrt();
    let standard = |score: f32| {
        if deviation > f32::EPSILON {
            (score - mean) / deviation
        } else {
            0.0
        }
    };
    candidates
        .iter()
        .map(|hit| score(hit).map_or(0.0, standard))
        .collect()
}

fn reciprocal_rank(candidates: &[Candidate]) -> Vec<f32> {
    let mut scores = vec![0.0; candidates.len()];
    let keys: [fn(&Candidate) -> Option<f32>; 2] = [|hit| hit.similarity, |hit| hit.matching];
    for key in keys {
        let mut ranked: Vec<usize> = (0..candidates.len())
            .filter(|&place| key(&candidates[place]).is_some())
            .collect();
        ranked.sort_by(|&a, &b| {
            let (a, b) = (&candidates[a], &candidates[b]);
            let best_first = key(b)
                .partial_cmp(&key(a))
                .unwrap_or(std::cmp::Ordering::Equal);
            best_first.then_with(|| a.chunk.cmp(&b.chunk))
        });
        let mut rank = 1.0;
        for place in ranked {
            // Two first places add up to 1.
            scores[place] += (RECIPROCAL_RANK_K + 1.0) / (RECIPROCAL_RANK_K + rank) / 2.0;
            rank += 1.0;
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DocumentId;

    fn chunk(number: i64) -> ChunkRef {
        ChunkRef {
            document: DocumentId::from_i64(number).unwrap(),
            index: 0,
        }
    }

    fn ranking(scores: &[(i64, f32)]) -> Vec<ChunkScore> {
        scores
            .iter()
            .map(|&(n, score)| ChunkScore {
                chunk: chunk(n),
                score,
            })
            .collect()
    }

    /// The order of the fused chunks, by number, for both ways of fusing.
    fn check(nearest: &[(i64, f32)], matching: &[(i64, f32)], convex: &[i64], ranks: &[i64]) {
        for (fusion, expected) in [(Fusion::Convex, convex), (Fusion::ReciprocalRank, ranks)] {
            let fused = fuse(candidates(&ranking(nearest), &ranking(matching)), fusion);
            let order: Vec<i64> = fused
                .iter()
                .map(|(hit, _)| hit.chunk.document.as_i64())
                .collect();
            assert_eq!(order, expected, "{fusion:?}");
            assert!(
                fused.iter().all(|(_, score)| (0.0..=1.0).contains(score)),
                "{fused:?}"
            );
        }
    }

    #[test]
    fn nothing_and_one_ranking() {
        check(&[], &[], &[], &[]);
        check(&[(2, 0.9), (1, 0.1)], &[], &[2, 1], &[2, 1]);
        check(&[], &[(2, 9.0), (1, 3.0)], &[2, 1], &[2, 1]);
    }

    #[test]
    fn both_beat_one() {
        check(
            &[(1, 0.9), (2, 0.8), (3, 0.1)],
            &[(2, 5.0), (4, 4.0)],
            // What cannot be compared counts as average.
            &[2, 4, 1, 3],
            &[2, 1, 4, 3],
        );
    }

    #[test]
    fn ties_are_broken_by_chunk() {
        check(&[(7, 0.5), (3, 0.5)], &[], &[3, 7], &[3, 7]);
        check(&[(5, 0.0)], &[(5, 0.0)], &[5], &[5]);
    }
}
