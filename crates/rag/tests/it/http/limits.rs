//! How much is taken on at once: whoever sends no body keeps others waiting for a
//! while and no longer, and what is too much is told so at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rag::http::{AppOptions, LimitOptions};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::api::server;
use super::client::{PATIENCE, Reply, Server, request, send};

/// How long a request may take.
const REQUEST_MAX: Duration = Duration::from_secs(5);

/// How many wait while one is worked on, and how many more there are.
const WAITING_MAX: usize = 4;
const SURPLUS: usize = 3;

/// How soon one is answered who has nobody to wait for.
const SOON: Duration = Duration::from_secs(8);

/// A server that works on one request at a time.
async fn for_one() -> Server {
    Server::guarded(|_| AppOptions {
        limits: LimitOptions {
            requests_soft: 1,
            requests_hard: 1,
            request_timeout: REQUEST_MAX,
            rate_limit: None,
        },
        ..AppOptions::default()
    })
    .await
}

async fn get(server: &Server, path: &str) -> Reply {
    send(server.address, request("GET", path, &[], "")).await
}

async fn until_ready_is(server: &Server, status: u16) {
    let asking = async {
        while get(server, "/ready").await.status != status {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let told = timeout(PATIENCE, asking).await;
    told.unwrap_or_else(|_| panic!("/ready never says {status}"));
}

/// Takes the only turn, by a large body that does not come, and gives what that one
/// is answered in the end.
async fn hold(server: &Server, path: &str) -> JoinHandle<Reply> {
    let headers = ["Content-Type: application/json", "Content-Length: 2000000"];
    let part = request("POST", path, &headers, "{");
    let held = tokio::spawn(send(server.address, part));
    until_ready_is(server, 503).await;
    held
}

#[tokio::test]
async fn who_holds_the_only_turn_is_given_up_for_the_next() {
    let server = for_one().await;
    for path in ["/mcp", "/api/v1/search"] {
        let began = Instant::now();
        let held = hold(&server, path).await;
        // Who only looks waits for nobody.
        assert_eq!(get(&server, "/health").await.status, 200, "{path}");
        let next = get(&server, "/api/v1/collections").await;
        assert_eq!(next.status, 200, "{path}: {next:?}");
        assert!(began.elapsed() >= REQUEST_MAX, "{path}: it did not wait");
        let given_up = held.await.unwrap();
        assert_eq!(given_up.status, 504, "{path}: {given_up:?}");
        let media_type = given_up.header("content-type");
        assert_eq!(media_type, Some("application/problem+json"));
        assert_eq!(given_up.json()["kind"], "timeout");
        until_ready_is(&server, 200).await;
    }
}

#[tokio::test]
async fn who_finds_no_place_to_wait_is_told_when_to_come_again() {
    let server = for_one().await;
    let held = hold(&server, "/mcp").await;
    let asking = (0..WAITING_MAX + SURPLUS).map(|_| async {
        let reply = get(&server, "/api/v1/collections").await;
        (reply, held.is_finished())
    });
    let answers = join_all(asking).await;
    let is_refused = |answer: &&(Reply, bool)| answer.0.status == 503;
    let refused: Vec<_> = answers.iter().filter(is_refused).collect();
    assert_eq!(refused.len(), SURPLUS, "{answers:?}");
    for (reply, is_over) in refused {
        assert!(!is_over, "it waited: {reply:?}");
        assert_eq!(reply.json()["kind"], "busy");
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
    }
    let done = answers.iter().filter(|(reply, _)| reply.status == 200);
    assert_eq!(done.count(), WAITING_MAX, "{answers:?}");
    assert_eq!(held.await.unwrap().status, 504);
    until_ready_is(&server, 200).await;
}

/// A request whose body comes in chunks, with these.
fn chunked(path: &str, chunks: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
    )
}

/// As many as there may be large bodies: what does not say how long it is may be short.
#[tokio::test]
async fn who_sends_half_a_chunk_keeps_nobody_from_sending_a_whole_one() {
    let server = server().await;
    let mut stalled = Vec::new();
    for path in ["/mcp", "/api/v1/search"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let part = chunked(path, "400\r\n{\"id\":");
        stream.write_all(part.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    let params = json!({"name": "list_collections", "arguments": {}});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let call = call.to_string();
    let whole = format!("{:x}\r\n{call}\r\n0\r\n\r\n", call.len());
    for _ in 0..3 {
        let asking = send(server.address, chunked("/mcp", &whole));
        let reply = timeout(SOON, asking).await.expect("an answer soon");
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.json()["result"]["isError"], false, "{reply:?}");
    }
    drop(stalled);
}
