//! Messages that are damaged: whatever a client sends in the place of one, it is
//! told what became of each request, the server does not fail over it, and what
//! comes afterwards is answered. The same on all three transports.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::SocketAddr;

use proptest::collection::vec as many;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use rag_mcp::transport::Options;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::client::{Reply, Server, Session, request, send};
use crate::stdio;

/// How many lines each transport is sent.
const LINES: u32 = 250;

const PING: &str = r#"{"jsonrpc":"2.0","id":"ping","method":"ping"}"#;

/// What is right before something is done to it.
const MESSAGES: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
    r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":"a","method":"tools/list","params":{"cursor":null}}"#,
    r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"search_documents","arguments":{"query":"tides","limit":3},"_meta":{"progressToken":"t"}}}"#,
    r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"create_collection","arguments":{"name":"notes","description":"d"}}}"#,
    r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"list_documents","arguments":{"metadata_filter":{"a":1}}}}"#,
    r#"{"jsonrpc":"2.0","id":6,"method":"resources/read","params":{"uri":"rag://collections"}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"prompts/get","params":{"name":"ask","arguments":{"question":"q"}}}"#,
    r#"{"jsonrpc":"2.0","id":8,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"ask"},"argument":{"name":"collection","value":"n"}}}"#,
    r#"{"jsonrpc":"2.0","id":9,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3,"reason":"r"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#,
    r#"{"jsonrpc":"2.0","id":10,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":11,"error":{"code":-1,"message":"m"}}"#,
];

/// Members that an object may get besides, or twice.
const MEMBERS: &[&str] = &[
    "\"id\":77,",
    "\"id\":null,",
    "\"jsonrpc\":\"1.0\",",
    "\"method\":\"ping\",",
    "\"params\":[1],",
    "\"result\":{},",
    "\"error\":{\"code\":1,\"message\":\"\"},",
    "\"_meta\":null,",
];

/// What gets in between. No line feeds, which end a line.
const FRAGMENTS: &[&[u8]] = &[
    b"null",
    b"1e999",
    b"-0",
    b"99999999999999999999999999",
    b"\"\\ud800\"",
    b"\\u0000",
    b"\xe2\x80\xae\xf0\x9f\x98\x80",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\x00",
    b"\x01\x1f\x7f",
    b"\\",
    b"\"",
    b",",
    b":",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\r",
    b"                                ",
];

/// A line that a client sends.
#[derive(Clone)]
struct Line(Vec<u8>);

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.escape_ascii())
    }
}

/// What is done to the text of a message.
#[derive(Clone, Debug)]
enum Damage {
    /// It gets bytes more.
    Fragment(Index, &'static [u8]),
    /// One of its objects gets a member more.
    Member(Index, &'static str),
    /// It loses bytes.
    Gap(Index, usize),
    /// It ends early.
    Cut(Index),
    /// There are two of it, as a batch.
    Batch,
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), select(FRAGMENTS)).prop_map(|(at, bytes)| Damage::Fragment(at, bytes)),
        (at(), select(MEMBERS)).prop_map(|(at, member)| Damage::Member(at, member)),
        (at(), 1..12_usize).prop_map(|(at, bytes)| Damage::Gap(at, bytes)),
        at().prop_map(Damage::Cut),
        Just(Damage::Batch),
    ]
}

/// A value where another is expected.
fn odd() -> impl Strategy<Value = Value> {
    let nest = |depth: usize| {
        (0..depth).fold(json!(1), |inner, level| match level % 2 {
            0 => json!([inner]),
            _ => json!({"a": inner}),
        })
    };
    prop_oneof![
        select(vec![
            json!(null),
            json!(true),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!([]),
            json!({}),
            json!({"id": 1}),
            json!("\u{0}\u{1f}\u{2028}\u{202e}\u{feff}"),
            json!("long".repeat(5_000)),
        ]),
        any::<String>().prop_map(Value::from),
        // A parser gives up at 128.
        (1..150_usize).prop_map(nest),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let values = many((any::<Index>(), odd()), 0..3);
    let damages = many(damage(), 0..3);
    (select(MESSAGES), values, damages).prop_map(|(message, values, damages)| {
        let mut message: Value = serde_json::from_str(message).unwrap();
        for (at, value) in values {
            let mut places = Vec::new();
            find_places(&message, String::new(), &mut places);
            *message.pointer_mut(at.get::<String>(&places)).unwrap() = value;
        }
        let text = message.to_string().into_bytes();
        Line(
            damages
                .iter()
                .fold(text, |text, damage| apply(damage, &text)),
        )
    })
}

/// The pointer to a value and to each in it.
fn find_places(value: &Value, pointer: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                find_places(member, format!("{pointer}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                find_places(item, format!("{pointer}/{number}"), places);
            }
        }
        _ => {}
    }
    places.push(pointer);
}

fn apply(damage: &Damage, text: &[u8]) -> Vec<u8> {
    let place = |at: &Index| text.split_at(at.index(text.len() + 1));
    match damage {
        Damage::Fragment(at, bytes) => {
            let (before, after) = place(at);
            [before, *bytes, after].concat()
        }
        Damage::Member(at, member) => {
            let braces: Vec<usize> = (0..text.len()).filter(|&at| text[at] == b'{').collect();
            if braces.is_empty() {
                return text.to_vec();
            }
            let (before, after) = text.split_at(at.get(&braces) + 1);
            [before, member.as_bytes(), after].concat()
        }
        Damage::Gap(at, bytes) => {
            let (before, after) = place(at);
            [before, after.get(*bytes..).unwrap_or_default()].concat()
        }
        Damage::Cut(at) => place(at).0.to_vec(),
        Damage::Batch => [&b"["[..], text, b",", text, b"]"].concat(),
    }
}

