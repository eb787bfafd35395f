//! The server that the MCP conformance suite is run against: the suite's own
//! fixture tools, resources and prompts behind the HTTP stack of `rag`.
//!
//! What it prints first is the address to test, on a line of its own. With
//! `--sessions`, clients of the older revisions get one, which the suite's
//! tools need that ask the client for something.

mod fixtures;
mod input;
mod server;

use std::{io::Write, sync::Arc};

use rag::http::{self, AppOptions, Health};
use rag_mcp::transport;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let options = transport::Options {
        sessions: std::env::args().any(|argument| argument == "--sessions"),
        shutdown: shutdown.clone(),
        ..Default::default()
    };
    let server = server::Fixture::new();
    let routes = transport::routes(move || server.clone(), &options);
    let health = Health::new(Arc::new(|| Box::pin(async { Ok(()) })));
    let app = http::app(routes, health, AppOptions::default());

    let listener = http::bind("127.0.0.1", 0).await?.listener;
    writeln!(std::io::stdout(), "http://{}/mcp", listener.local_addr()?)?;
    http::serve(app, listener, shutdown).await;
    Ok(())
}
