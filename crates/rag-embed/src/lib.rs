//! Text to vectors: the implementations of `rag_core::port::Embedder`.
//!
//! [`LocalEmbedder`] runs a model in this process, [`RemoteEmbedder`] asks an
//! OpenAI-compatible endpoint, [`HashingEmbedder`] needs neither. Which of them
//! is used, and with which settings, is decided by who constructs them: this
//! crate reads no environment and no configuration.

mod hashing;
mod local;
mod remote;
mod vector;

pub use hashing::HashingEmbedder;
pub use local::LocalEmbedder;
pub use remote::{OPENAI_BASE_URL, RemoteEmbedder, RemoteOptions};
