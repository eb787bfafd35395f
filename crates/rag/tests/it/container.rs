//! What the Dockerfile's image promises of a container, without building one.
//!
//! Taken from its last stage: the user, the environment and nothing besides, the
//! arguments. Emulated, where the tests run as root: that nothing can be written but
//! the folder of the data, by a mount namespace whose root is read-only. Where they
//! do not, the user is the one they run as, and the program's home and working
//! directory cannot be written to. Not emulated: the libraries of the image, and
//! that there are no other programs.
//!
//! The memory of a small machine is measured and not limited: `VmHWM` has the
//! pages of the program's own file in it, which a machine that is short of memory
//! would let go, so what stays below the limit by it fits.

mod machine;

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::served::Served;
use machine::{Machine, allow, text};

/// The memory of the smallest machine that the server is deployed on.
const MEMORY_MAX_KIB: u64 = 256 * 1024;

const COLLECTIONS: &str = "/api/v1/collections";
const DOCUMENTS: &str = "/api/v1/collections/notes/documents";
const SEARCH: &str = "/api/v1/search";

/// A hundred kilobytes that differ by `seed`. Long words take a model less time
/// than as many bytes of short ones.
fn long_text(seed: usize) -> String {
    const WORDS: [&str; 12] = [
        "administration",
        "communication",
        "development",
        "environmental",
        "government",
        "independent",
        "international",
        "organization",
        "professional",
        "responsibility",
        "understanding",
        "university",
    ];
    let mut text = String::new();
    for sentence in 0..700 {
        for place in 0..12 {
            let step = sentence % 7 + 1;
            text.push_str(WORDS[(seed + sentence * sentence + place * step) % WORDS.len()]);
            text.push(' ');
        }
        text.push_str(if sentence % 8 == 7 { ".\n\n" } else { ". " });
    }
    text
}

/// Makes a collection with a short text in it.
fn fill(served: &Served, bearer: &str) {
    let notes = json!({"name": "notes", "description": "A test's"});
    let (status, answer) = served.ask("POST", COLLECTIONS, &[bearer], &notes.to_string());
    assert_eq!(status, 201, "{answer}");
    put_in(
        served,
        bearer,
        "The keeper paints the lighthouse every spring.",
    );
}

fn put_in(served: &Served, bearer: &str, content: &str) {
    let body = json!({"content": content}).to_string();
    let (status, answer) = served.ask("POST", DOCUMENTS, &[bearer], &body);
    assert!((200..300).contains(&status), "{answer}");
}

/// That the short text is found.
fn assert_found(served: &Served, bearer: &str) {
    let query = json!({"query": "Who paints the lighthouse?", "limit": 3}).to_string();
    let (status, answer) = served.ask("POST", SEARCH, &[bearer], &query);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("The keeper paints"), "{answer}");
}

/// `before` and `after` with so much text in between that there are `bytes`.
fn padded(before: &str, after: &str, bytes: usize) -> String {
    let room = bytes - before.len() - after.len();
    let text = "x ".repeat(room.div_ceil(2));
    format!("{before}{}{after}", &text[..room])
}

/// Sends the largest bodies that are read, whose texts are too large then.
fn send_largest(served: &Served, bearer: &str, document_bytes_max: usize) {
    let bytes = 2 * document_bytes_max + (1 << 20);
    let document = padded(r#"{"content":""#, r#""}"#, bytes);
    let (status, answer) = served.ask("POST", DOCUMENTS, &[bearer], &document);
    assert_eq!(status, 413, "{answer}");
    assert!(answer.contains("a document may have"), "{answer}");
    let call = padded(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ingest_text","arguments":{"collection_name":"notes","content":""#,
        r#""}}}"#,
        bytes,
    );
    let (status, answer) = served.ask("POST", "/mcp", &[bearer], &call);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("a document may have"), "{answer}");
}

fn assert_fits(served: &Served) {
    let peak = served.memory_kib("VmHWM");
    eprintln!("the most memory it had: {peak} KiB");
    assert!(peak < MEMORY_MAX_KIB, "{peak} KiB");
}

/// That it stops as fast as it has to, without having told `bearer` to its log.
fn assert_stops(served: Served, bearer: &str) {
    let began = Instant::now();
    served.signal("INT");
    let (code, log) = served.end();
    assert_eq!(code, 0, "{log}");
    // The `kill_timeout` of the deployments.
    assert!(began.elapsed() < Duration::from_secs(6), "{log}");
    for line in log.lines() {
        assert!(
            serde_json::from_str::<Value>(line).is_ok(),
            "no JSON: {line}"
        );
    }
    let token = bearer.rsplit(' ').next().unwrap();
    assert!(!log.contains(token), "{log}");
}

