//! How MCP reaches a client: standard input and output ([`stdio`]), Streamable
//! HTTP at `/mcp`, and the older pair `/sse` and `/messages` ([`routes`]).
//!
//! It knows nothing of what the server offers: any `ServerHandler` will do. It
//! leaves listening, the check of `Host` and `Origin`, and authentication to
//! the program that mounts the routes; none of them may be mounted without
//! that check. A handler finds the head of the HTTP request, with the extensions
//! it was given on its way, as `http::request::Parts` among those of its context.

mod body;
mod caller;
mod cancel;
mod channel;
mod lines;
mod message;
mod refusal;
mod sessions;
mod sse;
mod stdio;
mod streamable;

use std::time::Duration;

use axum::Router;
use rmcp::ServerHandler;
use tokio_util::sync::CancellationToken;

use body::BodyLimits;
use channel::Service;

pub use caller::Identity;
pub use stdio::stdio;

/// What the HTTP transports allow.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest body of one request, in bytes.
    pub body_bytes_max: usize,
    /// How long a request's body may pause before it is given up.
    pub body_pause_max: Duration,
    /// Whether clients of the revisions before 2026-07-28 get a session at
    /// `/mcp`. A handler needs one to ask its client something (sampling,
    /// elicitation) and nothing else does; they are lost when the server stops
    /// and are not bounded in number, so leave them off for a public server.
    pub sessions: bool,
    /// How many legacy SSE sessions may be open at once.
    pub sse_sessions_max: usize,
    /// How long a legacy SSE session may go without a message from its client.
    pub sse_idle_max: Duration,
    /// How often a silent event stream carries a comment, so that proxies keep
    /// it open and a client that went away is noticed.
    pub keep_alive_interval: Duration,
    /// Ends the legacy SSE sessions. Calls over `/mcp` are not cut off by it:
    /// they end with their connection.
    pub shutdown: CancellationToken,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_bytes_max: 24 * 1024 * 1024,
            body_pause_max: Duration::from_secs(30),
            sessions: false,
            sse_sessions_max: 64,
            sse_idle_max: Duration::from_secs(60 * 60),
            keep_alive_interval: Duration::from_secs(15),
            shutdown: CancellationToken::new(),
        }
    }
}

impl Options {
    fn body_limits(&self) -> BodyLimits {
        BodyLimits {
            bytes_max: self.body_bytes_max,
            pause_max: self.body_pause_max,
        }
    }
}

/// The routes `/mcp`, `/sse` and `/messages`, each connection or request with
/// a handler that `handler` makes.
pub fn routes<H, F>(handler: F, options: &Options) -> Router
where
    H: ServerHandler,
    F: Fn() -> H + Clone + Send + Sync + 'static,
{
    let for_sessions = handler.clone();
    streamable::routes(handler, options).merge(sse::routes(
        Box::new(move || Service::new(for_sessions())),
        options,
    ))
}
