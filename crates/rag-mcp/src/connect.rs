//! A memory over each transport. What is generic in the transports is compiled
//! here once, and not again in every program and test that serves a memory.

use std::io;
use std::sync::Arc;

use axum::Router;
use rag_memory::Memory;
use tokio_util::sync::CancellationToken;

use crate::RagServer;
use crate::tools::ToolSet;
use crate::transport::{self, Options};

/// The routes `/mcp`, `/sse` and `/messages` over `memory`. Each request must carry
/// the [`rag_memory::Access`] of its caller as an extension, else it is refused.
pub fn routes(memory: Arc<Memory>, tools: ToolSet, options: &Options) -> Router {
    let server = RagServer::for_callers(memory, tools);
    transport::routes(move || server.clone(), options)
}

/// Serves `memory` on standard input and output until the input ends or
/// `cancel` fires.
///
/// # Errors
/// Standard input cannot be read, or standard output not written.
pub async fn stdio(
    memory: Arc<Memory>,
    tools: ToolSet,
    cancel: CancellationToken,
) -> io::Result<()> {
    transport::stdio(RagServer::new(memory, tools), cancel).await
}
