//! Requests that are wrong as such, and both eras of the protocol.

use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn wrong_requests_are_answered_and_the_session_survives() {
    let mut client = Client::new().await;
    // method, params, code, what the message must contain
    let cases = [
        ("nonsense", json!({}), -32601, "nonsense"),
        (
            "tools/call",
            json!({"name": "serch_documents"}),
            -32602,
            "did you mean `search_documents`?",
        ),
        (
            "tools/call",
            json!({"name": "xyzzy", "arguments": {}}),
            -32602,
            "no tool `xyzzy`",
        ),
        (
            "tools/call",
            json!({"name": "analyze_weather", "arguments": {}}),
            -32602,
            "no tool",
        ),
        (
            "tools/call",
            json!({"name": "search", "arguments": [1]}),
            -32602,
            "shape",
        ),
        ("tools/call", json!({"name": 7}), -32602, "shape"),
        ("tools/call", json!({}), -32602, "shape"),
        ("resources/read", json!({}), -32602, "shape"),
        ("prompts/get", json!({"name": []}), -32602, "shape"),
        ("completion/complete", json!({"ref": 1}), -32602, "shape"),
    ];
    for (method, params, code, expected) in cases {
        let error = client.error(method, params.clone()).await;
        assert_eq!(error["code"], code, "{method} {params}: {error}");
        let text = error["message"].as_str().unwrap();
        assert!(
            text.contains(expected),
            "{method} {params}: `{text}` lacks `{expected}`"
        );
    }
    client.result("ping", json!({})).await;
}

#[tokio::test]
async fn what_is_no_message_does_not_end_the_session() {
    let mut client = Client::new().await;
    for line in [
        "not json",
        "{",
        r#"{"jsonrpc":"2.0","id":900}"#,
        r#"{"jsonrpc":"1.0","id":901,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/nonsense"}"#,
        r#"{"jsonrpc":"2.0","id":999,"result":{}}"#,
        "[]",
    ] {
        client.send_line(line).await;
        let id = client.start("ping", json!({})).await;
        // What could not be read may be answered, but not as a success.
        loop {
            let message = client.receive().await;
            if message["id"] == id {
                assert!(message["result"].is_object(), "after {line}: {message}");
                break;
            }
            assert!(message["error"]["code"].is_i64(), "after {line}: {message}");
        }
    }
}

#[tokio::test]
async fn a_request_that_stands_for_itself_is_answered() {
    let mut client = Client::stateless();
    let about = client.result("server/discover", json!({})).await;
    assert!(
        about["supportedVersions"]
            .as_array()
            .unwrap()
            .contains(&json!("2026-07-28"))
    );
    let list = client.result("tools/list", json!({})).await;
    assert_eq!(list["resultType"], "complete");
    assert!(
        list["ttlMs"].is_i64() && list["cacheScope"].is_string(),
        "no hints for caches"
    );
    client.collection("docs").await;
    client.text("docs", "Ferns", "Ferns have spores.").await;
    let found = client
        .answer("search_documents", json!({"query": "fern spores"}))
        .await;
    assert_eq!(found["results"][0]["source_filename"], "Ferns");
    let resources = client.result("resources/list", json!({})).await;
    assert_eq!(resources["resultType"], "complete");
}

#[tokio::test]
async fn many_calls_at_once_are_all_answered() {
    let mut client = Client::new().await;
    client.collection("docs").await;
    let mut waiting = std::collections::BTreeSet::new();
    for number in 0..20 {
        let arguments = json!({"collection_name": "docs", "content": format!("Text {number}")});
        let params = json!({"name": "ingest_text", "arguments": arguments});
        waiting.insert(client.start("tools/call", params).await);
    }
    while !waiting.is_empty() {
        let message = client.receive().await;
        assert_eq!(message["result"]["isError"], false, "{message}");
        assert!(
            waiting.remove(&message["id"].as_i64().unwrap()),
            "answered twice: {message}"
        );
    }
    let documents = client.answer("list_documents", json!({})).await;
    assert_eq!(documents["total_count"], 20);
}
