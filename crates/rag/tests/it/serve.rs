//! `rag serve` as an operator runs it: tokens, logs, numbers, sleep and shutdown.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testsite::{Site, sites};

use crate::crawl::sources;
use crate::program::{PATIENCE, User, until};
use crate::served::Served;
use crate::stores::{postgres_url, unique};

#[test]
fn where_others_can_reach_it_callers_need_a_token() {
    let user = User::new().with_collection("notes");
    let token = user.json(&["token", "create", "me", "--scope", "read"]);
    let token = token["token"].as_str().unwrap().to_owned();
    let bearer = format!("Authorization: Bearer {token}");
    let path = "/api/v1/collections";
    for (arguments, is_open) in [
        (&["--host", "0.0.0.0"][..], false),
        (&["--public-url", "https://rag.example.org"], false),
        (&["--auth", "required"], false),
        (&[], true),
        (&["--host", "0.0.0.0", "--auth", "off"], true),
    ] {
        let served = Served::start(&user, arguments);
        let expected = if is_open { 200 } else { 401 };
        assert_eq!(served.get(path, &[]).0, expected, "{arguments:?}");
        assert_eq!(served.get(path, &[&bearer]).0, 200, "{arguments:?}");
        assert_eq!(served.get("/health", &[]).0, 200, "{arguments:?}");
        served.signal("TERM");
        let (_, log) = served.end();
        let is_warned = log.contains("whoever reaches this server can read, change and delete");
        assert_eq!(is_warned, arguments.contains(&"off"), "{log}");
    }
    let listed = user.rag(&["token", "list"]);
    assert!(listed.stdout.contains("me") && !listed.stdout.contains(&token));
    assert_eq!(user.rag(&["token", "revoke", "me"]).code, 0);
    assert_eq!(user.rag(&["token", "revoke", "me"]).code, 3);
}

#[test]
fn logs_are_json_with_the_id_of_the_request_and_no_secrets() {
    let user = User::new()
        .with("RAG_LOG_FORMAT", "json")
        .with("RAG_AUTH", "required")
        .with_collection("notes");
    let token = user.json(&["token", "create", "me", "--scope", "admin"]);
    let token = token["token"].as_str().unwrap().to_owned();
    let bearer = format!("Authorization: Bearer {token}");
    let served = Served::start(&user, &[]);
    let question = r#"{"query": "what is the secret of plums?"}"#;
    let headers = [bearer.as_str(), "X-Request-Id: req-77"];
    let (status, answer) = served.ask("POST", "/api/v1/search?x", &headers, question);
    assert_eq!(status, 400, "{answer}");
    let (status, answer) = served.ask("POST", "/api/v1/search", &headers, question);
    assert_eq!(status, 200, "{answer}");
    assert!(
        answer.to_lowercase().contains("x-request-id: req-77"),
        "{answer}"
    );
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_documents","arguments":{"query":"plums?"}}}"#;
    let headers = [bearer.as_str(), "X-Request-Id: req-78"];
    assert_eq!(served.ask("POST", "/mcp", &headers, call).0, 200);
    served.get("/health", &[]);
    served.signal("TERM");
    let (code, log) = served.end();
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("plums") && !log.contains(&token), "{log}");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    for id in ["req-77", "req-78"] {
        let of_request = |line: &&Value| line["spans"][0]["request.id"] == id;
        let messages: Vec<&str> = lines
            .iter()
            .filter(of_request)
            .map(|line| line["message"].as_str().unwrap())
            .collect();
        assert!(messages.contains(&"searched"), "{id}: {log}");
        assert!(messages.contains(&"answered"), "{id}: {log}");
    }
    let probes = lines
        .iter()
        .filter(|line| line["spans"][0]["http.route"] == "/health");
    assert_eq!(probes.count(), 0, "probes are no news: {log}");
}

