//! The HTTP+SSE transport of 2024-11-05, which many clients still speak:
//! `GET /sse` opens a session and streams what the server says, `POST
//! /messages` takes what the client says.
//!
//! The session lives as long as its stream. It leaves everything newer to
//! Streamable HTTP.

use std::{convert::Infallible, future::ready, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{StatusCode, header, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::{StreamExt, stream};
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, ServerJsonRpcMessage};
use serde::Deserialize;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Options,
    body::{self, BodyLimits},
    caller::Caller,
    channel::{self, CAPACITY, Service},
    message,
    refusal::{refuse, respond},
    sessions::{Session, Sessions},
};

/// Makes the server of one session.
pub(super) type NewService = Box<dyn Fn() -> Service + Send + Sync>;

/// How long a post waits for a session that is busy taking earlier ones.
const HANDOVER_MAX: Duration = Duration::from_secs(10);

struct Legacy {
    new_service: NewService,
    sessions: Arc<Sessions>,
    body_limits: BodyLimits,
    idle_max: Duration,
    keep_alive_interval: Duration,
    shutdown: CancellationToken,
}

/// The routes `/sse` and `/messages`.
pub(super) fn routes(new_service: NewService, options: &Options) -> Router {
    let legacy = Legacy {
        new_service,
        sessions: Arc::new(Sessions::new(options.sse_sessions_max)),
        body_limits: options.body_limits(),
        idle_max: options.sse_idle_max,
        keep_alive_interval: options.keep_alive_interval,
        shutdown: options.shutdown.clone(),
    };
    Router::new()
        .route("/sse", get(open))
        .route("/messages", post(take))
        .with_state(Arc::new(legacy))
}

/// `GET /sse`: first an `endpoint` event that says where to post, then every
/// message of the server.
async fn open(State(legacy): State<Arc<Legacy>>, request: Request) -> Response {
    let caller = Caller::of(&request.into_parts().0);
    let (to_service, incoming) = mpsc::channel(CAPACITY);
    let (to_client, mut outgoing) = mpsc::channel(CAPACITY);
    let session = Session::new(caller, to_service, legacy.shutdown.child_token());
    let Some(entry) = legacy.sessions.enter(session.clone()) else {
        let text = "too many SSE sessions are open; close one, or use Streamable HTTP at `/mcp`";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, text);
    };

    let endpoint = format!("/messages?session_id={}", entry.id());
    tokio::spawn(attend(
        (legacy.new_service)(),
        session,
        incoming,
        to_client,
        legacy.idle_max,
    ));
    let messages = stream::poll_fn(move |context| {
        // The entry goes when the stream does: when the client has gone, or
        // the service is done and has closed its end.
        let _held = &entry;
        outgoing.poll_recv(context)
    });
    let events = stream::once(ready(Event::default().event("endpoint").data(endpoint)))
        .chain(messages.map(|message| event(&message)))
        .map(Ok::<_, Infallible>);
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(legacy.keep_alive_interval))
        .into_response()
}

/// Serves a session until its stream is gone or its client idle too long.
async fn attend(
    service: Service,
    session: Session,
    incoming: mpsc::Receiver<ClientJsonRpcMessage>,
    to_client: mpsc::Sender<ServerJsonRpcMessage>,
    idle_max: Duration,
) {
    let serving = channel::serve(service, incoming, to_client, session.stop.clone());
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        () = session.idle(idle_max) => {
            session.stop.cancel();
            serving.await;
        }
    }
}

fn event(message: &ServerJsonRpcMessage) -> Event {
    let text = serde_json::to_string(message).expect("a message that was made here is JSON");
    Event::default().event("message").data(text)
}

#[derive(Deserialize)]
struct Address {
    session_id: String,
}

/// `POST /messages`: hands one message to a session and answers 202.
async fn take(
    State(legacy): State<Arc<Legacy>>,
    address: Result<Query<Address>, QueryRejection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let session = address.ok().and_then(|Query(address)| {
        legacy
            .sessions
            .find(&address.session_id, &Caller::of(&parts))
    });
    let Some(session) = session else {
        let text = "no such session; open one with `GET /sse` and post to the `endpoint` it names";
        return refuse(StatusCode::NOT_FOUND, text);
    };
    let bytes = match body::read(body, legacy.body_limits).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    match message::parse(&bytes) {
        Err(error) => respond(StatusCode::BAD_REQUEST, &error),
        Ok(None) => accepted(),
        Ok(Some(message)) => {
            let sent = session.incoming.send(with_head(message, parts));
            match timeout(HANDOVER_MAX, sent).await {
                Ok(Ok(())) => accepted(),
                Ok(Err(_)) => refuse(StatusCode::NOT_FOUND, "the session has ended"),
                Err(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "the session is busy"),
            }
        }
    }
}

/// Tells the handler of a request what came with it, as Streamable HTTP does.
fn with_head(mut message: ClientJsonRpcMessage, head: Parts) -> ClientJsonRpcMessage {
    if let ClientJsonRpcMessage::Request(request) = &mut message {
        request.request.extensions_mut().insert(head);
    }
    message
}

fn accepted() -> Response {
    (
        StatusCode::ACCEPTED,
        [(header::CONTENT_TYPE, "text/plain")],
        "Accepted",
    )
        .into_response()
}
