//! Following and stopping the ingest of a directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};
use rag_embed::HashingEmbedder;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::client::{Client, PATIENCE};

/// An embedder that waits to be let through, once for each call.
struct Gate {
    embedder: HashingEmbedder,
    open: Semaphore,
    calls: AtomicUsize,
    given_up: AtomicUsize,
}

/// Counts the calls that end while they wait.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Gate {
    fn new(calls_open: usize) -> Arc<Self> {
        Arc::new(Gate {
            embedder: HashingEmbedder::new(256),
            open: Semaphore::new(calls_open),
            calls: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Embedder for Gate {
    fn space(&self) -> &EmbeddingSpace {
        self.embedder.space()
    }

    fn token_limits(&self) -> TokenLimits {
        self.embedder.token_limits()
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        self.embedder.count_tokens(text)
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let waiting = Waiting(&self.given_up);
        self.open
            .acquire()
            .await
            .expect("it is never closed")
            .forget();
        std::mem::forget(waiting);
        self.embedder.embed(texts, purpose).await
    }
}

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
        let mut last = 0.0;
        for notification in &client.notifications {
            assert_eq!(notification["method"], "notifications/progress");
            let params = &notification["params"];
            assert_eq!(params["progressToken"], token);
            assert_eq!(params["total"].as_f64(), Some(12.0));
            assert!(params["message"].as_str().unwrap().contains(".md"));
            let progress = params["progress"].as_f64().unwrap();
            assert!(progress > last, "{progress} came after {last}");
            last = progress;
        }
        assert_eq!(last, 12.0, "the end was not told");
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
    let mut client = Client::with_embedder(gate.clone()).await;
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
    let mut client = Client::with_embedder(gate.clone()).await;
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
    let mut client = Client::with_embedder(gate.clone()).await;
    client.collection("docs").await;
    // Whoever waits at a closed gate panics.
    gate.open.close();
    let arguments = json!({"collection_name": "docs", "content": "Some text"});
    let refusal = client.refusal("ingest_text", arguments).await;
    assert!(refusal.contains("it never should"), "{refusal}");
    let documents = client.answer("list_documents", json!({})).await;
    assert_eq!(documents["total_count"], 0);
}