#[test]
fn numbers_are_told_to_who_may_see_them() {
    let user = User::new().with_collection("notes");
    let served = Served::start(&user, &[]);
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_documents","arguments":{"query":"plums?"}}}"#;
    served.ask("POST", "/mcp", &[], call);
    served.ask("GET", "/api/v1/collections/notes", &[], "");
    let (status, numbers) = served.get("/metrics", &[]);
    assert_eq!(status, 200);
    for line in [
        "rag_http_requests_total{method=\"POST\",route=\"/mcp\",status=\"200\"} 1",
        "rag_http_requests_total{method=\"GET\",route=\"/api/v1/collections/{collection}\",status=\"200\"} 1",
        "rag_tool_calls_total{tool=\"search_documents\",outcome=\"ok\"} 1",
        "rag_searches_total{outcome=\"ok\"} 1",
        "rag_embedded_texts_total{outcome=\"ok\"} 1",
        "rag_http_request_duration_seconds_bucket{route=\"/mcp\",le=\"+Inf\"} 1",
        "# TYPE rag_search_duration_seconds histogram",
        "# TYPE process_resident_memory_bytes gauge",
    ] {
        assert!(numbers.contains(line), "{line} is not in {numbers}");
    }
    let user = user.with("RAG_AUTH", "required");
    let reader = user.json(&["token", "create", "r", "--scope", "read"]);
    let admin = user.json(&["token", "create", "a", "--scope", "admin"]);
    let served = Served::start(&user, &[]);
    for (token, expected) in [(reader, 403), (admin, 200)] {
        let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
        assert_eq!(served.get("/metrics", &[&bearer]).0, expected);
    }
}

/// On PostgreSQL, whose connections are counted.
#[test]
fn jobs_and_connections_are_among_the_numbers() {
    let user = User::new()
        .with("DATABASE_URL", postgres_url())
        .with("RAG_DB_SCHEMA", unique("numbers"))
        .with_collection("notes");
    user.write("files/plums.md", "# Plums\n\nPlums are blue.");
    let folder = user.home().join("files");
    let served = Served::start(&user, &["--root", folder.to_str().unwrap()]);
    let path = "/api/v1/collections/notes/directories";
    let body = json!({"directory_path": folder}).to_string();
    let (status, answer) = served.ask("POST", path, &["Prefer: wait=30"], &body);
    assert_eq!(status, 200, "{answer}");
    // The end is known before it is counted.
    for line in [
        "\nrag_jobs 0\n",
        "\nrag_jobs_ended_total{state=\"done\"} 1\n",
        "\nrag_db_connections{state=\"used\"} ",
        "\nrag_db_connections{state=\"at_rest\"} ",
    ] {
        let is_told = || served.get("/metrics", &[]).1.contains(line);
        until(line.trim(), is_told);
    }
}

