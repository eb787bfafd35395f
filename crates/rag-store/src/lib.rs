//! Where documents are kept and found, and the jobs that put them in: the
//! implementations of [`rag_core::port::Store`] and the suite that holds all
//! of them to its contract.
//!
//! How rankings are fused, what a document is cut into and which model makes
//! its vectors is not known here.

pub mod conformance;
pub mod embedded;
pub mod legacy;
pub mod postgres;
pub mod qdrant;

mod admit;
mod bm25;
mod item_counts;
mod metadata_keys;
mod ranking;
mod selective;
mod vector;
mod words;

pub use selective::{COMMON_CHUNKS_MIN, MATCHES_READ_MAX, matches_read_max, selective_terms};
