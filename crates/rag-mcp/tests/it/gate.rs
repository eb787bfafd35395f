//! An embedder that a test holds up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};
use rag_embed::HashingEmbedder;
use tokio::sync::Semaphore;

use crate::client::{Client, Setup};

/// An embedder that waits to be let through, once for each call.
pub(crate) struct Gate {
    embedder: HashingEmbedder,
    pub(crate) open: Semaphore,
    pub(crate) calls: AtomicUsize,
    pub(crate) given_up: AtomicUsize,
}

/// Counts the calls that end while they wait.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Gate {
    /// A gate that lets so many calls through.
    pub(crate) fn new(calls_open: usize) -> Arc<Self> {
        Arc::new(Gate {
            embedder: HashingEmbedder::new(256),
            open: Semaphore::new(calls_open),
            calls: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
        })
    }

    /// A client of a server that embeds through this gate.
    pub(crate) async fn client(self: &Arc<Self>) -> Client {
        let embedder = self.clone();
        Client::with(Setup {
            embedder,
            ..Setup::default()
        })
        .await
    }
}

#[async_trait]
impl Embedder for Gate {
    fn space(&self) -> &EmbeddingSpace {
        self.embedder.space()
    }

    fn token_limits(&self) -> TokenLimits {
        self.embedder.token_limits()
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        self.embedder.count_tokens(text)
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let waiting = Waiting(&self.given_up);
        self.open
            .acquire()
            .await
            .expect("it is never closed")
            .forget();
        std::mem::forget(waiting);
        self.embedder.embed(texts, purpose).await
    }
}
