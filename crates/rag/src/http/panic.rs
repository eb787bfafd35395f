//! Turns a panic while a request is handled into status 500 for that request.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;

use super::problem::Problem;

/// Runs the rest of the stack; the panic itself is reported by the panic hook.
pub(super) async fn contain(request: Request, next: Next) -> Response {
    // Nothing of the request is used after the panic, so no broken state is seen.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a request's handler panicked");
            let detail = "the server failed on this request; its log says more";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
        }
    }
}
