//! The crate from outside, on sites that are on loopback.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod discover;
mod fetch;
mod github;
mod guard;
mod robots;
mod scope;
mod tarball;

use std::sync::Arc;

use rag_web::{Fetcher, FetcherOptions, Guard};
use testsite::Site;

/// A guard that allows these sites.
fn guard(sites: &[&Site]) -> Arc<Guard> {
    let hosts: Vec<String> = sites.iter().map(|site| site.host()).collect();
    Arc::new(Guard::new(&hosts).unwrap())
}

/// A fetcher for these sites.
fn fetcher(sites: &[&Site]) -> Fetcher {
    fetcher_with(sites, FetcherOptions::default())
}

fn fetcher_with(sites: &[&Site], options: FetcherOptions) -> Fetcher {
    Fetcher::new(guard(sites), options)
}
