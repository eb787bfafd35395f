//! HTTP answers for requests that never became a message: a status, and a
//! JSON-RPC error that says why.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rmcp::model::{ErrorCode, ErrorData, JsonRpcError};

/// After how many seconds to come again when there is no room.
const RETRY_AFTER_S: u32 = 5;

/// `status` with a JSON-RPC error that says `text`: the caller's fault below
/// status 500, ours from there.
pub(super) fn refuse(status: StatusCode, text: impl Into<String>) -> Response {
    let code = if status.is_server_error() {
        ErrorCode::INTERNAL_ERROR
    } else {
        ErrorCode::INVALID_REQUEST
    };
    let error = JsonRpcError::new(None, ErrorData::new(code, text.into(), None));
    let mut response = respond(status, &error);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from(RETRY_AFTER_S);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// `status` with `error` as its body.
pub(super) fn respond(status: StatusCode, error: &JsonRpcError) -> Response {
    let body = serde_json::to_vec(error).expect("an error of strings and numbers is JSON");
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
