//! Work that outlasts a call's patience: it becomes a job to follow.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, PATIENCE, Setup};
use crate::gate::Gate;

/// A client of an impatient server whose embedder lets `open` calls through,
/// and a directory of `files` files that it puts in.
async fn left_running(open: usize, files: usize) -> (Client, Arc<Gate>, Value) {
    let gate = Gate::new(open);
    let mut client = Client::with(Setup {
        embedder: gate.clone(),
        job_wait: Duration::from_millis(100),
        ..Setup::default()
    })
    .await;
    client.collection("docs").await;
    for number in 0..files {
        client.file(&format!("{number:03}.md"), &format!("Text {number}."));
    }
    let directory = client.files().to_str().unwrap().to_owned();
    let arguments = json!({"directory_path": directory, "collection_name": "docs"});
    let answer = client.answer("ingest_directory", arguments).await;
    (client, gate, answer)
}

/// Looks at a job until it has ended.
async fn followed(client: &mut Client, id: &Value) -> Value {
    let follow = async {
        loop {
            let arguments = json!({"job_id": id, "items": "all"});
            let job = client.answer("get_job", arguments).await;
            if !["queued", "running"].contains(&job["status"].as_str().unwrap()) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, follow)
        .await
        .expect("the job ends")
}

#[tokio::test]
async fn what_takes_long_is_followed_to_its_end() {
    let (mut client, gate, answer) = left_running(1, 3).await;
    assert_eq!(answer["status"], "running", "{answer}");
    let id = &answer["job_id"];
    let jobs = client
        .answer("list_jobs", json!({"status": "running"}))
        .await;
    assert_eq!(&jobs["jobs"][0]["job_id"], id);
    gate.open.add_permits(100);
    let job = followed(&mut client, id).await;
    assert_eq!(job["status"], "done", "{job}");
    assert_eq!(job["counts"]["ingested"], 3);
    assert_eq!(job["items"].as_array().unwrap().len(), 3);
    let documents = client.answer("list_documents", json!({})).await;
    assert_eq!(documents["total_count"], 3);
    let status = json!({"collection_name": "docs"});
    let status = client.answer("get_index_status", status).await;
    assert_eq!(&status["sources"][0]["job_id"], id);
    assert_eq!(status["total_docs"], 3);
}

#[tokio::test]
async fn the_same_request_joins_the_job() {
    let (mut client, gate, answer) = left_running(0, 2).await;
    let directory = client.files().to_str().unwrap().to_owned();
    let arguments = json!({"directory_path": directory, "collection_name": "docs"});
    let again = client.answer("ingest_directory", arguments).await;
    assert_eq!(again["job_id"], answer["job_id"]);
    gate.open.add_permits(100);
    followed(&mut client, &answer["job_id"]).await;
    let jobs = client.answer("list_jobs", json!({})).await;
    assert_eq!(jobs["total_count"], 1);
}

#[tokio::test]
async fn a_job_is_stopped_and_keeps_what_is_done() {
    let (mut client, gate, answer) = left_running(1, 3).await;
    let id = answer["job_id"].clone();
    client.answer("cancel_job", json!({"job_id": id})).await;
    let job = followed(&mut client, &id).await;
    assert_eq!(job["status"], "cancelled", "{job}");
    gate.open.add_permits(100);
    let documents = client.answer("list_documents", json!({})).await;
    assert_eq!(documents["total_count"], 1);
    assert_eq!(job["counts"]["ingested"], 1, "{job}");
}

#[tokio::test]
async fn jobs_that_are_none_are_refused() {
    let mut client = Client::new().await;
    for (tool, arguments, part) in [
        ("get_job", json!({"job_id": "0000000000000"}), "job"),
        ("cancel_job", json!({"job_id": "none"}), "`none`"),
        (
            "get_job",
            json!({"job_id": "x", "items": "some"}),
            "`items`",
        ),
        ("list_jobs", json!({"limit": 0}), "`limit`"),
        ("list_jobs", json!({"collection_name": "docs"}), "`docs`"),
    ] {
        let refusal = client.refusal(tool, arguments).await;
        assert!(refusal.contains(part), "{tool}: {refusal}");
    }
}
