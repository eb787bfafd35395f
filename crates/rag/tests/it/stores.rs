//! The program on each of the stores: the same memory wherever it is kept, also
//! after it moved from one to the other.
//!
//! The servers are named by POSTGRES_TEST_URL and QDRANT_TEST_URL, which
//! `tests/postgres/start.sh` and `tests/qdrant/start.sh` print.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use testsite::{Site, sites};

use crate::crawl::sources;
use crate::program::{Running, User, until};
use crate::wire::Wire;

/// The value of a variable that the start scripts print.
fn server(variable: &str, script: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: eval \"$({script})\" starts a server and sets it")
    })
}

pub(crate) fn postgres_url() -> String {
    server("POSTGRES_TEST_URL", "tests/postgres/start.sh")
}

/// The address of the Qdrant server as DATABASE_URL has it.
pub(crate) fn qdrant_url() -> String {
    let url = server("QDRANT_TEST_URL", "tests/qdrant/start.sh");
    url.replace("http://", "qdrant://")
}

/// A name that no other run of the tests has.
pub(crate) fn unique(name: &str) -> String {
    let now = std::time::SystemTime::now();
    let nanos = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    format!("{name}_{}_{nanos}", std::process::id())
}

/// A user whose memory has the name `name` in the store at `url`.
pub(crate) fn user_at(url: &str, name: &str) -> User {
    User::new()
        .with("DATABASE_URL", url)
        .with("RAG_DB_SCHEMA", name)
        .with("RAG_QDRANT_PREFIX", name)
}

/// A memory with two collections, in the store at `user`'s DATABASE_URL.
fn fill(user: &User) {
    for (name, about) in [("sea", "Of the sea"), ("sky", "Of the sky")] {
        user.json(&["collection", "create", name, "--description", about]);
    }
    for text in [
        "# Tides\n\nThe tide turns at noon and again at midnight.",
        "# Ships\n\nA ship leaves the harbour when the tide is high.",
        "# Fische\n\nDie Heringe ziehen im Frühling an die Küste.",
    ] {
        user.json(&["ingest", "text", text, "-c", "sea"]);
    }
    user.write(
        "notes/stars.md",
        "# Stars\n\nThe pole star stands in the north.",
    );
    user.write(
        "notes/clouds.md",
        "# Clouds\n\nClouds of the morning bring rain.",
    );
    let notes = user.home().join("notes");
    user.json(&["ingest", "directory", notes.to_str().unwrap(), "-c", "sky"]);
}

/// Everything a user sees of a memory but where it is.
fn seen(user: &User) -> Value {
    let searches = [
        "when does the tide turn",
        "Wann ziehen die Heringe",
        "where is the pole star",
        "morning clouds",
    ];
    let mut documents = user.json(&["document", "list"])["documents"].clone();
    documents
        .as_array_mut()
        .unwrap()
        .sort_by_key(|document| document["id"].to_string());
    let jobs = user.json(&["job", "list"])["jobs"].clone();
    json!({
        "collections": user.json(&["collection", "list"]),
        "documents": documents,
        "jobs": jobs,
        "answers": searches.map(|query| user.json(&["search", query])),
    })
}

/// Scores that other arithmetic gives may differ in the last digits.
fn without_last_digits(mut value: Value) -> Value {
    match &mut value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64()) {
                return json!((float * 1e3).round() / 1e3);
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| *value = without_last_digits(value.take())),
        Value::Object(object) => object
            .values_mut()
            .for_each(|value| *value = without_last_digits(value.take())),
        _ => {}
    }
    value
}

#[test]
fn a_memory_goes_around_all_stores_and_comes_back_the_same() {
    let user = User::new();
    fill(&user);
    let before = without_last_digits(seen(&user));
    let first = format!("sqlite:{}", user.data().join("memory.sqlite").display());
    let last = format!("sqlite:{}", user.home().join("last.sqlite").display());
    // Each store under a name of its own, on servers that others use too.
    let schema = unique("around");
    let route = [first, postgres_url(), qdrant_url(), last];
    for pair in route.windows(2) {
        let mover = User::new()
            .with("RAG_DB_SCHEMA", &schema)
            .with("RAG_QDRANT_PREFIX", &schema);
        let copied = mover.json(&["migrate", "--from", &pair[0], "--to", &pair[1]]);
        assert_eq!(copied["documents_imported"], 5, "{pair:?}: {copied}");
        assert_eq!(copied["jobs_imported"], 1, "{pair:?}: {copied}");
        // Again, there is nothing to do.
        let again = mover.json(&["migrate", "--from", &pair[0], "--to", &pair[1]]);
        assert_eq!(again["documents_unchanged"], 5, "{pair:?}: {again}");
        let there = user_at(&pair[1], &schema);
        assert_eq!(without_last_digits(seen(&there)), before, "{pair:?}");
    }
}

