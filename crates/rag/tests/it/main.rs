//! The program from outside.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod analyze;
mod cli;
mod config;
mod connect;
#[cfg(target_os = "linux")]
mod container;
mod crawl;
#[cfg(target_os = "linux")]
mod faults;
mod http;
#[cfg(unix)]
mod outage;
mod packaging;
mod program;
mod reference;
mod repository;
#[cfg(unix)]
mod resume;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod served;
mod stdio;
mod stores;
mod tidy;
#[cfg(unix)]
mod traces;
mod trouble;
mod troubleshooting;
#[cfg(unix)]
mod watch;
mod wire;
