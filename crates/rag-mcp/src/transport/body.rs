//! Reads the body of a request, bounded in size and in patience.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::refusal::refuse;

/// How much body, and how slowly, a request may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// The most bytes.
    pub(super) bytes_max: usize,
    /// The longest wait for more of them.
    pub(super) pause_max: Duration,
}

/// The whole body, or the answer that refuses it: 413 when it is too large,
/// 408 when it stalls, 400 when it breaks off.
pub(super) async fn read(body: Body, limits: BodyLimits) -> Result<Bytes, Response> {
    let mut frames = body.into_data_stream();
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    loop {
        let frame = match timeout(limits.pause_max, frames.next()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => {
                let text = format!("the request's body cannot be read: {error}");
                return Err(refuse(StatusCode::BAD_REQUEST, text));
            }
            Ok(None) => return Ok(if rest.is_empty() { first } else { rest.into() }),
            Err(_) => {
                let text = format!("no more of the body came for {:?}", limits.pause_max);
                return Err(refuse(StatusCode::REQUEST_TIMEOUT, text));
            }
        };
        if first.len().max(rest.len()) + frame.len() > limits.bytes_max {
            let text = format!("a request may have {} bytes at most", limits.bytes_max);
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        // Most bodies are one frame, which then need not be copied.
        if first.is_empty() {
            first = frame;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&frame);
    }
}
