//! Clients that stall, vanish or send what they should not: what they cost the
//! server, and that nobody else notices them.
//!
//! The server is a process of its own, so that its memory and its open files can
//! be looked at, which /proc tells: hence Linux alone.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::program::{User, until};
use crate::served::Served;

/// How soon a server that is well answers, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(5);

/// The most memory it may take, of which 25 MiB are the program itself. Before the
/// model is loaded; that is another 80 MiB.
const MEMORY_MAX_KIB: u64 = 96 * 1024;

/// How many files more it may have open afterwards: connections to the store, which
/// are kept for the next request.
const FILES_KEPT_MAX: usize = 10;

/// How many connections the server holds at once.
const CONNECTIONS_MAX: usize = 1024;

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
const SSE: &[u8] = b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A request to `/mcp`, up to what is said of its body.
const HEAD: &str = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

/// A server over an empty collection, which has done what others measure it by.
fn start() -> (User, Served) {
    let user = User::new().with_collection("notes");
    let served = Served::start(&user, &[]);
    assert_well(&served, "at first");
    (user, served)
}

/// A tool call in JSON-RPC.
fn call(tool: &str, arguments: &Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string()
}

/// That it answers a probe and a tool call soon.
fn assert_well(served: &Served, when: &str) {
    let began = Instant::now();
    let (status, answer) = served.get("/health", &[]);
    assert_eq!(status, 200, "{when}: {answer}");
    let list = call("list_collections", &json!({}));
    let (status, answer) = served.ask("POST", "/mcp", &[], &list);
    assert_eq!(status, 200, "{when}: {answer}");
    assert!(answer.contains("\"isError\":false"), "{when}: {answer}");
    assert!(began.elapsed() < SOON, "{when}: {:?}", began.elapsed());
}

/// That it has given back what it had open, but for a few connections to the store.
fn assert_closed(served: &Served, before: usize, what: &str) {
    until(&format!("an end of {what}"), || {
        served.open_files() < before + FILES_KEPT_MAX
    });
}

/// Connections that have sent `bytes` and go on no further.
fn connections(served: &Served, number: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = served.connect();
        // It may have been refused before all was sent.
        let _ = stream.write_all(bytes);
        stream
    };
    (0..number).map(connect).collect()
}

/// The status of what is answered on a connection; `None` when it was cut, or
/// nothing came in time.
fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut start = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut start).ok()?;
    std::str::from_utf8(&start[9..]).ok()?.parse().ok()
}

/// Lets this process, and the servers it starts, have thousands of files open.
fn allow_many_files() {
    const ENOUGH: Option<u64> = Some(8 * 1024);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some() && limit.current < ENOUGH {
        let raised = Rlimit {
            current: ENOUGH,
            ..limit
        };
        setrlimit(Resource::Nofile, raised).expect("`ulimit -Hn` is 8192 or more");
    }
}