/// The first line of what `GET path` is answered.
fn get(address: &str, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return String::new();
    };
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_server_starts_while_its_database_is_away() {
    let port = free_port().to_string();
    for url in [
        "postgres://rag:secret@127.0.0.1:9/rag",
        "qdrant://127.0.0.1:9",
    ] {
        let user = User::new().with("DATABASE_URL", url);
        let server = Running::start(user.command(&["serve", "--port", &port]));
        let address = format!("127.0.0.1:{port}");
        until("a server", || TcpStream::connect(&address).is_ok());
        let health = get(&address, "/health");
        assert!(health.contains(" 503 "), "{url}: {health}");
        server.signal("TERM");
        let run = server.end();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    }
}

#[test]
fn a_database_that_is_away_is_told_with_what_to_do() {
    for (url, told) in [
        ("postgres://rag:secret@127.0.0.1:9/rag", "127.0.0.1:9"),
        ("qdrant://127.0.0.1:9", "127.0.0.1:9"),
    ] {
        let user = User::new().with("DATABASE_URL", url);
        let run = user.rag(&["status"]);
        assert_eq!(run.code, 9, "{}", run.stderr);
        assert!(run.stderr.contains(told), "{}", run.stderr);
        assert!(run.stderr.contains("hint:"), "{}", run.stderr);
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    }
}

/// A wire to a server, and its address through the wire.
pub(crate) fn wired(url: &str) -> (Wire, String) {
    let (before, rest) = url.rsplit_once(':').unwrap();
    let (port, path) = rest
        .split_once('/')
        .map_or((rest, ""), |(port, path)| (port, path));
    let wire = Wire::to(port.parse().unwrap());
    let through = format!("{before}:{}/{path}", wire.port());
    (wire, through)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_outlives_its_database() {
    const PAGES: usize = 60;
    for url in [postgres_url(), qdrant_url()] {
        let site = Site::start().await;
        sites::many(&site, PAGES);
        let (wire, url) = wired(&url);
        let name = unique("crawl");
        let user = user_at(&url, &name)
            .with("RAG_ALLOW_PRIVATE_HOSTS", site.host())
            .with_collection("docs");
        let root = site.url("/").to_string();
        let crawl = [
            "ingest",
            "url",
            &root,
            "-c",
            "docs",
            "--follow-links",
            "--max-depth",
            "9",
        ];
        let running = Running::start(user.command(&crawl));
        until("a crawl", || site.requests().len() > PAGES / 4);
        wire.cut();
        until("a second try", || wire.refused() >= 3);
        assert!(site.requests().len() < PAGES, "it was over too soon");
        wire.mend();
        let run = running.end();
        assert_eq!(run.code, 0, "{url}: {}{}", run.stdout, run.stderr);
        let addresses: Vec<String> = sources(&user).0.into_iter().collect();
        let missing: Vec<String> = (0..PAGES)
            .map(|number| site.url(&sites::many_path(number)).to_string())
            .filter(|page| !addresses.contains(page))
            .collect();
        assert!(missing.is_empty(), "{url}: {missing:?}");
    }
}

#[test]
fn a_server_is_well_again_when_its_database_is() {
    for url in [postgres_url(), qdrant_url()] {
        let (wire, url) = wired(&url);
        let name = unique("health");
        let user = user_at(&url, &name);
        let port = free_port().to_string();
        let server = Running::start(user.command(&["serve", "--port", &port]));
        let address = format!("127.0.0.1:{port}");
        let is = |status: &str| get(&address, "/health").contains(status);
        until("a server that is well", || is(" 200 "));
        wire.cut();
        until("a server that is not", || is(" 503 "));
        wire.mend();
        until("a server that is well again", || is(" 200 "));
        server.signal("TERM");
        assert_eq!(server.end().code, 0);
    }
}