#[test]
fn it_ends_by_itself_when_there_is_nothing_to_do() {
    let user = User::new().with_collection("notes");
    let started = Instant::now();
    let served = Served::start(&user, &["--idle-exit", "2"]);
    // Neither probes nor strangers keep it awake.
    let mut asked = 0;
    while started.elapsed() < Duration::from_secs(1) {
        served.get("/health", &[]);
        asked += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    let (code, log) = served.end();
    assert_eq!(code, 0, "{log}");
    assert!(asked > 1 && started.elapsed() < PATIENCE);
    assert!(
        log.contains("no request for 2 s and no job: ending"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_keeps_it_awake_and_goes_on_after_it_was_stopped() {
    const PAGES: usize = 60;
    let site = Site::start().await;
    sites::many(&site, PAGES);
    let user = User::new()
        .with("RAG_ALLOW_PRIVATE_HOSTS", site.host())
        .with_collection("docs");
    let served = Served::start(&user, &[]);
    let body = json!({"url": site.url("/").to_string(), "follow_links": true, "max_depth": 5});
    let path = "/api/v1/collections/docs/crawls";
    let (status, answer) = served.ask("POST", path, &[], &body.to_string());
    assert_eq!(status, 202, "{answer}");
    until("the crawl", || site.requests().len() > PAGES / 3);
    served.signal("TERM");
    let (code, log) = served.end();
    assert_eq!(code, 0, "{log}");
    let (_, before) = sources(&user);
    assert!(before < PAGES, "it was stopped too late: {log}");

    // Nobody asks it anything; it ends when the rest of the crawl is done.
    let served = Served::start(&user, &["--idle-exit", "1"]);
    let (code, log) = served.end();
    assert_eq!(code, 0, "{log}");
    let jobs = user.json(&["job", "list"]);
    assert_eq!(jobs["jobs"][0]["status"], "done", "{log}");
    assert_eq!(sources(&user).1, PAGES, "{log}");
}

#[test]
fn it_stops_within_seconds_and_lets_requests_finish() {
    for signal in ["INT", "TERM"] {
        let user = User::new().with_collection("notes");
        let served = Served::start(&user, &[]);
        // One who listens for ever, and one who sends half a request.
        let mut listener = TcpStream::connect(&served.address).unwrap();
        listener
            .write_all(b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut half = TcpStream::connect(&served.address).unwrap();
        half.write_all(b"POST /mcp HTTP/1.1\r\nHost: loc").unwrap();
        let started = Instant::now();
        served.signal(signal);
        let (code, log) = served.end();
        assert_eq!(code, 0, "{signal}: {log}");
        assert!(
            started.elapsed() < Duration::from_secs(6),
            "{signal}: {log}"
        );
    }
}

/// A text of which no two sentences are the same, and which takes a second or two to
/// embed.
fn long_text() -> String {
    let entry = |day: u32| {
        let (hour, crates) = (day % 24, day * 7 % 1000);
        format!("On day {day} the ferry left at {hour} with {crates} crates of herring aboard.")
    };
    let entries: Vec<String> = (0..1_400).map(entry).collect();
    entries.join("\n\n")
}

/// What `request` is answered before the connection ends, which may be at once.
fn answer(served: &Served, request: &str) -> String {
    let mut stream = served.connect();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // One that is cut off may end with an error, too.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// Five seconds are left to it; on a machine that is busy with other tests it may take
/// longer, and is cut off then.
#[test]
fn a_text_that_is_embedded_at_the_end_is_stored_whole_or_not_at_all() {
    const WORKED_ON: &str = "\nrag_http_requests{state=\"worked_on\"} 1\n";
    const END_MAX: Duration = Duration::from_secs(7);
    let user = User::new().with_collection("notes");
    let served = Served::start(&user, &[]);
    let text = long_text();
    let body = json!({"content": text}).to_string();
    let length = body.len();
    let request = format!(
        "POST /api/v1/collections/notes/documents HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let (answer, told) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| answer(&served, &request));
        until("work on the text", || {
            served.get("/metrics", &[]).1.contains(WORKED_ON)
        });
        let told = Instant::now();
        served.signal("TERM");
        (asking.join().unwrap(), told)
    });
    let (code, log) = served.end();
    let took = told.elapsed();
    assert_eq!(code, 0, "{log}");
    assert!(took < END_MAX, "{took:?}: {log}");
    let is_stored = answer.starts_with("HTTP/1.1 201 ");
    assert!(is_stored || answer.is_empty(), "{answer}");

    let listed = user.json(&["document", "list", "-c", "notes"]);
    let documents = listed["documents"].as_array().unwrap();
    assert!(documents.len() == 1 || !is_stored, "it is lost: {listed}");
    for document in documents {
        let id = document["id"].as_str().unwrap();
        let kept = user.json(&[
            "document",
            "view",
            id,
            "--show-chunks",
            "--max-chars",
            "1000000",
        ]);
        assert!(kept["content"] == text.as_str(), "it is another text");
        let last = kept["chunks"].as_array().unwrap().last().unwrap();
        assert_eq!(last["char_end"], kept["total_chars"], "chunks are missing");
    }
}

#[test]
fn its_health_is_asked_by_the_program_itself() {
    let user = User::new();
    let served = Served::start(&user, &[]);
    let url = format!("http://{}", served.address);
    let well = user.rag(&["health", "--url", &url]);
    assert_eq!(well.code, 0, "{}", well.stderr);
    assert!(well.stdout.contains("ok, version"), "{}", well.stdout);
    served.signal("TERM");
    served.end();
    let gone = user.rag(&["health", "--url", &url]);
    assert_eq!(gone.code, 9, "{}", gone.stderr);
    assert!(gone.stderr.contains("does not answer"), "{}", gone.stderr);
}
