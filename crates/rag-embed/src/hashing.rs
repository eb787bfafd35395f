//! An embedder without a model: words and their parts, hashed to dimensions.
//!
//! It finds texts that share words and stems, not texts that mean the same. It
//! costs microseconds and needs no files, which suits tests and demonstrations.

use async_trait::async_trait;
use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};

use crate::vector::normalise;

/// What a character trigram weighs beside the word it is part of.
const TRIGRAM_WEIGHT: f32 = 0.3;

const TOKEN_LIMITS: TokenLimits = TokenLimits {
    target: 200,
    max: 8_000,
};

/// Maps each word, and each three letters in a row of it, to a dimension and a
/// sign by a hash. Deterministic on every platform.
#[derive(Clone, Debug)]
pub struct HashingEmbedder {
    space: EmbeddingSpace,
}

impl HashingEmbedder {
    /// An embedder of vectors with `dimensions` numbers, at least one.
    pub fn new(dimensions: usize) -> Self {
        let space = EmbeddingSpace {
            model: "hashing-v1".to_owned(),
            dimensions: dimensions.max(1),
        };
        HashingEmbedder { space }
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.space.dimensions];
        for word in words(text).take(TOKEN_LIMITS.max) {
            let letters: Vec<char> = format!("^{word}$")
                .chars()
                .flat_map(char::to_lowercase)
                .collect();
            add(&mut vector, &letters, 1.0);
            for trigram in letters.windows(3) {
                add(&mut vector, trigram, TRIGRAM_WEIGHT);
            }
        }
        if !normalise(&mut vector) {
            vector.fill(0.0);
            vector[0] = 1.0;
        }
        vector
    }
}

#[async_trait]
impl Embedder for HashingEmbedder {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn token_limits(&self) -> TokenLimits {
        TOKEN_LIMITS
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        Ok(words(text).count())
    }

    async fn embed(
        &self,
        texts: &[String],
        _purpose: Purpose,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn add(vector: &mut [f32], letters: &[char], weight: f32) {
    let hash = hash(letters);
    let dimensions = vector.len() as u64;
    // The lowest bit gives the sign, the others the dimension.
    let sign = if hash & 1 == 0 { 1.0 } else { -1.0 };
    let dimension = ((hash >> 1) % dimensions) as usize;
    vector[dimension] += sign * weight;
}

/// FNV-1a, then mixed so that the low bits depend on all letters.
fn hash(letters: &[char]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &letter in letters {
        hash = (hash ^ u64::from(u32::from(letter))).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 31;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}
