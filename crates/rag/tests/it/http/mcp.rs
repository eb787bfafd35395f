//! `/mcp`: what clients leave out is forgiven, what is wrong is explained.

use std::time::Duration;

use rag_mcp::transport::Options;
use serde_json::json;

use super::client::{Server, Stream, request, send};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

#[tokio::test]
async fn a_plain_post_lists_the_tools_as_plain_json() {
    let server = Server::start(Options::default()).await;
    for accept in [None, Some("Accept: */*"), Some("Accept: application/json")] {
        let mut headers = vec!["Content-Type: application/json"];
        headers.extend(accept);
        for path in ["/mcp", "/mcp/"] {
            let reply = send(server.address, &request("POST", path, &headers, LIST)).await;
            assert_eq!(reply.status, 200, "{accept:?} {path}");
            assert!(
                reply.head.contains("content-type: application/json"),
                "{}",
                reply.head
            );
            let tools = reply.json()["result"]["tools"].as_array().unwrap().clone();
            assert!(
                tools.iter().any(|tool| tool["name"] == "search_documents"),
                "{accept:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_message_gets_an_error_that_says_so() {
    let server = Server::start(Options::default()).await;
    let cases = [
        ("{", 400, -32700),
        ("", 400, -32700),
        ("[]", 400, -32600),
        (r#"{"id":1}"#, 400, -32600),
    ];
    for (body, status, code) in cases {
        let reply = server.post_text(body).await;
        assert_eq!((reply.status, reply.code()), (status, code), "{body}");
    }
    let unknown = server
        .post(&json!({"jsonrpc": "2.0", "id": 7, "method": "no/such"}))
        .await;
    assert_eq!(unknown.code(), -32601);
    assert_eq!(unknown.json()["id"], 7);
    let notification = json!({"jsonrpc": "2.0", "method": "no/such"});
    assert_eq!(server.post(&notification).await.status, 202);
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_with_a_hint() {
    let server = Server::start(Options::default()).await;
    for headers in [
        &[][..],
        &["Content-Type: application/x-www-form-urlencoded"],
    ] {
        let reply = send(server.address, &request("POST", "/mcp", headers, LIST)).await;
        assert_eq!(reply.status, 415);
        assert!(
            reply.body.contains("Content-Type: application/json"),
            "{}",
            reply.body
        );
    }
    let html = ["Content-Type: application/json", "Accept: text/html"];
    let reply = send(server.address, &request("POST", "/mcp", &html, LIST)).await;
    assert_eq!((reply.status, reply.code()), (406, -32600));
    let get = send(server.address, &request("GET", "/mcp", &[], "")).await;
    assert_eq!((get.status, get.code()), (405, -32600));
    assert!(get.head.contains("allow: post"), "{}", get.head);
}

#[tokio::test]
async fn a_body_may_be_neither_too_large_nor_too_slow() {
    let options = Options {
        body_bytes_max: 1_000,
        body_pause_max: Duration::from_millis(20),
        ..Options::default()
    };
    let server = Server::start(options).await;
    assert_eq!(
        server
            .post_text(&format!("{LIST}{}", " ".repeat(900)))
            .await
            .status,
        200
    );
    assert_eq!(
        server
            .post_text(&format!("{LIST}{}", " ".repeat(1_000)))
            .await
            .status,
        413
    );

    let chunk = format!("{:x}\r\n{}\r\n", 2_000, " ".repeat(2_000));
    let chunked = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        send(server.address, &format!("{chunked}{chunk}0\r\n\r\n"))
            .await
            .status,
        413
    );

    let headers = ["Content-Type: application/json", "Content-Length: 100"];
    let slow = send(server.address, &request("POST", "/mcp", &headers, "{")).await;
    assert_eq!(slow.status, 408);
}

#[tokio::test]
async fn progress_comes_before_the_answer_when_it_is_asked_for() {
    let server = Server::start(Options::default()).await;
    for name in ["a.md", "b.md", "c.md"] {
        std::fs::write(
            server.files().join(name),
            format!("# {name}\n\nSome words."),
        )
        .unwrap();
    }
    let call = |id: u32, tool: &str, arguments: serde_json::Value, meta: serde_json::Value| {
        json!({
            "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": meta},
        })
    };
    let create = json!({"name": "notes", "description": "Notes"});
    assert_eq!(
        server
            .post(&call(1, "create_collection", create, json!({})))
            .await
            .status,
        200
    );
    let ingest = json!({"collection_name": "notes", "directory_path": server.files()});
    let reply = server
        .post(&call(
            2,
            "ingest_directory",
            ingest,
            json!({"progressToken": "t"}),
        ))
        .await;
    assert!(
        reply.head.contains("content-type: text/event-stream"),
        "{}",
        reply.head
    );
    let events = reply.events();
    let (last, before) = events.split_last().expect("events");
    assert_eq!(
        last["result"]["structuredContent"]["files_ingested"], 3,
        "{last}"
    );
    assert!(!before.is_empty());
    for event in before {
        assert_eq!(event["method"], "notifications/progress");
        assert_eq!(event["params"]["progressToken"], "t");
    }
}

#[tokio::test]
async fn a_call_ends_when_its_client_cancels_it() {
    let server = Server::start(Options::default()).await;
    let files = 2_000;
    for number in 0..files {
        std::fs::write(
            server.files().join(format!("{number}.md")),
            format!("# {number}"),
        )
        .unwrap();
    }
    let call = |tool: &str, arguments: serde_json::Value| {
        json!({
            "jsonrpc": "2.0", "id": 5, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": {"progressToken": "t"}},
        })
    };
    server
        .post(&call(
            "create_collection",
            json!({"name": "notes", "description": "Notes"}),
        ))
        .await;
    let ingest = json!({"collection_name": "notes", "directory_path": server.files()});
    let mut long = Stream::post(server.address, &call("ingest_directory", ingest)).await;
    long.until("notifications/progress").await;
    let cancel = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5},
    });
    assert_eq!(server.post(&cancel).await.status, 202);
    let rest = long.rest().await;
    assert!(!rest.contains("structuredContent"), "{rest}");

    let count = || async {
        let listed = server
            .post(&call("list_documents", json!({"limit": 1})))
            .await;
        listed.json()["result"]["structuredContent"]["total_count"]
            .as_u64()
            .unwrap()
    };
    // What was being stored when the call ended may still arrive.
    let mut before = count().await;
    loop {
        let now = count().await;
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before < files, "the call ran to its end");
}
