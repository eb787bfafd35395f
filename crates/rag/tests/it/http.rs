//! The HTTP stack over a real memory, by requests written by hand.

mod client;
mod mcp;
mod sse;
mod stack;
