//! Accepts connections and serves them, within bounds: how many there are and how
//! many of one address, how long one may take to send a request's head or not read
//! its answer, how long the end may take.
//!
//! `axum::serve` bounds none of these, so this is the loop it would run.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::files;
use super::peers::Peers;

/// How many connections may be open at once, where the system allows so many
/// files; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;

/// How large a part of them one address may have.
const PART_OF_ONE: usize = 2;

/// How long a connection may be idle, or take over the head of a request.
const HEAD_MAX: Duration = Duration::from_secs(75);

/// How long a client may take none of its answer.
const WRITE_MAX: Duration = Duration::from_secs(30);

/// How long requests under way may take once the server is told to stop: the end of
/// the process, with that of its jobs and traces, takes no more than five seconds.
const GRACE: Duration = Duration::from_secs(4);

/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves `app` on `listener` until `shutdown` fires, then lets requests under
/// way finish for four seconds and cuts off the rest.
///
/// Handlers find the client's address as `ConnectInfo<SocketAddr>`.
pub async fn serve(app: Router, listener: TcpListener, shutdown: CancellationToken) {
    let connections_max = files::connections_max(CONNECTIONS_MAX);
    let permits = Arc::new(Semaphore::new(connections_max));
    let peers = Peers::new(connections_max.div_ceil(PART_OF_ONE));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = accept(&listener, &permits) => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, client, permit) = accepted;
        let Some(peer) = peers.admit(client.ip()) else {
            tracing::debug!(%client, "an address has as many connections as it may have");
            continue;
        };
        let (app, shutdown) = (app.clone(), shutdown.clone());
        connections.spawn(async move {
            attend(app, stream, client, shutdown).await;
            drop((permit, peer));
        });
    }
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    if timeout(GRACE, finish).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "cutting off requests that did not finish"
        );
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit) {
    let permit = Arc::clone(permits)
        .acquire_owned()
        .await
        .expect("it is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, client)) => return (stream, client, permit),
            // Out of file handles, or the client has already gone.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection until it ends, or its current request after `shutdown`.
async fn attend(app: Router, stream: TcpStream, client: SocketAddr, shutdown: CancellationToken) {
    // An answer in several small writes must not wait for the client's
    // acknowledgement of each. Without this it is only slower.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    let service = service_fn(move |request| handle(app.clone(), request, client));
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_MAX));
    let stream = Box::pin(stream);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn handle(
    mut app: Router,
    request: Request<Incoming>,
    client: SocketAddr,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(client));
    // A router is always ready.
    app.call(request).await
}