/// Sends many lines, none of which may make `check` panic.
fn for_each_line(check: impl Fn(&Line)) {
    let config = ProptestConfig {
        cases: LINES,
        failure_persistence: None,
        // After the line that ended a session, no other says anything.
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&line(), |line| {
        check(&line);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// Whether a client that sent `line` can know what became of it: a request has an
/// answer with its id, and what cannot be read an error.
fn is_told(line: &Line, answers: &[Value]) -> bool {
    if line.0.trim_ascii().is_empty() {
        return true;
    }
    let Ok(message) = serde_json::from_slice::<Value>(&line.0) else {
        return answers
            .iter()
            .any(|answer| answer["error"]["code"].is_i64());
    };
    let id = &message["id"];
    let is_request = message["jsonrpc"] == "2.0"
        && message["method"].is_string()
        && (id.is_string() || id.is_i64());
    !is_request || answers.iter().any(|answer| answer["id"] == *id)
}

/// Hears what a session says besides `answers` until `line` and the ping after it are
/// answered.
fn until_told(line: &Line, mut answers: Vec<Value>, ping: &str, mut next: impl FnMut() -> Value) {
    let mut is_well = false;
    while !is_well || !is_told(line, &answers) {
        let message = next();
        if message["id"] == ping {
            assert_eq!(message["result"], json!({}), "{message}");
            is_well = true;
        } else {
            answers.push(message);
        }
    }
}

/// The messages in the answer to a post.
fn messages(reply: &Reply) -> Vec<Value> {
    match serde_json::from_str(&reply.body) {
        Ok(message) => vec![message],
        Err(_) => reply.events(),
    }
}

async fn post(address: SocketAddr, path: &str, body: &[u8]) -> Reply {
    let length = format!("Content-Length: {}", body.len());
    let headers = ["Content-Type: application/json", length.as_str()];
    let head = request("POST", path, &headers, "");
    send(address, [head.as_bytes(), body].concat()).await
}

/// A ping of its own for each time, and its id.
fn ping(number: &Cell<u32>) -> (String, String) {
    let id = format!("ping {}", number.replace(number.get() + 1));
    (
        PING.replace("\"id\":\"ping\"", &format!("\"id\":\"{id}\"")),
        id,
    )
}

#[test]
fn damaged_messages_are_answered_over_streamable_http() {
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let server = runtime.block_on(Server::start(Options::default()));
    for_each_line(|line| {
        let reply = runtime.block_on(post(server.address, "/mcp", &line.0));
        assert!(reply.status < 500, "{reply:?}");
        assert!(is_told(line, &messages(&reply)), "{reply:?}");
        let pong = runtime.block_on(server.post_text(PING));
        assert_eq!(pong.json()["result"], json!({}), "{pong:?}");
    });
}

#[test]
fn damaged_messages_are_answered_in_a_session_of_the_older_transport() {
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let server = runtime.block_on(Server::start(Options::default()));
    let mut session = runtime.block_on(Session::open(server.address, &[]));
    runtime.block_on(session.post(MESSAGES[0]));
    assert_eq!(runtime.block_on(session.message()).unwrap()["id"], 1);
    let session = RefCell::new(session);
    let number = Cell::new(0);
    for_each_line(|line| {
        let mut session = session.borrow_mut();
        let reply = runtime.block_on(post(server.address, &session.endpoint, &line.0));
        assert!([202, 400].contains(&reply.status), "{reply:?}");
        let (ping, id) = ping(&number);
        assert_eq!(runtime.block_on(session.post(&ping)).status, 202);
        until_told(line, messages(&reply), &id, || {
            runtime.block_on(session.message()).expect("a session")
        });
    });
}

#[test]
fn damaged_messages_are_answered_over_standard_input() {
    let mut server = stdio::Server::start();
    server.initialize();
    let server = RefCell::new(server);
    let number = Cell::new(0);
    for_each_line(|line| {
        let mut server = server.borrow_mut();
        let (ping, id) = ping(&number);
        server.write(&[&line.0[..], b"\n", ping.as_bytes(), b"\n"].concat());
        until_told(line, Vec::new(), &id, || server.next());
    });
}

/// Who passes on the messages of several clients sends several handshakes.
#[test]
fn another_handshake_leaves_a_session_as_it_says() {
    for version in ["2024-11-05", "2025-11-25", "2026-07-28", "2099-01-01"] {
        let mut server = stdio::Server::start();
        server.initialize();
        let answer = server.ask(MESSAGES[0].replace("2025-11-25", version));
        let agreed = answer["result"]["protocolVersion"].as_str().unwrap();
        assert!(agreed < "2026-07-28", "there is no ping from then on");
        let pong = server.ask(PING);
        assert_eq!(pong["result"], json!({}), "{version}: {pong}");
    }
}

#[test]
fn a_message_may_begin_with_a_byte_order_mark() {
    let marked = format!("\u{feff}{PING}");
    assert_eq!(stdio::Server::start().ask(&marked)["id"], "ping");
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let server = runtime.block_on(Server::start(Options::default()));
    let mut session = runtime.block_on(Session::open(server.address, &[]));
    assert_eq!(runtime.block_on(session.post(&marked)).status, 202);
    let pong = runtime.block_on(session.message()).unwrap();
    assert_eq!(pong["result"], json!({}), "{pong}");
    let reply = runtime.block_on(server.post_text(&marked));
    assert_eq!(reply.json()["id"], "ping", "{reply:?}");
}
