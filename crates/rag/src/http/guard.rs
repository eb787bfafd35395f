//! Keeps web pages out: a page in the user's browser can send requests to
//! addresses only the user can reach, if need be under a name of its own that
//! is made to resolve to them. Its requests carry that name as `Host`, or the
//! page's own origin as `Origin`, and are refused by either.
//!
//! It leaves who may do what to authentication.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::problem::Problem;

/// The names and origins that are let in.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// What `Host` may be: a name or address with any port, or with the one
    /// given (`example.org:8000`). `*` lets all in.
    pub hosts: Vec<String>,
    /// Which other origins' pages may call: `https://example.org`, with any
    /// port as `http://localhost:*`. `*` lets all in. A request without
    /// `Origin`, or from a page of this server itself, always may.
    pub origins: Vec<String>,
}

impl Default for Allowed {
    /// The names of this machine, with any port.
    fn default() -> Self {
        let hosts = ["localhost", "127.0.0.1", "[::1]"];
        Self {
            hosts: hosts.map(str::to_owned).to_vec(),
            origins: hosts.map(|host| format!("http://{host}:*")).to_vec(),
        }
    }
}

/// Answers 403 to a `Host` or `Origin` that is not allowed, 400 to a `Host`
/// that is none.
pub(super) async fn check(
    State(allowed): State<Arc<Allowed>>,
    request: Request,
    next: Next,
) -> Response {
    match allowed.admits(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            tracing::warn!(reason = refusal.message, "a request was refused");
            Problem::new(refusal.status, refusal.kind, refusal.message)
                .hint(refusal.hint)
                .into_response()
        }
    }
}

struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
    hint: &'static str,
}

impl Refusal {
    fn forbidden(message: String, hint: &'static str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            kind: "forbidden",
            message,
            hint,
        }
    }
}

impl Allowed {
    fn admits(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(host) = host(uri, headers) else {
            let message = "the request has no valid `Host` header".to_owned();
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                kind: "bad_request",
                message,
                hint: "send one, with the name or address of this server",
            });
        };
        if !self
            .hosts
            .iter()
            .any(|allowed| host_matches(allowed, &host))
        {
            return Err(Refusal::forbidden(
                format!("host `{host}` is not allowed"),
                "set RAG_PUBLIC_URL to the address that clients use, or name it in RAG_ALLOWED_HOSTS",
            ));
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let is_own = origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host.as_str()));
        if is_own
            || self
                .origins
                .iter()
                .any(|allowed| origin_matches(allowed, &origin))
        {
            return Ok(());
        }
        Err(Refusal::forbidden(
            format!("origin `{origin}` is not allowed"),
            "a web page that may call this server must be named in RAG_ALLOWED_ORIGINS",
        ))
    }
}

/// Whom the request is for.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        (Some(_), Some(_)) => None,
        (None, _) => uri.authority().cloned(),
    }
}

fn host_matches(allowed: &str, host: &Authority) -> bool {
    if allowed == "*" {
        return true;
    }
    let Ok(allowed) = Authority::try_from(allowed) else {
        // An IPv6 address may be given without its brackets.
        return bare(host.host()).eq_ignore_ascii_case(allowed);
    };
    bare(allowed.host()).eq_ignore_ascii_case(bare(host.host()))
        && allowed
            .port()
            .is_none_or(|port| host.port().is_some_and(|own| own == port))
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn origin_matches(allowed: &str, origin: &str) -> bool {
    if allowed == "*" {
        return true;
    }
    let Some(any_port) = allowed.strip_suffix(":*") else {
        return allowed.trim_end_matches('/').eq_ignore_ascii_case(origin);
    };
    let Some((start, rest)) = origin.split_at_checked(any_port.len()) else {
        return false;
    };
    let is_port = rest
        .strip_prefix(':')
        .is_some_and(|port| port.parse::<u16>().is_ok());
    start.eq_ignore_ascii_case(any_port) && (rest.is_empty() || is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(allowed: &Allowed, host: &str, origin: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let result = allowed.admits(&Uri::from_static("/mcp"), &headers);
        result.map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    #[test]
    fn by_default_only_this_machine_is_let_in() {
        let cases = [
            ("localhost", None, 200),
            ("LOCALHOST:8000", None, 200),
            ("127.0.0.1:8000", None, 200),
            ("[::1]:8000", None, 200),
            ("evil.example", None, 403),
            ("localhost.evil.example", None, 403),
            ("127.0.0.1.evil.example:8000", None, 403),
            ("", None, 400),
            ("local host", None, 400),
            ("localhost", Some("http://localhost:5173"), 200),
            ("localhost", Some("http://127.0.0.1"), 200),
            ("localhost", Some("http://[::1]:3000"), 200),
            ("localhost", Some("https://evil.example"), 403),
            ("localhost", Some("http://localhost.evil.example"), 403),
            ("localhost", Some("http://localhost:80@evil.example"), 403),
            ("localhost", Some("http://localhostevil"), 403),
            ("localhost", Some("null"), 403),
            ("localhost", Some(""), 403),
        ];
        for (host, origin, expected) in cases {
            assert_eq!(
                status(&Allowed::default(), host, origin),
                expected,
                "{host} {origin:?}"
            );
        }
    }

    #[test]
    fn what_is_named_is_let_in() {
        let allowed = Allowed {
            hosts: ["rag.example.org", "other.example.org:8443", "::1"]
                .map(str::to_owned)
                .to_vec(),
            origins: vec!["https://app.example.org".to_owned()],
        };
        let cases = [
            ("rag.example.org", None, 200),
            ("rag.example.org:443", None, 200),
            ("other.example.org:8443", None, 200),
            ("other.example.org:1", None, 403),
            ("other.example.org", None, 403),
            ("[::1]:8000", None, 200),
            ("localhost", None, 403),
            ("rag.example.org", Some("https://app.example.org"), 200),
            ("rag.example.org", Some("https://app.example.org:8443"), 403),
            ("rag.example.org", Some("http://app.example.org"), 403),
            // Its own page.
            ("rag.example.org", Some("https://rag.example.org"), 200),
            ("rag.example.org", Some("https://rag.example.org:9"), 403),
        ];
        for (host, origin, expected) in cases {
            assert_eq!(
                status(&allowed, host, origin),
                expected,
                "{host} {origin:?}"
            );
        }
    }

    #[test]
    fn a_star_lets_all_in_and_two_hosts_none() {
        let all = Allowed {
            hosts: vec!["*".to_owned()],
            origins: vec!["*".to_owned()],
        };
        assert_eq!(status(&all, "any.example", Some("null")), 200);
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, "localhost".parse().unwrap());
        headers.append(header::HOST, "evil.example".parse().unwrap());
        assert!(all.admits(&Uri::from_static("/"), &headers).is_err());
    }
}
