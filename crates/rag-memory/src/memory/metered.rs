//! Counts what an embedder does.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use metrics::{counter, histogram};
use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};
use tracing::Instrument;

/// An embedder whose texts are counted and timed.
pub(super) struct Metered(pub(super) Arc<dyn Embedder>);

#[async_trait]
impl Embedder for Metered {
    fn space(&self) -> &EmbeddingSpace {
        self.0.space()
    }

    fn token_limits(&self) -> TokenLimits {
        self.0.token_limits()
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        self.0.count_tokens(text)
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        let started = Instant::now();
        let span = tracing::info_span!("embed", texts = texts.len());
        let vectors = self.0.embed(texts, purpose).instrument(span).await;
        let outcome = match vectors {
            Ok(_) => "ok",
            Err(_) => "failed",
        };
        counter!("rag_embedded_texts_total", "outcome" => outcome).increment(texts.len() as u64);
        histogram!("rag_embedding_duration_seconds").record(started.elapsed());
        vectors
    }
}
