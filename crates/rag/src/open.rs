//! Makes the memory that the configuration names. The only place that knows
//! which stores and embedders there are.

use std::sync::Arc;

use rag_core::port::{Embedder, Store};
use rag_embed::{LocalEmbedder, RemoteEmbedder, RemoteOptions};
use rag_memory::{Error, Memory, MemoryOptions};
use rag_source::FileRoots;
use rag_store::embedded::EmbeddedStore;

use crate::config::{Config, Embedding};

/// The memory of `config`, which may read files below `file_roots`. Opens the
/// store; loads no model.
pub(crate) fn memory(config: &Config, file_roots: FileRoots) -> Result<Memory, Error> {
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(&config.store_path)?);
    let embedder: Arc<dyn Embedder> = match &config.embedding {
        Embedding::Bundled => Arc::new(LocalEmbedder::bundled()),
        Embedding::Directory(path) => Arc::new(LocalEmbedder::from_directory(path)?),
        Embedding::Remote {
            model,
            dimensions,
            base_url,
            api_key,
        } => Arc::new(RemoteEmbedder::new(RemoteOptions {
            base_url: base_url.reveal().to_owned(),
            api_key: api_key.as_ref().map(|key| key.reveal().to_owned()),
            dimensions: *dimensions,
            ..RemoteOptions::new(model)
        })?),
    };
    let options = MemoryOptions {
        file_roots,
        document_bytes_max: config.document_bytes_max,
        fusion: config.fusion,
    };
    Ok(Memory::new(store, embedder, options))
}
