//! What a model is made of: the bundled one, or the files of a folder.
//!
//! Reads only small files; loading the model is `engine`'s.

mod directory;

use std::path::PathBuf;

use rag_core::model::EmbeddingSpace;
use rag_core::port::{Purpose, TokenLimits};

use super::tokens::beginning;

/// The start and end marks that encoders put around a text.
const MARKS: usize = 2;

/// A model that is not loaded yet.
pub(super) struct ModelFiles {
    pub(super) space: EmbeddingSpace,
    pub(super) model: Bytes,
    pub(super) tokenizer: Bytes,
    pub(super) pooling: Pooling,
    /// How many tokens the model reads, start and end marks included.
    pub(super) tokens_max: usize,
    pub(super) token_limits: TokenLimits,
    prompts: Prompts,
}

/// Where a file's content is.
pub(super) enum Bytes {
    Bundled(&'static [u8]),
    File(PathBuf),
}

/// How the vectors of tokens become that of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Their mean.
    Mean,
    /// That of the first token.
    First,
}

/// What a model wants to see before a text, so that it knows what it is for.
#[derive(Default)]
struct Prompts {
    query: String,
    passage: String,
}

impl ModelFiles {
    /// The model that is part of the program; `assets/` says where it is from.
    pub(super) fn bundled() -> Self {
        ModelFiles {
            space: EmbeddingSpace {
                model: "all-MiniLM-L6-v2-int8".to_owned(),
                dimensions: 384,
            },
            model: Bytes::Bundled(include_bytes!(
                "../../../../assets/all-MiniLM-L6-v2/model_int8.onnx"
            )),
            tokenizer: Bytes::Bundled(include_bytes!(
                "../../../../assets/all-MiniLM-L6-v2/tokenizer.json"
            )),
            pooling: Pooling::Mean,
            tokens_max: 256,
            token_limits: TokenLimits {
                target: 150,
                max: 256 - MARKS,
            },
            prompts: Prompts::default(),
        }
    }

    /// `text` as the model wants it, without what it would not read anyway.
    pub(super) fn prepared(&self, text: &str, purpose: Purpose) -> String {
        let prompt = match purpose {
            Purpose::Query => &self.prompts.query,
            Purpose::Passage => &self.prompts.passage,
        };
        format!("{prompt}{}", beginning(text, self.tokens_max))
    }
}
