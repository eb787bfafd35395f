//! MCP over Streamable HTTP at `/mcp`: the stateless revision of 2026-07-28
//! and the older ones, without sessions unless told otherwise. Answers are plain
//! JSON unless there is progress to report first: then they are event streams.
//!
//! The protocol is `rmcp`'s. Around it, this forgives a missing `Accept`
//! header, cancels calls as [`super::cancel`] says, and turns every refusal into a JSON-RPC error that says what to do.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};

use super::{
    Options,
    body::{self, BodyLimits},
    caller::Caller,
    cancel::{Call, Calls},
    message,
    refusal::{refuse, respond},
};

/// What `rmcp` wants a client to accept.
const ACCEPT: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// The most of a refusal's text that is passed on, in bytes.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;

/// The route `/mcp`.
pub(super) fn routes<H, F>(handler: F, options: &Options) -> Router
where
    H: ServerHandler,
    F: Fn() -> H + Send + Sync + 'static,
{
    // `Host` and `Origin` are checked once, for all routes, by who mounts them.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(options.sessions)
        .with_json_response(true)
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(options.body_bytes_max)
        .with_sse_keep_alive(Some(options.keep_alive_interval));
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(handler()), sessions, config);
    let around = Around {
        limits: options.body_limits(),
        calls: Arc::default(),
    };
    Router::new()
        .route_service("/mcp", service.clone())
        .route_service("/mcp/", service)
        .layer(middleware::from_fn_with_state(around, forgive))
}

/// What is kept around the protocol.
#[derive(Clone)]
struct Around {
    limits: BodyLimits,
    calls: Arc<Calls>,
}

/// Supplies what clients leave out, and explains what cannot be served.
async fn forgive(State(around): State<Around>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return explain(next.run(request).await).await;
    }
    let (mut parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        let text =
            "the body must be JSON\n\nhint: send the header `Content-Type: application/json`";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    }
    if accepts_json(&parts.headers) {
        parts.headers.insert(header::ACCEPT, ACCEPT);
    }
    let bytes = match body::read(body, around.limits).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let bytes = message::unmarked(bytes);
    let call = around.calls.note(Caller::of(&parts), &bytes);
    let request = Request::from_parts(parts, Body::from(bytes.clone()));
    let response = match call {
        Some(call) => until_cancelled(call, next.run(request)).await,
        None => next.run(request).await,
    };
    // The media type was right, so this is about what is in the body.
    if response.status() != StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return explain(response).await;
    }
    match message::parse(&bytes) {
        Err(error) => respond(StatusCode::BAD_REQUEST, &error),
        Ok(None) => StatusCode::ACCEPTED.into_response(),
        Ok(Some(_)) => explain(response).await,
    }
}

/// The answer to a call, which ends early when its client cancels it; that the
/// answer goes nowhere is what stops the server.
async fn until_cancelled(call: Call, answer: impl Future<Output = Response>) -> Response {
    let response = tokio::select! {
        response = answer => response,
        () = call.stop().cancelled() => return StatusCode::ACCEPTED.into_response(),
    };
    if is_json(response.headers()) {
        return response;
    }
    response.map(|body| {
        let stop = call.stop().clone().cancelled_owned();
        let frames = body.into_data_stream().take_until(stop).map(move |frame| {
            // The call is under way for as long as its answer is.
            let _held = &call;
            frame
        });
        Body::from_stream(frames)
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

/// Whether an answer in JSON will do: the header is absent, or names JSON or a
/// wildcard. Only a client that asks for progress is answered otherwise.
fn accepts_json(headers: &HeaderMap) -> bool {
    if !headers.contains_key(header::ACCEPT) {
        return true;
    }
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|entry| entry.split(';').next())
        .any(|media_type| {
            ["application/json", "application/*", "*/*"]
                .iter()
                .any(|accepted| media_type.trim().eq_ignore_ascii_case(accepted))
        })
}

/// Gives a refusal that is plain text the form of a JSON-RPC error.
async fn explain(response: Response) -> Response {
    let status = response.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || is_json(response.headers()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = match axum::body::to_bytes(body, REFUSAL_BYTES_MAX).await {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => status.to_string(),
    };
    let mut explained = refuse(status, text);
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            explained.headers_mut().append(name, value.clone());
        }
    }
    explained
}
