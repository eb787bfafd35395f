//! Lets web pages of allowed origins read the answers
//! ([CORS](https://fetch.spec.whatwg.org/#http-cors-protocol)). Others were
//! refused before by [`super::guard`].

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// What pages may send besides what they always may.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, idempotency-key, last-event-id, prefer, mcp-protocol-version, \
     mcp-session-id, mcp-method, mcp-name, x-request-id",
);
/// What they may read besides what they always may.
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "idempotent-replayed, location, mcp-session-id, retry-after, www-authenticate, x-request-id",
);
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PATCH, DELETE");
/// How long a browser may remember the answer to a preflight, in seconds.
const REMEMBERED_S: HeaderValue = HeaderValue::from_static("600");

/// Answers a preflight, which carries no token, and adds to other answers who may
/// read them.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    // It was checked: a request with an origin that is not allowed is not here.
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match is_preflight {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED_S);
    } else {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    }
    response
}
