//! The API at `/api/v1`.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::auth::fill;
use super::client::{Reply, Server, request, send};

/// A server where nobody is asked who they are.
pub(crate) async fn server() -> Server {
    Server::start(rag_mcp::transport::Options::default()).await
}

/// Asks for `path` below `/api/v1`.
pub(crate) async fn ask(server: &Server, method: &str, path: &str, body: &Value) -> Reply {
    ask_with(server, method, path, &[], body).await
}

async fn ask_with(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &Value,
) -> Reply {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let mut all = vec!["Content-Type: application/json"];
    all.extend(headers);
    send(
        server.address,
        &request(method, &format!("/api/v1{path}"), &all, &body),
    )
    .await
}

#[tokio::test]
async fn a_document_goes_in_is_found_changed_and_removed() {
    let server = server().await;
    let made = json!({"name": "docs", "description": "The handbook"});
    let made = ask(&server, "POST", "/collections", &made).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("location"), Some("/api/v1/collections/docs"));

    let text = json!({"content": "Plums are blue.", "document_title": "Plums"});
    let put = ask(&server, "POST", "/collections/docs/documents", &text).await;
    assert_eq!(put.status, 201, "{put:?}");
    let id = put.json()["source_document_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/documents/{id}");
    assert_eq!(
        put.header("location"),
        Some(format!("/api/v1{path}").as_str())
    );
    let again = ask(&server, "POST", "/collections/docs/documents", &text).await;
    assert_eq!(
        (again.status, &again.json()["kind"]),
        (409, &json!("already_exists"))
    );
    let text = json!({"content": "Plums are blue.", "mode": "reingest"});
    let again = ask(&server, "POST", "/collections/docs/documents", &text).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.json()["source_document_id"], id);

    let query = json!({"query": "What is blue?", "collection_name": "docs"});
    let found = ask(&server, "POST", "/search", &query).await.json();
    assert_eq!(found["results"][0]["source_document_id"], id);
    let changed = ask(&server, "PATCH", &path, &json!({"title": "Blue plums"})).await;
    assert_eq!(changed.json()["updated_fields"], json!(["title"]));
    let read = ask(&server, "GET", &path, &Value::Null).await.json();
    assert_eq!(read["filename"], "Blue plums");
    assert_eq!(
        ask(&server, "DELETE", &path, &Value::Null).await.status,
        200
    );
    let gone = ask(&server, "GET", &path, &Value::Null).await;
    assert_eq!(gone.status, 404);
    assert_eq!(
        gone.header("content-type"),
        Some("application/problem+json")
    );
    let problem = gone.json();
    assert_eq!(problem["kind"], "not_found");
    assert_eq!(problem["status"], 404);
    assert!(
        problem["hint"].is_string() && problem["title"] == "Not Found",
        "{problem}"
    );

    let refused = ask(&server, "DELETE", "/collections/docs", &Value::Null).await;
    assert_eq!(refused.status, 400);
    let removed = ask(
        &server,
        "DELETE",
        "/collections/docs?confirm=true",
        &Value::Null,
    )
    .await;
    assert_eq!(removed.json()["deleted"], true);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let server = server().await;
    fill(&server.memory, "docs").await;
    let documents = "/collections/docs/documents";
    for (method, path, body, status, part) in [
        (
            "POST",
            "/search",
            json!({}),
            400,
            "argument `query` is missing",
        ),
        (
            "POST",
            "/search",
            json!({"query": 5}),
            400,
            "must be a string",
        ),
        (
            "POST",
            "/search",
            json!({"qurey": "x"}),
            400,
            "did you mean `query`?",
        ),
        (
            "POST",
            "/search",
            json!({"query": "x", "limit": 0}),
            400,
            "from 1 to 50",
        ),
        ("POST", "/search", json!([1]), 400, "not a JSON object"),
        (
            "POST",
            "/search?limit=1",
            json!({"query": "x"}),
            400,
            "go into the body",
        ),
        (
            "GET",
            "/documents?limit=many",
            Value::Null,
            400,
            "an integer",
        ),
        (
            "GET",
            "/documents?limit=1&limit=2",
            Value::Null,
            400,
            "given twice",
        ),
        (
            "GET",
            "/documents?offset=1",
            Value::Null,
            400,
            "pages go by `cursor`",
        ),
        (
            "GET",
            "/documents?cursor=1",
            Value::Null,
            400,
            "not one that this server gave",
        ),
        (
            "GET",
            "/documents?x=1",
            Value::Null,
            400,
            "there is no argument `x`",
        ),
        ("GET", "/documents/none", Value::Null, 400, "none"),
        ("GET", "/jobs/none", Value::Null, 400, "none"),
        ("GET", "/collections/dcos", Value::Null, 404, "dcos"),
        ("GET", "/collections/%00", Value::Null, 400, "name"),
        (
            "POST",
            documents,
            json!({"content": "x", "collection_name": "y"}),
            400,
            "by the path",
        ),
        (
            "POST",
            "/collections",
            json!({"name": "docs", "description": "d"}),
            409,
            "docs",
        ),
        ("PUT", "/collections", Value::Null, 405, "this method"),
        ("GET", "/nothing", Value::Null, 404, "nothing at this path"),
    ] {
        let reply = ask(&server, method, path, &body).await;
        assert_eq!(reply.status, status, "{method} {path} {body}: {reply:?}");
        let problem = reply.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{method} {path} {body}: {detail}");
    }
    let plain = request(
        "POST",
        "/api/v1/search",
        &["Content-Type: text/plain"],
        "{}",
    );
    assert_eq!(send(server.address, &plain).await.status, 415);
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused() {
    let server = server().await;
    for path in ["/documents/%FF", "/jobs/%FF/events"] {
        let reply = ask(&server, "GET", path, &Value::Null).await;
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
        let media_type = reply.header("content-type");
        assert_eq!(media_type, Some("application/problem+json"), "{path}");
        assert_eq!(reply.json()["kind"], "invalid", "{path}");
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let server = server().await;
    fill(&server.memory, "docs").await;
    for number in 0..4 {
        let text = json!({"content": format!("Text {number}")});
        ask(&server, "POST", "/collections/docs/documents", &text).await;
    }
    let mut seen = Vec::new();
    let mut path = "/documents?limit=2".to_owned();
    loop {
        let page = ask(&server, "GET", &path, &Value::Null).await.json();
        let documents = page["documents"].as_array().unwrap();
        seen.extend(documents.iter().map(|document| document["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/documents?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn a_request_with_a_key_is_done_once() {
    let server = server().await;
    fill(&server.memory, "docs").await;
    let path = "/collections/docs/documents";
    let key = "Idempotency-Key: order-1";
    let text = json!({"content": "Cherries are red."});
    let first = ask_with(&server, "POST", path, &[key], &text).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.header("idempotent-replayed"), None);
    // Without the key it would be refused: the text is there.
    let again = ask_with(
        &server,
        "POST",
        path,
        &["Idempotency-Key: \"order-1\""],
        &text,
    )
    .await;
    assert_eq!((again.status, again.json()), (201, first.json()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));

    let other = json!({"content": "Pears are green."});
    let reused = ask_with(&server, "POST", path, &[key], &other).await;
    assert_eq!(
        (reused.status, &reused.json()["kind"]),
        (422, &json!("key_reused"))
    );
    let long = format!("Idempotency-Key: {}", "x".repeat(300));
    assert_eq!(
        ask_with(&server, "POST", path, &[&long], &text)
            .await
            .status,
        400
    );

    // What failed may be tried again under the same key.
    let missing = "/collections/later/documents";
    let key = "Idempotency-Key: order-2";
    assert_eq!(
        ask_with(&server, "POST", missing, &[key], &text)
            .await
            .status,
        404
    );
    fill(&server.memory, "later").await;
    assert_eq!(
        ask_with(&server, "POST", missing, &[key], &text)
            .await
            .status,
        201
    );

    // Of many at once, one does it, and none does it again.
    let many =
        (0..8).map(|_| ask_with(&server, "POST", path, &["Idempotency-Key: order-3"], &other));
    let replies = futures_util::future::join_all(many).await;
    let fresh = replies
        .iter()
        .filter(|reply| reply.status == 201 && reply.header("idempotent-replayed").is_none());
    assert_eq!(fresh.count(), 1, "{replies:?}");
    assert!(
        replies
            .iter()
            .all(|reply| [201, 409].contains(&reply.status)),
        "{replies:?}"
    );
}

#[tokio::test]
async fn a_job_is_followed_by_its_events() {
    let server = server().await;
    fill(&server.memory, "docs").await;
    for number in 0..3 {
        let path = server.files().join(format!("{number}.md"));
        std::fs::write(path, format!("# File {number}\n\nText {number}.")).unwrap();
    }
    let directory = json!({"directory_path": server.files(), "recursive": true});
    let path = "/collections/docs/directories";
    let started = ask(&server, "POST", path, &directory).await;
    assert!([200, 202].contains(&started.status), "{started:?}");
    let job = started.json()["job_id"].as_str().unwrap().to_owned();
    assert_eq!(
        started.header("location"),
        Some(format!("/api/v1/jobs/{job}").as_str())
    );

    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let events = request("GET", &format!("/api/v1/jobs/{job}/events"), &[], "");
    stream.write_all(events.as_bytes()).await.unwrap();
    let mut text = String::new();
    let read = stream.read_to_string(&mut text);
    tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .unwrap()
        .unwrap();
    assert!(text.contains("text/event-stream"), "{text}");
    let (_, end) = text.split_once("event: end").unwrap();
    let data = end
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap();
    let last: Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        (&last["status"], &last["counts"]["ingested"]),
        (&json!("done"), &json!(3))
    );

    let none = ask(&server, "GET", "/jobs/0000000000001/events", &Value::Null).await;
    assert_eq!(none.status, 404);
    // Waited for, it is over when the answer comes.
    std::fs::write(server.files().join("more.md"), "# More").unwrap();
    let prefer = ["Prefer: wait=20"];
    let waited = ask_with(&server, "POST", path, &prefer, &directory).await;
    assert_eq!(
        (waited.status, &waited.json()["status"]),
        (200, &json!("done"))
    );
    let listed = ask(&server, "GET", "/jobs?collection_name=docs", &Value::Null)
        .await
        .json();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 2);
    let path = format!("/jobs/{job}?items=all&limit=2");
    let shown = ask(&server, "GET", &path, &Value::Null).await.json();
    assert_eq!(shown["items"].as_array().unwrap().len(), 2);
    assert!(shown["next_cursor"].is_string(), "{shown}");
}
