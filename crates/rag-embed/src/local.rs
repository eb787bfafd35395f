//! Embedding in this process: the bundled model, or one from a folder.
//!
//! This module joins the parts: `files` says what a model is made of, `engine`
//! runs it, `once` loads it at the first use, `workers` bounds how much runs at
//! a time.

mod engine;
mod files;
mod once;
mod tokens;
mod workers;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};

use self::engine::Engine;
use self::files::ModelFiles;
use self::once::LoadOnce;
use self::workers::Workers;

/// Runs an ONNX sentence-embedding model in this process.
///
/// Texts are embedded one by one, as many at a time as there are cores: a
/// text's vector never depends on what it is embedded together with, which the
/// int8 model's scales would otherwise make it do. Dropping the future of an
/// `embed` gives up the texts that have not begun. A clone shares the model.
#[derive(Clone)]
pub struct LocalEmbedder {
    shared: Arc<Shared>,
}

struct Shared {
    files: ModelFiles,
    engine: LoadOnce<Engine>,
    workers: Arc<Workers>,
}

impl LocalEmbedder {
    /// The model that is part of the program: `all-MiniLM-L6-v2`, int8, 384
    /// dimensions. Loads nothing yet.
    pub fn bundled() -> Self {
        Self::of(ModelFiles::bundled())
    }

    /// A model in the folder layout of sentence-transformers: `model.onnx`,
    /// `model_int8.onnx` or `onnx/model.onnx`, `tokenizer.json`, `config.json`
    /// and the optional `1_Pooling/config.json`, `sentence_bert_config.json`
    /// and `config_sentence_transformers.json` (prompts).
    ///
    /// Reads the small files and samples the large ones; the model is loaded
    /// at the first use. Its space is named after the folder and a hash of
    /// what is in it.
    ///
    /// # Errors
    /// [`EmbedError::BadModel`] when a file is missing or cannot be read, or
    /// when the model needs a step that is not supported.
    pub fn from_directory(path: &Path) -> Result<Self, EmbedError> {
        ModelFiles::in_directory(path).map(Self::of)
    }

    fn of(files: ModelFiles) -> Self {
        let shared = Shared {
            files,
            engine: LoadOnce::new(),
            workers: Workers::of_this_machine(),
        };
        LocalEmbedder {
            shared: Arc::new(shared),
        }
    }
}

impl Shared {
    /// The model, loaded if it is not yet. Blocks.
    fn engine(&self) -> Result<Arc<Engine>, EmbedError> {
        let model = &self.files.space.model;
        let load = || {
            let started = Instant::now();
            let engine = Engine::load(&self.files)?;
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(model, duration_ms, "loaded the embedding model");
            Ok(engine)
        };
        self.engine
            .get(load)
            .map_err(|message| EmbedError::BadModel {
                model: model.clone(),
                message,
            })
    }
}

#[async_trait]
impl Embedder for LocalEmbedder {
    fn space(&self) -> &EmbeddingSpace {
        &self.shared.files.space
    }

    fn token_limits(&self) -> TokenLimits {
        self.shared.files.token_limits
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        let engine = self.shared.engine()?;
        engine
            .count_tokens(text)
            .map_err(|message| failure(&self.shared, message.into()))
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        let files = &self.shared.files;
        let texts: Vec<_> = texts
            .iter()
            .map(|text| files.prepared(text, purpose))
            .collect();
        let one_by_one = texts
            .into_iter()
            .map(|text| embed_one(Arc::clone(&self.shared), text));
        // One more than can run, so that the next is ready when one is done.
        stream::iter(one_by_one)
            .buffered(self.shared.workers.count() + 1)
            .try_collect()
            .await
    }
}

async fn embed_one(shared: Arc<Shared>, text: String) -> Result<Vec<f32>, EmbedError> {
    let worker = shared.workers.take().await;
    let work = {
        let shared = Arc::clone(&shared);
        move || {
            let engine = shared.engine()?;
            let vector = engine
                .embed(&text, worker.pool())
                .map_err(|message| failure(&shared, message.into()))?;
            match vector.len() {
                got if got == shared.files.space.dimensions => Ok(vector),
                got => Err(EmbedError::WrongDimensions {
                    model: shared.files.space.model.clone(),
                    expected: shared.files.space.dimensions,
                    got,
                }),
            }
        }
    };
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(outcome) => outcome,
        Err(error) => Err(failure(&shared, error.into())),
    }
}

fn failure(shared: &Shared, source: Box<dyn std::error::Error + Send + Sync>) -> EmbedError {
    EmbedError::Unavailable {
        action: format!("embed a text with `{}`", shared.files.space.model),
        source,
    }
}
