//! The program from outside.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod cli;
mod config;
mod http;
mod program;
mod reference;
mod stdio;
mod tidy;
mod trouble;
