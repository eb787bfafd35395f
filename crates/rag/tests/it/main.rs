//! The program from outside.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod analyze;
mod cli;
mod config;
mod connect;
mod crawl;
mod http;
mod packaging;
mod program;
mod reference;
mod repository;
#[cfg(unix)]
mod resume;
#[cfg(unix)]
mod serve;
mod stdio;
mod stores;
mod tidy;
mod trouble;
#[cfg(unix)]
mod watch;
mod wire;
