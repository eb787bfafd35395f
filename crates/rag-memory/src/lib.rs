//! The operations of rag-memory. [`Memory`] has one method for each, taking
//! and giving the wire types of [`api`] and failing with the [`Error`] of
//! [`mod@error`]; MCP, HTTP and the command line are thin over it.
//!
//! It joins sources, an embedder and a store, and is given all three: which
//! ones, the program decides.

pub mod access;
pub mod api;
pub mod arguments;
pub mod error;
pub mod memory;
pub mod schema;

pub use access::{Access, Scope};
pub use error::{Error, ErrorKind};
pub use memory::{Claim, Keyed, Memory, MemoryOptions, Patience, Progress, Watch, Web};
