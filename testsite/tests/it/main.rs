//! The test site, seen from the other end of a plain connection.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod client;
mod github;
mod site;
mod sites;
