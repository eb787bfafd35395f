//! The embedded store held to the contract, and broken in the ways files break.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod conformance;
mod damage;
mod files;
mod processes;
mod recall;
