//! The contract of what turns text into vectors.

use std::time::Duration;

use async_trait::async_trait;

use crate::model::EmbeddingSpace;

/// What a text is embedded for; some models treat the two differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A passage that will be searched.
    Passage,
    /// A question that searches.
    Query,
}

/// How long chunks should be, in the embedder's own tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLimits {
    /// What a chunk, its heading included, is packed up to.
    pub target: usize,
    /// What the model reads; text beyond it would be invisible to the vector.
    pub max: usize,
}

/// Turns text into vectors of one embedding space.
///
/// - Vectors have unit length and `space().dimensions` numbers, all finite.
/// - `embed` answers in the order it was asked, one vector for each text; no
///   texts give no vectors, without touching the model or the network.
/// - A text longer than `token_limits().max` is cut, not refused.
/// - The model is loaded by the first `embed` or `count_tokens`, never by the
///   constructor, and once however many calls wait for it.
/// - Calls may run concurrently; dropping the future gives the work up.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The space of the vectors. Cheap; loads nothing.
    fn space(&self) -> &EmbeddingSpace;

    /// How long chunks should be. Cheap; loads nothing.
    fn token_limits(&self) -> TokenLimits;

    /// How many tokens the model makes of `text`, start and end marks left
    /// out; exact for local models, an upper estimate for remote ones. Blocks
    /// while it loads or counts, so call it off the runtime's threads.
    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError>;

    /// The vectors of `texts`.
    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError>;
}

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The endpoint does not accept the key (401, 403), or there is none.
    #[error("the embedding endpoint {endpoint} refused the API key: {message}")]
    BadKey {
        /// Whose it is; no credentials in it.
        endpoint: String,
        /// What the endpoint said.
        message: String,
    },
    /// The account has no credit left; waiting does not help.
    #[error("the embedding account at {endpoint} has no quota left: {message}")]
    NoQuota {
        /// Whose it is.
        endpoint: String,
        /// What the endpoint said.
        message: String,
    },
    /// Too many requests, and retrying within the deadline did not help.
    #[error("the embedding endpoint {endpoint} limits the rate of requests: {message}")]
    RateLimited {
        /// Whose it is.
        endpoint: String,
        /// What the endpoint said.
        message: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// The model gives vectors of another size than was configured.
    #[error("`{model}` gives vectors of {got} dimensions, not the {expected} configured")]
    WrongDimensions {
        /// The model.
        model: String,
        /// What was configured.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// The model is unknown, or its files are missing or broken.
    #[error("the embedding model `{model}` cannot be used: {message}")]
    BadModel {
        /// The model or its folder.
        model: String,
        /// What is wrong with it.
        message: String,
    },
    /// Anything else; trying again later may help.
    #[error("cannot {action}")]
    Unavailable {
        /// What was being done, such as "reach http://…".
        action: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
