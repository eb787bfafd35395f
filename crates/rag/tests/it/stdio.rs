//! `rag mcp`: the program as a process, by lines written by hand.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::User;

/// What takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `rag mcp` over an empty memory.
pub(crate) struct Server {
    process: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    _user: User,
}

impl Server {
    pub(crate) fn start() -> Self {
        let user = User::new();
        let mut process = user
            .command(&["mcp"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, output) = channel();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // A thread, so that a line that never comes can be given up.
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let input = process.stdin.take();
        Self {
            process,
            input,
            output,
            _user: user,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    /// Writes a line and reads the answer, which must be JSON.
    pub(crate) fn ask(&mut self, line: impl AsRef<[u8]>) -> Value {
        self.write(&[line.as_ref(), b"\n"].concat());
        self.next()
    }

    pub(crate) fn next(&mut self) -> Value {
        serde_json::from_str(&self.output.recv_timeout(PATIENCE).expect("an answer")).unwrap()
    }

    pub(crate) fn initialize(&mut self) -> Value {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        });
        self.ask(request(1, "initialize", &params))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn request(id: u32, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

#[test]
fn lines_that_are_no_messages_are_answered_and_the_session_goes_on() {
    let mut server = Server::start();
    let cases: [(&[u8], i64); 5] = [
        (b"{", -32700),
        (b"hello", -32700),
        (b"\xff\xfe", -32700),
        (b"[]", -32600),
        (b"{\"id\":1}", -32600),
    ];
    for (line, code) in cases {
        assert_eq!(
            server.ask(line)["error"]["code"],
            code,
            "before the handshake: {line:?}"
        );
    }
    server.write(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n\n");
    assert_eq!(
        server.initialize()["result"]["serverInfo"]["name"],
        "rag-memory"
    );
    for (line, code) in cases {
        assert_eq!(
            server.ask(line)["error"]["code"],
            code,
            "after the handshake: {line:?}"
        );
    }
    let long = vec![b'x'; 64 * 1024 * 1024 + 1];
    assert_eq!(server.ask(long)["error"]["code"], -32700);
    assert_eq!(
        server.ask(request(2, "ping", &json!({})))["result"],
        json!({})
    );
}

#[test]
fn what_was_asked_before_the_input_ended_is_answered() {
    let mut server = Server::start();
    server.initialize();
    // The last line needs no line feed.
    let call = json!({"name": "list_collections", "arguments": {}});
    server.write(request(2, "tools/call", &call).as_bytes());
    server.input = None;
    assert_eq!(
        server.next()["result"]["structuredContent"],
        json!({"collections": []})
    );
    assert!(
        server.output.recv_timeout(PATIENCE).is_err(),
        "nothing follows"
    );
    assert!(server.process.wait().unwrap().success());
}

#[test]
fn a_client_that_never_speaks_is_no_failure() {
    let mut server = Server::start();
    server.input = None;
    assert!(server.process.wait().unwrap().success());
    assert!(server.output.recv_timeout(PATIENCE).is_err());
}
