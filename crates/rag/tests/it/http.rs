//! The HTTP stack over a real memory, by requests written by hand.

mod api;
mod auth;
mod client;
mod cors;
mod fuzz;
mod issuer;
mod limits;
mod mcp;
mod oauth;
mod openapi;
mod scopes;
mod sse;
mod stack;
mod tool_set;
mod upload;
