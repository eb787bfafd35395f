//! The MCP surface of rag-memory: [`RagServer`] offers a [`Memory`]'s
//! operations as tools, its documents as resources and a prompt that answers
//! from them; [`transport`] carries that to clients.
//!
//! What an operation does is the memory's affair; this crate only translates.
//! It is a crate of its own because the protocol's generic code is slow to
//! compile.
//!
//! [`Memory`]: rag_memory::Memory

mod completion;
mod connect;
mod failure;
mod prompts;
mod resources;
pub mod server;
mod tools;
pub mod transport;

pub use connect::{routes, stdio};
pub use server::RagServer;
pub use tools::{ToolSet, scopes_of_tool};
