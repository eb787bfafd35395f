//! Traces as a collector gets them, and what happens when it is away.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::program::{PATIENCE, User};
use crate::served::Served;

/// Where the program is told of a collector.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// How soon a request is answered, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(5);

/// What is asked, and in no trace.
const QUERY: &str = r#"{"query": "what is the secret of plums?"}"#;

/// A double of an OpenTelemetry collector and not one itself: it says yes to
/// whatever is posted and keeps it as it came.
struct Collector {
    address: String,
    posts: Receiver<Post>,
}

/// What the double was sent.
struct Post {
    /// In lower case.
    head: String,
    body: Vec<u8>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, posts) = channel();
        std::thread::spawn(move || {
            let streams = listener.incoming().map_while(Result::ok);
            streams
                .filter_map(take)
                .try_for_each(|post| sender.send(post))
        });
        Collector { address, posts }
    }

    fn next(&self) -> Post {
        self.posts.recv_timeout(PATIENCE).expect("a post")
    }
}

/// Takes the one request of a connection.
fn take(stream: TcpStream) -> Option<Post> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    reader.get_mut().write_all(answer).ok()?;
    Some(Post { head, body })
}

impl Post {
    fn has(&self, part: &[u8]) -> bool {
        self.body.windows(part.len()).any(|window| window == part)
    }

    /// Whether a span of that name is in it: in protobuf, a name is field 5, its
    /// length and its bytes.
    fn has_span(&self, name: &str) -> bool {
        let length = u8::try_from(name.len()).unwrap();
        self.has(&[&[0x2a, length][..], name.as_bytes()].concat())
    }
}

#[test]
fn a_search_is_traced_but_not_what_is_asked_nor_who_may() {
    let collector = Collector::start();
    let user = User::new().with_collection("notes");
    let token = user.json(&["token", "create", "me", "--scope", "read"]);
    let token = token["token"].as_str().unwrap().to_owned();
    let bearer = format!("Authorization: Bearer {token}");
    let user = user
        .with("RAG_AUTH", "required")
        .with("OTEL_EXPORTER_OTLP_HEADERS", "api-key=sesame")
        .with(ENDPOINT, &collector.address);
    let served = Served::start(&user, &[]);
    let (status, answer) = served.ask("POST", "/api/v1/search", &[&bearer], QUERY);
    assert_eq!(status, 200, "{answer}");
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_documents","arguments":{"query":"plums?"}}}"#;
    let (status, answer) = served.ask("POST", "/mcp", &[&bearer], call);
    assert_eq!(status, 200, "{answer}");

    let mut posts = Vec::new();
    let is_told = |posts: &[Post], name| posts.iter().any(|post: &Post| post.has_span(name));
    while !is_told(&posts, "request") || !is_told(&posts, "search") {
        posts.push(collector.next());
    }
    for post in &posts {
        assert!(post.head.starts_with("post /v1/traces "), "{}", post.head);
        for line in ["content-type: application/x-protobuf", "api-key: sesame"] {
            assert!(post.head.lines().any(|own| own == line), "{}", post.head);
        }
        assert!(post.has(b"service.name") && post.has(b"rag-memory"));
        assert!(!post.has(b"plums"), "a query is in a trace");
        assert!(!post.has(token.as_bytes()), "a token is in a trace");
    }
    served.signal("TERM");
    let (code, log) = served.end();
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("sesame") && !log.contains(&token), "{log}");
}

#[test]
fn the_last_spans_are_sent_before_the_end() {
    let collector = Collector::start();
    let user = User::new()
        .with_collection("notes")
        .with(ENDPOINT, &collector.address);
    let served = Served::start(&user, &[]);
    assert_eq!(served.ask("POST", "/api/v1/search", &[], QUERY).0, 200);
    // Sooner than spans are usually sent.
    served.signal("INT");
    assert_eq!(served.end().0, 0);
    while !collector.next().has_span("search") {}
}

#[test]
fn a_collector_that_is_away_holds_nothing_up() {
    // One that refuses connections, and one that takes them and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    for address in ["http://127.0.0.1:9", silent.as_str()] {
        let user = User::new()
            .with_collection("notes")
            // In milliseconds: exports fail while there are requests.
            .with("OTEL_BSP_SCHEDULE_DELAY", "20")
            .with(ENDPOINT, address);
        let served = Served::start(&user, &[]);
        for _ in 0..20 {
            let began = Instant::now();
            let (status, answer) = served.ask("POST", "/api/v1/search", &[], QUERY);
            assert_eq!(status, 200, "{address}: {answer}");
            assert!(began.elapsed() < SOON, "{address}: {:?}", began.elapsed());
        }
        let began = Instant::now();
        served.signal("INT");
        let (code, log) = served.end();
        assert_eq!(code, 0, "{address}: {log}");
        let limit = Duration::from_secs(6);
        assert!(began.elapsed() < limit, "{address}: {:?}", began.elapsed());
    }
}
