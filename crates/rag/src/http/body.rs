//! The bodies of requests: which are too large, which are large, and how the others
//! come before their request has its turn, so that whoever sends none keeps nobody
//! else from one.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::problem::Problem;

/// What a body has to have to be a large one, in bytes. One that does not say how
/// much it has is large once it has more.
const LARGE_BYTES: u64 = 1 << 20;
/// How long a body that is not large may take to come, and how many bytes of such
/// are held at once.
const BODY_MAX: Duration = Duration::from_secs(10);
const BODIES_BYTES_MAX: usize = 64 << 20;

/// How long a large one may pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The bodies that are held.
pub(super) struct Bodies {
    bytes_max: usize,
    bytes: Arc<Semaphore>,
}

/// A request as far as it has come.
pub(super) struct Arrived {
    /// With all of its body, unless that is large.
    pub(super) request: Request,
    /// What it takes of the bytes that are held at once.
    pub(super) held: Option<OwnedSemaphorePermit>,
    /// Whether its body is large: its route reads it as it comes.
    pub(super) is_large: bool,
}

/// What came of a body, and the rest of one that turned out to be large.
struct Collected {
    bytes: Vec<u8>,
    held: Option<OwnedSemaphorePermit>,
    rest: Option<BodyDataStream>,
}

impl Bodies {
    /// Bodies of up to `bytes_max` each.
    pub(super) fn new(bytes_max: usize) -> Self {
        Bodies {
            bytes_max,
            bytes: Arc::new(Semaphore::new(BODIES_BYTES_MAX)),
        }
    }

    /// The request as soon as its body is there, or turns out to be large. One that
    /// says that it is too large does not come.
    pub(super) async fn take(&self, request: Request) -> Result<Arrived, Response> {
        let length = content_length(request.headers());
        if length.is_some_and(|length| length > self.bytes_max as u64) {
            return Err(too_large(self.bytes_max));
        }
        let (parts, body) = request.into_parts();
        if length.is_some_and(|length| length > LARGE_BYTES) {
            let body = hurried(Vec::new(), body.into_data_stream());
            return Ok(Arrived {
                request: Request::from_parts(parts, body),
                held: None,
                is_large: true,
            });
        }
        let collected = match timeout(BODY_MAX, collect(body, &self.bytes)).await {
            Ok(Ok(collected)) => collected,
            Ok(Err(_)) => return Err(incomplete("the body did not come whole")),
            Err(_) => return Err(incomplete("the body did not come in time")),
        };
        let Collected { bytes, held, rest } = collected;
        let is_large = rest.is_some();
        let body = match rest {
            Some(rest) => hurried(bytes, rest),
            None => Body::from(bytes),
        };
        Ok(Arrived {
            request: Request::from_parts(parts, body),
            held,
            is_large,
        })
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// A body, up to where it is large, and its bytes of those that are held at once.
/// One that sends little by little holds what it has sent.
async fn collect(body: Body, bytes: &Arc<Semaphore>) -> Result<Collected, axum::Error> {
    let mut collected = Collected {
        bytes: Vec::new(),
        held: None,
        rest: None,
    };
    let mut frames = body.into_data_stream();
    while let Some(frame) = frames.next().await {
        let frame = frame?;
        // A frame is what was read at once, kilobytes.
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let taken = bytes.clone().acquire_many_owned(length).await;
        let taken = taken.expect("it is never closed");
        match &mut collected.held {
            Some(held) => held.merge(taken),
            None => collected.held = Some(taken),
        }
        collected.bytes.extend_from_slice(&frame);
        if collected.bytes.len() as u64 > LARGE_BYTES {
            collected.rest = Some(frames);
            break;
        }
    }
    Ok(collected)
}

/// A body that begins with what has come and ends when it pauses for too long.
fn hurried(come: Vec<u8>, rest: BodyDataStream) -> Body {
    let rest = stream::unfold(Some(rest), |rest| async move {
        let mut rest = rest?;
        match timeout(PAUSE_MAX, rest.next()).await {
            Ok(Some(Ok(frame))) => Some((Ok(frame), Some(rest))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(late) => Some((Err(axum::Error::new(late)), None)),
        }
    });
    Body::from_stream(stream::iter([Ok(Bytes::from(come))]).chain(rest))
}

fn too_large(bytes_max: usize) -> Response {
    let detail = format!("a request may have {bytes_max} bytes at most");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
        .hint("RAG_DOCUMENT_BYTES_MAX says how large a document may be")
        .into_response()
}

fn incomplete(detail: &str) -> Response {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "no_body", detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn request(length: Option<&str>, frames: &[usize]) -> Request {
        let frames: Vec<_> = frames.iter().map(|&length| vec![b'x'; length]).collect();
        let frames = stream::iter(frames.into_iter().map(Ok::<_, axum::Error>));
        let mut request = Request::new(Body::from_stream(frames));
        if let Some(length) = length {
            let length = length.parse().unwrap();
            request.headers_mut().insert(header::CONTENT_LENGTH, length);
        }
        request
    }

    #[tokio::test]
    async fn bodies_come_whole_and_are_large_by_what_they_say_or_send() {
        let bodies = Bodies::new(4 * MIB);
        for (length, frames, large, held) in [
            (Some("0"), &[][..], false, 0),
            (None, &[], false, 0),
            (Some("10"), &[4, 6], false, 10),
            (None, &[4, 6], false, 10),
            (Some("1048576"), &[MIB], false, MIB),
            (None, &[MIB], false, MIB),
            (Some("1048577"), &[MIB, 1], true, 0),
            (None, &[MIB, 1, 5], true, MIB + 1),
        ] {
            let arrived = bodies.take(request(length, frames)).await;
            let arrived = arrived.map_err(|refusal| refusal.status()).unwrap();
            assert_eq!(arrived.is_large, large, "{length:?} {frames:?}");
            let holds = arrived
                .held
                .as_ref()
                .map_or(0, OwnedSemaphorePermit::num_permits);
            assert_eq!(holds, held, "{length:?} {frames:?}");
            let body = axum::body::to_bytes(arrived.request.into_body(), usize::MAX).await;
            let all: usize = frames.iter().sum();
            assert_eq!(body.unwrap().len(), all, "{length:?} {frames:?}");
        }
        let refused = bodies.take(request(Some("4194305"), &[])).await;
        assert_eq!(refused.err().unwrap().status(), 413);
        assert_eq!(bodies.bytes.available_permits(), BODIES_BYTES_MAX);
    }
}
