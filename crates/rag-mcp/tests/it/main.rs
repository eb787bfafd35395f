//! The server as a client sees it: JSON-RPC lines over a pipe in memory, with
//! a real memory over an embedded store behind it.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may panic like the tests"
)]

mod arguments;
mod client;
mod directory;
mod gate;
mod jobs;
mod listing;
mod prompts;
mod protocol;
mod resources;
mod schema;
mod tools;
mod web;
