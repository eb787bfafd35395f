//! Puts what went wrong with a page into words.

use url::Url;

use super::state::PageState;
use crate::proxy::Proxy;

/// The statuses that the proxy gives in its own name.
const STATUSES_OF_PROXY: [u16; 2] = [403, 502];

/// What is said of a page whose process is gone.
pub(super) const CRASHED: &str = "it needs too much memory, or crashes the browser";

/// Why there is no page of the site, if there is none.
pub(super) fn trouble(state: &PageState, proxy: &Proxy) -> Option<String> {
    if state.crashed {
        return Some(CRASHED.to_owned());
    }
    if state.unreachable {
        let error = state.error.as_deref().unwrap_or("net::ERR_FAILED");
        return Some(failure(error, state, proxy));
    }
    // Over http the proxy answers in place of a site that it does not reach.
    let status = state.status?;
    let url = Url::parse(state.document_url.as_deref()?).ok()?;
    if STATUSES_OF_PROXY.contains(&status) && url.scheme() == "http" {
        return proxy.trouble(&url);
    }
    None
}

/// Why a document cannot be had: what the proxy knows of it, or else the
/// browser's error, `net::ERR_…`.
pub(super) fn failure(error: &str, state: &PageState, proxy: &Proxy) -> String {
    let url = state.document_url.as_deref();
    let url = url.and_then(|url| Url::parse(url).ok());
    let known = url.and_then(|url| proxy.trouble(&url));
    known.unwrap_or_else(|| of_error(error))
}

/// A network error of Chromium in words.
fn of_error(error: &str) -> String {
    let name = error.strip_prefix("net::ERR_").unwrap_or(error);
    match name {
        // The browser gives up a document that becomes none.
        "ABORTED" => "it is a download, or has no content".to_owned(),
        "PROXY_CONNECTION_FAILED" => {
            "it does not reach the proxy for its pages on this machine's loopback network"
                .to_owned()
        }
        "TUNNEL_CONNECTION_FAILED" => "the host cannot be reached".to_owned(),
        _ => name.replace('_', " ").to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_chromium_become_words() {
        for (error, expected) in [
            ("net::ERR_TOO_MANY_REDIRECTS", "too many redirects"),
            ("net::ERR_CERT_AUTHORITY_INVALID", "cert authority invalid"),
            ("net::ERR_ABORTED", "it is a download, or has no content"),
            ("something else", "something else"),
        ] {
            assert_eq!(of_error(error), expected);
        }
    }
}
