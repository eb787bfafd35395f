//! The vocabulary, the contracts and the pure algorithms of rag-memory.
//!
//! Text goes one way through it: a [`model::Document`] and its chunks are made
//! by [`mod@chunk`], embedded by an [`port::Embedder`], kept by a
//! [`port::Store`] ([`ingest`] joins the three), and found again by
//! [`search`], which fuses the two rankings of a store ([`fuse`]).
//!
//! This crate does no I/O, reads no clock and no environment, and knows no
//! runtime, network or database.

pub mod model;
pub mod port;

pub mod analyse;
pub mod chunk;
pub mod fuse;
pub mod ingest;
pub mod search;
pub mod tokens;
