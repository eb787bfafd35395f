//! Embedding by an OpenAI-compatible `/v1/embeddings` endpoint.
//!
//! This module cuts texts into requests and puts the answers together.
//! `options` checks the settings, `exchange` makes one request, `answer` reads
//! what came back, `retry` decides when to try again, `estimate` guesses tokens.

mod answer;
mod estimate;
mod exchange;
mod options;
mod retry;

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use self::exchange::{Exchange, Failure};
pub use self::options::{OPENAI_BASE_URL, RemoteOptions};

/// What OpenAI's models read, with room for an estimate that is too low.
const TOKEN_LIMITS: TokenLimits = TokenLimits {
    target: 350,
    max: 8_000,
};

/// The most texts in one request.
const REQUEST_TEXTS_MAX: usize = 128;

/// The most tokens in one request, estimated.
const REQUEST_TOKENS_MAX: usize = 100_000;

/// The most requests under way at a time, over all calls.
const REQUESTS_MAX: usize = 4;

/// How often a text that the model finds too long is cut by a quarter: to less
/// than a thirtieth of its length.
const CUTS_MAX: usize = 12;

/// Asks an endpoint for vectors: batched, with bounded concurrency, retried
/// while that can help and there is time. Nothing is sent before the first
/// `embed`.
pub struct RemoteEmbedder {
    space: EmbeddingSpace,
    exchange: Exchange,
    deadline: Duration,
    permits: Semaphore,
}

impl RemoteEmbedder {
    /// An embedder with these settings.
    ///
    /// # Errors
    /// [`EmbedError::BadKey`] when the endpoint is OpenAI's and there is no
    /// key, or the key cannot be one; [`EmbedError::BadModel`] when the
    /// dimensions are not known or impossible; [`EmbedError::Unavailable`]
    /// when the base URL is not one of http or https.
    pub fn new(options: RemoteOptions) -> Result<Self, EmbedError> {
        let deadline = options.deadline;
        let settings = options.check()?;
        let space = EmbeddingSpace {
            model: settings.model.clone(),
            dimensions: settings.dimensions,
        };
        let exchange = Exchange::new(settings);
        Ok(RemoteEmbedder {
            space,
            exchange,
            deadline,
            permits: Semaphore::new(REQUESTS_MAX),
        })
    }

    /// The vectors of one request's texts. Texts that the model finds too long
    /// are cut one by one, so that the others stay whole.
    async fn embed_batch(&self, texts: Vec<&str>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let permit = self.permits.acquire().await;
        let _permit = permit.expect("the semaphore is never closed");
        match self.try_until_deadline(&texts).await {
            Ok(vectors) => Ok(vectors),
            Err(Failure::TooLong(_)) => {
                let mut vectors = Vec::with_capacity(texts.len());
                for text in texts {
                    vectors.extend(self.embed_cutting(text).await?);
                }
                Ok(vectors)
            }
            Err(failure) => Err(failure.into_error()),
        }
    }

    async fn embed_cutting(&self, mut text: &str) -> Result<Vec<Vec<f32>>, EmbedError> {
        for _ in 0..CUTS_MAX {
            match self.try_until_deadline(&[text]).await {
                Err(Failure::TooLong(_)) => {
                    text = &text[..text.floor_char_boundary(text.len() / 4 * 3)];
                }
                outcome => return outcome.map_err(Failure::into_error),
            }
        }
        self.try_until_deadline(&[text])
            .await
            .map_err(Failure::into_error)
    }

    async fn try_until_deadline(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Failure> {
        let deadline = Instant::now() + self.deadline;
        let mut tries = 1;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (error, wait) = match self.exchange.run(texts, left).await {
                Err(Failure::Passing { error, retry_after }) => (error, retry_after),
                outcome => return outcome,
            };
            let wait = wait.unwrap_or_else(|| retry::pause(tries));
            if tries == retry::TRIES_MAX || Instant::now() + wait >= deadline {
                return Err(Failure::Final(error));
            }
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(%error, tries, wait_ms, "the embedding request failed and will be tried again");
            sleep(wait).await;
            tries += 1;
        }
    }
}

#[async_trait]
impl Embedder for RemoteEmbedder {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn token_limits(&self) -> TokenLimits {
        TOKEN_LIMITS
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        Ok(estimate::tokens(text))
    }

    async fn embed(
        &self,
        texts: &[String],
        _purpose: Purpose,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let cut: Vec<&str> = texts.iter().map(|text| sendable(text)).collect();
        let requests: Vec<_> = batches(&cut)
            .into_iter()
            .map(|batch| self.embed_batch(cut[batch].to_vec()))
            .collect();
        let answers: Vec<_> = stream::iter(requests)
            .buffered(REQUESTS_MAX)
            .try_collect()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }
}

/// `text` as far as the model reads it. Endpoints refuse empty texts, so
/// nothing is sent as a space.
fn sendable(text: &str) -> &str {
    if text.is_empty() {
        " "
    } else {
        estimate::cut(text, TOKEN_LIMITS.max)
    }
}

/// Which texts go together: in order, none empty, within the limits of a request.
fn batches(texts: &[&str]) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        let more = estimate::tokens(text);
        let full = index - start == REQUEST_TEXTS_MAX || tokens + more > REQUEST_TOKENS_MAX;
        if full && index > start {
            batches.push(start..index);
            (start, tokens) = (index, 0);
        }
        tokens += more;
    }
    if start < texts.len() {
        batches.push(start..texts.len());
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_text_once_and_within_the_limits() {
        let long = "word ".repeat(4_000);
        for (count, text, expected) in [
            (0, "a", 0),
            (1, "a", 1),
            (128, "a", 1),
            (129, "a", 2),
            (30, long.as_str(), 3),
        ] {
            let texts = vec![text; count];
            let batches = batches(&texts);
            assert_eq!(batches.len(), expected, "{count} texts");
            assert!(
                batches.iter().cloned().flatten().eq(0..count),
                "{batches:?}"
            );
            for batch in batches {
                let tokens: usize = texts[batch].iter().map(|text| estimate::tokens(text)).sum();
                assert!(tokens <= REQUEST_TOKENS_MAX);
            }
        }
    }
}
