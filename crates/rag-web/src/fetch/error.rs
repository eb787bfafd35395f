//! Why nothing was fetched.

use crate::Refused;

/// Why nothing was fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The guard refuses it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// robots.txt forbids it.
    #[error("robots.txt of `{host}` forbids `{path}`")]
    Forbidden {
        /// The host.
        host: String,
        /// The path.
        path: String,
    },
    /// robots.txt cannot be had, so that nothing may be fetched (RFC 9309, 2.3.1.4).
    #[error("robots.txt of `{host}` cannot be read now: {message}")]
    NoRobots {
        /// The host.
        host: String,
        /// Why.
        message: String,
    },
    /// The server answered with an error.
    #[error("`{url}` answers {status}")]
    Status {
        /// The address.
        url: String,
        /// 4xx or 5xx, or a 3xx that nobody asked for.
        status: u16,
    },
    /// The server asks to come later, and that is too late.
    #[error("`{url}` asks to wait for {wait_s} s")]
    TooBusy {
        /// The address.
        url: String,
        /// How long.
        wait_s: u64,
    },
    /// It took too long.
    #[error("`{url}` did not answer within {seconds} s")]
    Timeout {
        /// The address.
        url: String,
        /// How long was waited.
        seconds: u64,
    },
    /// There is more than may be.
    #[error("`{url}` has more than {bytes_max} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// How much is allowed.
        bytes_max: u64,
    },
    /// It redirects in a circle, or too often.
    #[error("`{url}` redirects in a circle, or more than {redirects_max} times")]
    TooManyRedirects {
        /// The first address.
        url: String,
        /// How often is allowed.
        redirects_max: u32,
    },
    /// It redirects to what is no address.
    #[error("`{url}` redirects to `{location}`, which is no address")]
    BadRedirect {
        /// The address.
        url: String,
        /// Where to.
        location: String,
    },
    /// No connection, a broken one, or no HTTP.
    #[error("`{url}` cannot be reached: {message}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        message: String,
    },
}

impl FetchError {
    /// Whether the page is gone for good: 404 or 410.
    pub fn is_gone(&self) -> bool {
        matches!(
            self,
            FetchError::Status {
                status: 404 | 410,
                ..
            }
        )
    }
}
