//! The operations of rag-memory. [`Memory`] has one method for each, taking
//! and giving the wire types of [`api`] and failing with the [`Error`] of
//! [`mod@error`]; MCP, HTTP and the command line are thin over it.
//!
//! It joins sources, an embedder and a store, and is given all three: which
//! ones, the program decides.

pub mod api;
pub mod error;
pub mod memory;

pub use error::{Error, ErrorKind};
pub use memory::{Memory, MemoryOptions, Progress, Watch, Web};
