//! The words of a chunk as a sparse vector.
//!
//! A term is a dimension: the first four bytes of its hash. Two of a million
//! terms share one now and then, and are then one term.
//!
//! The value of a term is its BM25 weight in a chunk, as if chunks were
//! [`REFERENCE_LENGTH`] terms long on average. So what Qdrant ranks by, with its
//! own inverse frequencies, is close to BM25 whatever the average is; and how
//! often the chunk has the term can be told from the value, to rank exactly.

use std::collections::BTreeMap;

use rag_core::model::ContentHash;

use crate::bm25;
use crate::words::{self, OCCURRENCES};

/// The average length of chunks that is taken for granted when they are written.
const REFERENCE_LENGTH: f32 = 100.0;

/// The dimension of a term.
pub(super) fn dimension(term: &str) -> u32 {
    let [a, b, c, d, ..] = ContentHash::of(term).0;
    u32::from_be_bytes([a, b, c, d])
}

/// The dimensions of a chunk with these `terms`, rising, and their values.
pub(super) fn vector(terms: &[String]) -> (Vec<u32>, Vec<f32>) {
    let mut values: BTreeMap<u32, f32> = BTreeMap::new();
    for (term, place) in words::counted(terms) {
        let weight = weight(OCCURRENCES[place], terms.len());
        let value = values.entry(dimension(term)).or_default();
        *value = value.max(weight);
    }
    values.into_iter().unzip()
}

/// How often a chunk of `length` terms has the term that has this value there.
pub(super) fn occurrences(value: f32, length: usize) -> u8 {
    let off = |occurrences: u8| (weight(occurrences, length) - value).abs();
    let mut best = OCCURRENCES[0];
    for occurrences in OCCURRENCES {
        if off(occurrences) < off(best) {
            best = occurrences;
        }
    }
    best
}

fn weight(occurrences: u8, length: usize) -> f32 {
    bm25::weight(f32::from(occurrences), length as f32 / REFERENCE_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_tell_occurrences() {
        for length in [1, 12, 100, 3_000, 1_000_000] {
            for occurrences in OCCURRENCES {
                let value = weight(occurrences, length);
                assert_eq!(super::occurrences(value, length), occurrences, "{length}");
            }
        }
    }

    #[test]
    fn a_vector_has_each_term_once() {
        let terms: Vec<String> = ["cat", "dog", "cat", "a-b"].map(str::to_owned).into();
        let (dimensions, values) = vector(&terms);
        assert!(dimensions.is_sorted());
        assert_eq!((dimensions.len(), values.len()), (2, 2));
        let place = dimensions.iter().position(|&it| it == dimension("cat"));
        assert_eq!(occurrences(values[place.unwrap()], 4), 2);
        assert_eq!(vector(&[]), (Vec::new(), Vec::new()));
    }
}
