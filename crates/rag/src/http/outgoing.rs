//! Requests that the program itself has to make, to those whom its operator named.
//! What callers name is fetched by `rag-web`, behind its guard.

use std::time::Duration;

use reqwest::ClientBuilder;

/// A client whose requests take no longer than `request_max`.
pub fn client(request_max: Duration) -> ClientBuilder {
    // One for all TLS of the process; whoever comes second finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(request_max)
}
