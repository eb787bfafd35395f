//! The stores held to the contract, and broken in the ways files and servers break.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod agreement;
mod conformance;
mod damage;
mod double;
mod entries;
mod files;
mod postgres;
mod processes;
mod qdrant;
mod recall;
