//! The HTTP stack over a real memory, by requests written by hand.

mod api;
mod auth;
mod client;
mod cors;
mod fuzz;
mod issuer;
mod mcp;
mod oauth;
mod openapi;
mod sse;
mod stack;
mod upload;