/// What clients send before they stall, and how many of them there are at once.
fn stalls() -> [(&'static str, usize, Vec<u8>); 11] {
    let request = |lines: &str, body: &str| format!("{HEAD}{lines}\r\n{body}").into_bytes();
    let endless = format!("{HEAD}{}", "X-Line: and on it goes\r\n".repeat(50_000));
    let garbage: Vec<u8> = (0..=255_u8).cycle().skip(128).take(10_000).collect();
    [
        ("nothing", 100, Vec::new()),
        ("half a head", 100, b"POST /mcp HTTP/1.1\r\nHos".to_vec()),
        ("a head without end", 10, endless.into_bytes()),
        ("no body", 10, request("Content-Length: 1000\r\n", "")),
        (
            "half a body",
            10,
            request("Content-Length: 1000\r\n", "{\"id\":"),
        ),
        (
            "half a chunk",
            2,
            request("Transfer-Encoding: chunked\r\n", "400\r\n{\"id\":"),
        ),
        (
            "no body for a session",
            10,
            b"POST /messages?session_id=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
                .to_vec(),
        ),
        (
            "three and a half requests",
            10,
            [HEALTH, HEALTH, HEALTH, &HEALTH[..30]].concat(),
        ),
        (
            "a greeting of TLS",
            100,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ),
        ("zeros", 100, vec![0; 10_000]),
        ("garbage", 100, garbage),
    ]
}

#[test]
fn who_stalls_or_sends_nonsense_keeps_nobody_out() {
    let (_user, served) = start();
    let before = served.open_files();
    for (what, number, bytes) in stalls() {
        let streams = connections(&served, number, &bytes);
        assert_well(&served, &format!("during {what}"));
        drop(streams);
        assert_well(&served, &format!("after {what}"));
        assert_closed(&served, before, what);
    }
    let memory = served.memory_kib("VmHWM");
    assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");
    served.signal("TERM");
    let (code, log) = served.end();
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

/// More than are worked on at once (RAG_REQUESTS_HARD).
#[test]
fn who_sends_no_body_takes_nobody_s_turn() {
    let (_user, served) = start();
    let head = format!("{HEAD}Content-Length: 1000\r\n\r\n");
    let _streams = connections(&served, 30, head.as_bytes());
    assert_well(&served, "while thirty bodies do not come");
}

#[test]
fn heads_that_drip_keep_nobody_out_and_are_answered_in_the_end() {
    let (_user, served) = start();
    let before = served.open_files();
    let head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Drip: ";
    let mut streams = connections(&served, 200, head);
    for _ in 0..10 {
        for stream in &mut streams {
            stream.write_all(b"x").unwrap();
        }
        assert_well(&served, "while heads drip");
    }
    for stream in &mut streams {
        stream.write_all(b"\r\n\r\n").unwrap();
        assert_eq!(status(stream), Some(200));
    }
    drop(streams);
    assert_closed(&served, before, "heads that drip");
    let memory = served.memory_kib("VmHWM");
    assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");
}

/// Sends a body of 100 MiB, or as much of it as is taken.
fn send_huge(stream: &mut TcpStream, is_chunked: bool) -> io::Result<()> {
    let block = vec![b' '; 1 << 20];
    for _ in 0..100 {
        if is_chunked {
            stream.write_all(b"100000\r\n")?;
        }
        stream.write_all(&block)?;
        if is_chunked {
            stream.write_all(b"\r\n")?;
        }
    }
    Ok(())
}

#[test]
fn a_body_of_100_mib_is_refused_and_not_kept() {
    // A body may have 3 MiB then.
    let user = User::new().with("RAG_DOCUMENT_BYTES_MAX", "1048576");
    let served = Served::start(&user, &[]);
    assert_well(&served, "at first");
    let (before, files) = (served.memory_kib("VmHWM"), served.open_files());
    for path in [
        "/mcp",
        "/api/v1/search",
        "/api/v1/collections/notes/documents",
    ] {
        for framing in ["Content-Length: 104857600", "Transfer-Encoding: chunked"] {
            let mut stream = served.connect();
            let head = HEAD.replace("/mcp", path);
            write!(stream, "{head}{framing}\r\n\r\n").unwrap();
            let sent = send_huge(&mut stream, framing.contains("chunked"));
            let answer = status(&mut stream);
            // It may be cut off before it has read why.
            let is_refused = answer == Some(413) || (answer.is_none() && sent.is_err());
            assert!(is_refused, "{path} {framing}: {answer:?} {sent:?}");
            assert_well(&served, framing);
        }
    }
    let grown = served.memory_kib("VmHWM") - before;
    assert!(grown < 16 * 1024, "{grown} KiB");
    assert_closed(&served, files, "huge bodies");
}

#[test]
fn a_thousand_listeners_are_bounded_and_make_room_again() {
    const SESSIONS_MAX: usize = 64;
    allow_many_files();
    let (_user, served) = start();
    let before = served.open_files();
    let mut streams = connections(&served, 1_000, SSE);
    let statuses: Vec<Option<u16>> = streams.iter_mut().map(status).collect();
    let count = |wanted| statuses.iter().filter(|own| **own == Some(wanted)).count();
    assert_eq!(count(200), SESSIONS_MAX);
    assert_eq!(count(503), statuses.len() - SESSIONS_MAX);
    assert_well(&served, "while a thousand listen");
    drop(streams);
    assert_closed(&served, before, "a thousand listeners");
    // All of the room is there again, and what is opened in it works.
    until("room for sessions", || {
        let mut again = connections(&served, SESSIONS_MAX, SSE);
        again.iter_mut().all(|stream| status(stream) == Some(200))
    });
    assert_closed(&served, before, "the sessions after them");
    assert_well(&served, "after a thousand listened");
    let memory = served.memory_kib("VmHWM");
    assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");
}

#[test]
fn connections_beyond_the_bound_wait_and_do_not_break() {
    allow_many_files();
    let (_user, served) = start();
    let before = served.open_files();
    let mut first = connections(&served, CONNECTIONS_MAX, b"");
    let mut later = connections(&served, 100, HEALTH);
    for stream in &mut first {
        stream.write_all(HEALTH).unwrap();
        assert_eq!(status(stream), Some(200));
    }
    for stream in &later {
        let now = Some(Duration::from_millis(1));
        stream.set_read_timeout(now).unwrap();
    }
    assert!(later.iter_mut().all(|stream| status(stream).is_none()));
    drop(first);
    for stream in &mut later {
        stream.set_read_timeout(Some(SOON)).unwrap();
        assert_eq!(status(stream), Some(200));
    }
    assert_well(&served, "after so many");
    drop(later);
    assert_closed(&served, before, "so many connections");
    let memory = served.memory_kib("VmHWM");
    assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");
}

/// `command` as a shell runs it after `setting`.
fn after(setting: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{setting}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(command.get_current_dir().unwrap());
    let environment = command.get_envs();
    let environment = environment.filter_map(|(name, value)| Some((name, value?)));
    shell.env_clear().envs(environment);
    shell
}

/// As many as a shell or a service is usually allowed are no more than the
/// connections that are taken.
#[test]
fn connections_leave_files_to_the_store() {
    allow_many_files();
    let user = User::new().with_collection("notes");
    let serve = user.command(&["serve", "--port", "0"]);
    let served = Served::run(after("ulimit -S -n 1024", &serve));
    let callers = connections(&served, 10, b"");
    let _others = connections(&served, CONNECTIONS_MAX + 100, b"");
    until("many connections", || served.open_files() > 1_000);
    let search = call("search_documents", &json!({"query": "When is high tide?"}));
    let length = search.len();
    let request = format!("{HEAD}Connection: close\r\nContent-Length: {length}\r\n\r\n{search}");
    for mut caller in &callers {
        caller.write_all(request.as_bytes()).unwrap();
    }
    for mut caller in &callers {
        let mut answer = String::new();
        caller.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("\"isError\":false"), "{answer}");
    }
}

#[test]
fn who_vanishes_amid_an_answer_stops_its_work() {
    const FILES: u64 = 2_000;
    let user = User::new().with_collection("notes");
    for number in 0..FILES {
        user.write(&format!("notes/{number}.md"), format!("# {number}"));
    }
    let folder = user.home().join("notes");
    let served = Served::start(&user, &["--root", folder.to_str().unwrap()]);
    assert_well(&served, "at first");
    let before = served.open_files();
    let ingest = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {
            "name": "ingest_directory",
            "arguments": {"collection_name": "notes", "directory_path": folder},
            "_meta": {"progressToken": "t"},
        },
    })
    .to_string();
    let length = ingest.len();
    let mut stream = BufReader::new(served.connect());
    write!(
        stream.get_mut(),
        "{HEAD}Content-Length: {length}\r\n\r\n{ingest}"
    )
    .unwrap();
    // The first says that it begins.
    let mut line = String::new();
    for _ in 0..2 {
        while !line.contains("notifications/progress") {
            line.clear();
            assert!(stream.read_line(&mut line).unwrap() > 0, "it has ended");
        }
        line.clear();
    }
    drop(stream);
    assert_well(&served, "after the client has gone");
    let count = || -> u64 {
        let list = call("list_documents", &json!({"limit": 1}));
        let (_, answer) = served.ask("POST", "/mcp", &[], &list);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let listed = &body["result"]["structuredContent"]["total_count"];
        listed.as_u64().unwrap()
    };
    // What was under way may still arrive.
    let mut seen = u64::MAX;
    while seen != count() {
        seen = count();
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(seen < FILES, "the work went on to its end");
    assert_closed(&served, before, "the answer");
}