#[test]
fn a_container_keeps_what_it_is_given_within_256_mb() {
    let machine = Machine::new();
    let bearer = machine.bearer("test");
    let served = machine.serve(&[]);
    assert_eq!(served.get("/health", &[]).0, 200);
    assert_eq!(served.get(COLLECTIONS, &[]).0, 401);
    let port = served.address.rsplit(':').next().unwrap();
    let health = machine.run(&["health"], &[("PORT", port)]);
    assert_eq!(health.code, 0, "{}", health.stderr);

    fill(&served, &bearer);
    for seed in 0..3 {
        put_in(&served, &bearer, &long_text(seed));
    }
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| assert_found(&served, &bearer));
        }
    });
    send_largest(&served, &bearer, 20 << 20);
    assert_fits(&served);
    assert_stops(served, &bearer);

    let again = machine.serve(&[]);
    assert_found(&again, &bearer);
    let (_, answer) = again.get("/api/v1/documents", &[&bearer]);
    assert!(answer.contains("\"total_count\":4"), "{answer}");
    assert_stops(again, &bearer);
}

/// With the limit that the deployments on such machines set.
#[test]
fn large_bodies_at_once_fit_into_256_mb() {
    let deployment = text("deploy/supabase/fly.toml");
    assert!(deployment.contains("memory = \"256mb\""));
    let mut lines = deployment.lines();
    let limit = lines.find_map(|line| line.trim().strip_prefix("RAG_DOCUMENT_BYTES_MAX = "));
    let limit = limit.expect("a limit").trim_matches('"');
    let machine = Machine::new();
    let bearer = machine.bearer("test");
    let served = machine.serve(&[("RAG_DOCUMENT_BYTES_MAX", limit)]);
    // Which loads the model.
    fill(&served, &bearer);
    let limit: usize = limit.parse().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| send_largest(&served, &bearer, limit));
        }
    });
    assert_found(&served, &bearer);
    assert_fits(&served);
    assert_stops(served, &bearer);
}

#[test]
fn data_that_cannot_be_written_is_told_with_what_to_do() {
    let machine = Machine::new();
    machine.bearer("test");
    // A store in a folder of somebody else's, as one volume has it that was filled elsewhere.
    let theirs = machine.path("theirs");
    let store = theirs.join("memory.sqlite");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::copy(machine.path("data/memory.sqlite"), &store).unwrap();
    allow(&store, 0o444);
    allow(&theirs, 0o555);
    let home = machine.path("home");
    let missing = home.join("missing");
    for folder in [&missing, &home, &theirs] {
        let folder = folder.to_str().unwrap();
        // The end of a server that starts in spite of it.
        let settings = [("RAG_DATA_DIR", folder), ("RAG_IDLE_EXIT", "5")];
        for arguments in [&["serve"][..], &["token", "create", "other"]] {
            let run = machine.run(arguments, &settings);
            let told = run.stderr;
            assert_eq!(run.code, 9, "{folder} {arguments:?}: {told}");
            for part in ["cannot write", folder, "hint:", "RAG_DATA_DIR"] {
                assert!(told.contains(part), "{folder} {arguments:?}: {told}");
            }
        }
    }
    // So that it can be removed.
    allow(&theirs, 0o755);
}

#[test]
fn no_secret_of_the_environment_is_logged() {
    let machine = Machine::new();
    let common = [
        ("GITHUB_TOKEN", "sesame"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=sesame"),
        ("RAG_AUTH", "off"),
        ("LOG_LEVEL", "trace"),
    ];
    // Services that are not there, and what is logged of that.
    for (settings, part) in [
        (
            &[
                ("RAG_EMBEDDING", "text-embedding-3-small"),
                ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1"),
                ("OPENAI_API_KEY", "sk-sesame"),
            ][..],
            "will be tried again",
        ),
        (
            &[("DATABASE_URL", "postgres://rag:sesame@127.0.0.1:9/rag")],
            "trying again",
        ),
        (
            &[
                ("QDRANT_URL", "http://127.0.0.1:9"),
                ("QDRANT_API_KEY", "sesame"),
            ],
            "trying again",
        ),
    ] {
        let mut served = machine.serve(&[&common[..], settings].concat());
        // One after the other, and nobody waits for the answers.
        let mut stream = served.connect();
        for (path, body) in [
            (COLLECTIONS, r#"{"name":"notes","description":"A test's"}"#),
            (SEARCH, r#"{"query":"Who paints the lighthouse?"}"#),
        ] {
            let length = body.len();
            write!(stream, "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        }
        served.line(part);
        served.signal("KILL");
        let (_, log) = served.end();
        assert!(!log.contains("sesame"), "{log}");
    }
}
