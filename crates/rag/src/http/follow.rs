//! What is told of every request: an id that runs through all lines of its log, a
//! line when it is answered, and what `/metrics` counts.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use metrics::{counter, histogram};
use tracing::{Instrument, field};

/// Carries the id of a request, from and to its client.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client, in bytes.
const ID_BYTES_MAX: usize = 128;

/// What those ask who look whether the server is there: no news for a log.
const PROBES: [&str; 3] = ["/health", "/ready", "/metrics"];

/// Follows a request to the head of its answer.
///
/// The span goes along as an extension, for handlers that answer in tasks of
/// their own. Of the address only its route is logged: what stands in the places
/// of its parameters may be secret, as may a query or a header.
pub(super) async fn follow(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>();
    // As many values as there are routes, whatever clients ask for.
    let route = matched.map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        request.id = id,
        http.method = %method,
        http.route = route,
        caller = field::Empty,
    );
    request.extensions_mut().insert(span.clone());
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let seconds = started.elapsed().as_secs_f64();

    let status = response.status().as_u16();
    count(&method, &route, status, seconds);
    span.in_scope(|| tell(&route, status, seconds));
    let id = HeaderValue::from_str(&id).expect("ids are checked or made here");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn count(method: &Method, route: &str, status: u16, seconds: f64) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let labels = [
        ("method", method.to_owned()),
        ("route", route.to_owned()),
        ("status", status.to_string()),
    ];
    counter!("rag_http_requests_total", &labels).increment(1);
    histogram!("rag_http_request_duration_seconds", "route" => route.to_owned()).record(seconds);
}

fn tell(route: &str, status: u16, seconds: f64) {
    let duration_ms = (seconds * 1e6).round() / 1e3;
    if PROBES.contains(&route) {
        tracing::debug!(http.status = status, duration_ms, "answered");
    } else {
        tracing::info!(http.status = status, duration_ms, "answered");
    }
}

/// The client's id for a request, if it can stand in a log, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/=+".contains(&byte);
        (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(known)
    };
    given
        .filter(plain)
        .map_or_else(|| format!("{:016x}", random()), str::to_owned)
}

/// A number that tells requests apart; it keeps nothing secret.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_when_they_can_stand_in_a_log() {
        for (given, taken) in [
            ("01J-abc_def.1", true),
            ("fly/iad:123=+", true),
            ("", false),
            ("with space", false),
            ("{\"json\":1}", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, given.parse().unwrap());
            assert_eq!(request_id(&headers) == given, taken, "{given}");
        }
        let long = "x".repeat(ID_BYTES_MAX + 1);
        let headers = HeaderMap::from_iter([(REQUEST_ID, long.parse().unwrap())]);
        assert_ne!(request_id(&headers), long);
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
