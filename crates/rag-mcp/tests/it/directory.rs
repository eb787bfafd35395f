//! Following and stopping the ingest of a directory.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::client::{Client, PATIENCE};
use crate::gate::Gate;

async fn start(client: &mut Client, files: usize, token: Value) -> i64 {
    client.collection("docs").await;
    for number in 0..files {
        client.file(
            &format!("{number:03}.md"),
            &format!("# Title {number}\n\nText {number}."),
        );
    }
    let directory = client.files().to_str().unwrap().to_owned();
    let params = json!({
        "name": "ingest_directory",
        "arguments": {"directory_path": directory, "collection_name": "docs"},
        "_meta": {"progressToken": token},
    });
    client.start("tools/call", params).await
}

#[tokio::test]
async fn progress_rises_to_the_end() {
    for token in [json!("a token"), json!(7)] {
        let mut client = Client::new().await;
        let id = start(&mut client, 12, token.clone()).await;
        let response = client.response(id).await;
        let answer = client
            .checked_answer("ingest_directory", response["result"].clone())
            .await;
        assert_eq!(answer["files_ingested"], 12);
        let mut last = -1.0;
        for notification in &client.notifications {
            assert_eq!(notification["method"], "notifications/progress");
            let params = &notification["params"];
            assert_eq!(params["progressToken"], token);
            // Nothing is known before the directory was listed.
            if let Some(total) = params["total"].as_f64() {
                assert_eq!(total, 12.0);
            }
            let progress = params["progress"].as_f64().unwrap();
            assert!(progress > last, "{progress} came after {last}");
            last = progress;
        }
        assert_eq!(last, 12.0, "the end was not told");
        let last = client.notifications.last().unwrap();
        assert_eq!(last["params"]["total"].as_f64(), Some(12.0));
        assert!(last["params"]["message"].as_str().unwrap().contains(".md"));
    }
}

#[tokio::test]
async fn nobody_is_told_who_did_not_ask() {
    let mut client = Client::new().await;
    let id = start(&mut client, 3, Value::Null).await;
    client.response(id).await;
    assert_eq!(client.notifications, Vec::<Value>::new());
}

#[tokio::test]
async fn a_cancelled_ingest_stops_and_keeps_what_is_done() {
    let gate = Gate::new(2);
    let mut client = gate.client().await;
    let id = start(&mut client, 20, json!("t")).await;
    loop {
        let message = client.receive().await;
        assert_eq!(message["method"], "notifications/progress", "{message}");
        if message["params"]["progress"].as_f64() == Some(2.0) {
            break;
        }
    }
    until(&mut client, || gate.calls.load(Ordering::SeqCst) == 3).await;
    let params = json!({"requestId": id, "reason": "enough"});
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    client.send(&cancel).await;
    until(&mut client, || gate.given_up.load(Ordering::SeqCst) == 1).await;
    gate.open.add_permits(100);
    let documents = client.answer("list_documents", json!({})).await;
    assert_eq!(documents["total_count"], 2);
    // The server waits for its calls, so afterwards nothing goes on. Nobody
    // got an answer to the cancelled request, or reading would have failed.
    client.hang_up().await;
    assert_eq!(
        gate.calls.load(Ordering::SeqCst),
        3,
        "more files were begun"
    );
}

#[tokio::test]
async fn a_cancelled_call_of_another_tool_is_given_up() {
    let gate = Gate::new(0);
    let mut client = gate.client().await;
    client.collection("docs").await;
    let arguments = json!({"collection_name": "docs", "content": "Some text"});
    let params = json!({"name": "ingest_text", "arguments": arguments});
    let id = client.start("tools/call", params).await;
    until(&mut client, || gate.calls.load(Ordering::SeqCst) == 1).await;
    let params = json!({"requestId": id});
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    client.send(&cancel).await;
    until(&mut client, || gate.given_up.load(Ordering::SeqCst) == 1).await;
    gate.open.add_permits(100);
    let documents = client.answer("list_documents", json!({})).await;
    assert_eq!(documents["total_count"], 0);
}

/// Keeps the server talking until something has happened.
async fn until(client: &mut Client, happened: impl Fn() -> bool) {
    let talk = async {
        while !happened() {
            client.result("ping", json!({})).await;
        }
    };
    tokio::time::timeout(PATIENCE, talk)
        .await
        .expect("it happens in time");
}

#[tokio::test]
async fn a_call_that_panics_is_answered_and_the_session_goes_on() {
    let gate = Gate::new(0);
    let mut client = gate.client().await;
    client.collection("docs").await;
    // Whoever waits at a closed gate panics.
    gate.open.close();
    let arguments = json!({"collection_name": "docs", "content": "Some text"});
    let refusal = client.refusal("ingest_text", arguments).await;
    assert!(refusal.contains("it never should"), "{refusal}");
    let documents = client.answer("list_documents", json!({})).await;
    assert_eq!(documents["total_count"], 0);
}
