//! Legacy SSE: `/sse` and `/messages`.

use std::time::Duration;

use rag_mcp::transport::Options;
use serde_json::json;

use super::client::{Server, Session, request, send};

fn initialize() -> String {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2024-11-05",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    })
    .to_string()
}

#[tokio::test]
async fn a_session_answers_on_its_stream() {
    let server = Server::start(Options::default()).await;
    let mut session = Session::open(server.address, &[]).await;
    assert!(
        session.endpoint.starts_with("/messages?session_id="),
        "{}",
        session.endpoint
    );

    assert_eq!(session.post(&initialize()).await.status, 202);
    let answer = session.message().await.unwrap();
    assert_eq!(
        answer["result"]["protocolVersion"], "2024-11-05",
        "{answer}"
    );
    assert_eq!(session.post("{").await.code(), -32700);
    let unknown = r#"{"jsonrpc":"2.0","id":2,"method":"no/such"}"#;
    assert_eq!(session.post(unknown).await.status, 202);
    assert_eq!(session.message().await.unwrap()["error"]["code"], -32601);
}

#[tokio::test]
async fn what_comes_before_the_handshake_does_not_end_the_session() {
    let server = Server::start(Options::default()).await;
    let mut session = Session::open(server.address, &[]).await;
    let early = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(session.post(early).await.status, 202);
    session
        .post(r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#)
        .await;
    assert_eq!(session.message().await.unwrap()["result"], json!({}));
    session.post(&initialize()).await;
    assert_eq!(session.message().await.unwrap()["id"], 1);
}

#[tokio::test]
async fn a_session_is_its_opener_s() {
    let server = Server::start(Options::default()).await;
    let mine = Session::open(server.address, &["Authorization: Bearer mine"]).await;
    let other = Session::open(server.address, &["Authorization: Bearer other"]).await;
    let none = Session::open(server.address, &[]).await;
    let ping = r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#;
    assert_eq!(mine.post(ping).await.status, 202);
    assert_eq!(other.post_to(&mine.endpoint, ping).await.status, 404);
    assert_eq!(none.post_to(&mine.endpoint, ping).await.status, 404);
    for path in [
        "/messages",
        "/messages?session_id=",
        "/messages?session_id=none",
    ] {
        assert_eq!(mine.post_to(path, ping).await.status, 404, "{path}");
    }
    assert_eq!(
        send(server.address, &request("GET", "/messages", &[], ""))
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn sessions_are_bounded_and_make_room_when_they_end() {
    let server = Server::start(Options {
        sse_sessions_max: 2,
        ..Options::default()
    })
    .await;
    let first = Session::open(server.address, &[]).await;
    let _second = Session::open(server.address, &[]).await;
    assert_eq!(Session::open(server.address, &[]).await.status, 503);
    drop(first);
    // The server learns of it with one of the next things it does.
    for _ in 0..1_000 {
        if Session::open(server.address, &[]).await.status == 200 {
            return;
        }
    }
    panic!("a session that ended still takes room");
}

#[tokio::test]
async fn an_idle_session_ends() {
    let options = Options {
        sse_idle_max: Duration::from_millis(50),
        ..Options::default()
    };
    let server = Server::start(options).await;
    let mut session = Session::open(server.address, &[]).await;
    assert_eq!(session.message().await, None);
    assert_eq!(session.post(&initialize()).await.status, 404);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    let options = Options {
        keep_alive_interval: Duration::from_millis(10),
        ..Options::default()
    };
    let server = Server::start(options).await;
    let mut session = Session::open(server.address, &[]).await;
    session.comment().await;
}

#[tokio::test]
async fn the_end_of_the_server_ends_its_sessions() {
    let mut server = Server::start(Options::default()).await;
    let mut session = Session::open(server.address, &[]).await;
    session.post(&initialize()).await;
    session.message().await.unwrap();
    server.shutdown.cancel();
    assert_eq!(session.message().await, None);
    (&mut server.running).await.unwrap();
}
