//! Connections in, answers out. What to answer is left to the site.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use futures_util::{Stream, stream};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::answer::Delivery;
use crate::site::State;
use crate::{Answer, SeenRequest};

/// More connections than this wait until one of them ends.
const CONNECTIONS_MAX: usize = 1024;

/// What is already written gets this time to leave before a connection breaks.
const BEFORE_BREAK: Duration = Duration::from_millis(20);

/// Serves until it is dropped, and with it every connection.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely; some will be free soon.
            sleep(BEFORE_BREAK).await;
            continue;
        };
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let state = Arc::clone(&state);
                async move { Ok::<_, Infallible>(respond(&state, request).await) }
            });
            // A client that goes is the client's affair.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond<B>(state: &State, request: Request<B>) -> Response<Body> {
    let (head, _) = request.into_parts();
    let request = SeenRequest::from_head(&head);
    let answer = state.answer(&request);
    pause(answer.delivery.before_head).await;
    response(answer)
}

fn response(answer: Answer) -> Response<Body> {
    let delivery = answer.delivery;
    let body_bytes = answer.body.len();
    let streamed = delivery.drip.is_some() || delivery.endless || delivery.broken_off;
    let body = match streamed {
        true => Body::from_stream(pieces(answer.body, delivery)),
        false => Body::from(answer.body),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status.try_into().expect("a test's status is one");
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).expect("a test's header name is one"),
            HeaderValue::from_str(value).expect("a test's header value is one"),
        );
    }
    if streamed && !delivery.endless {
        headers
            .entry(header::CONTENT_LENGTH)
            .or_insert_with(|| body_bytes.into());
    }
    response
}

/// The body piece by piece.
fn pieces(body: Bytes, delivery: Delivery) -> impl Stream<Item = io::Result<Bytes>> {
    let end = match delivery.broken_off {
        true => body.len() / 2,
        false => body.len(),
    };
    let (piece_bytes, every) = delivery.drip.unwrap_or((body.len().max(1), Duration::ZERO));
    stream::unfold(Some(0), move |at| {
        let body = body.clone();
        async move {
            let at = match at? {
                at if at < end => at,
                _ if delivery.broken_off => {
                    sleep(BEFORE_BREAK).await;
                    return Some((Err(io::Error::other("broken off on purpose")), None));
                }
                _ if delivery.endless => 0,
                _ => return None,
            };
            if at > 0 || delivery.endless {
                pause(every).await;
            }
            let next = end.min(at + piece_bytes);
            Some((Ok(body.slice(at..next)), Some(next)))
        }
    })
}

/// A sleep of no time would still take a tick of the timer.
async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}
