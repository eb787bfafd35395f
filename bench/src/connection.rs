//! A keep-alive HTTP connection that asks one thing after the other and costs
//! next to nothing itself: a full client would hide a fast server.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes read at a time.
const READ: usize = 16 * 1024;

pub(crate) struct Connection {
    address: SocketAddr,
    /// `None` when the next request needs a new one.
    stream: Option<TcpStream>,
    /// The header lines of every request.
    headers: String,
    /// What was read of the answer.
    buffer: Vec<u8>,
}

/// What is asked.
pub(crate) struct Request {
    method: &'static str,
    path: String,
    /// Header lines besides those of the connection.
    headers: String,
    body: String,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In how many seconds to come again, where it says so.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Value,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Connection {
            address,
            stream: Some(connect(address).await?),
            headers: format!("host: {address}\r\n"),
            buffer: Vec::with_capacity(READ),
        })
    }

    /// One whose requests carry `token`.
    pub(crate) async fn open_with(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let mut connection = Connection::open(address).await?;
        let header = format!("authorization: Bearer {token}\r\n");
        connection.headers.push_str(&header);
        Ok(connection)
    }

    /// Calls a tool and gives its structured content.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> anyhow::Result<Value> {
        let answer = self.send(&Request::call(tool, &arguments)).await?;
        answer.ensure_well(tool)?;
        Ok(answer.content().clone())
    }

    /// Gets the JSON at `path`.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        let answer = self.send(&Request::get(path)).await?;
        answer.ensure_well(path)?;
        Ok(answer.body)
    }

    /// Sends a request and reads the answer, whatever it says. The connection is
    /// opened anew when the server closed it, or when the last request failed or
    /// was given up.
    pub(crate) async fn send(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        let (answer, stays_open) = self.exchange(&mut stream, request).await?;
        self.stream = stays_open.then_some(stream);
        Ok(answer)
    }

    async fn exchange(
        &mut self,
        stream: &mut TcpStream,
        request: &Request,
    ) -> anyhow::Result<(Answer, bool)> {
        let Request {
            method,
            path,
            headers,
            body,
        } = request;
        let always = &self.headers;
        let text = format!("{method} {path} HTTP/1.1\r\n{always}{headers}\r\n{body}");
        stream.write_all(text.as_bytes()).await?;
        self.buffer.clear();
        let start = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.read(stream).await?;
        };
        let head = std::str::from_utf8(&self.buffer[..start])?.to_ascii_lowercase();
        let status: Option<u16> = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.context("the answer has no status")?;
        let length = header(&head, "content-length").context("the answer has no length")?;
        let length: usize = length.parse()?;
        while self.buffer.len() < start + length {
            self.read(stream).await?;
        }
        let body = serde_json::from_slice(&self.buffer[start..start + length])
            .with_context(|| format!("the answer {status} is no JSON"))?;
        let answer = Answer {
            status,
            retry_after: header(&head, "retry-after").and_then(|text| text.parse().ok()),
            body,
        };
        Ok((answer, header(&head, "connection") != Some("close")))
    }

    async fn read(&mut self, stream: &mut TcpStream) -> anyhow::Result<()> {
        self.buffer.reserve(READ);
        let read = stream.read_buf(&mut self.buffer).await?;
        anyhow::ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

impl Request {
    /// Calls a tool.
    pub(crate) fn call(tool: &str, arguments: &Value) -> Self {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        Request::post("/mcp", &body).with("accept", "application/json, text/event-stream")
    }

    pub(crate) fn get(path: &str) -> Self {
        Request {
            method: "GET",
            path: path.to_owned(),
            headers: String::new(),
            body: String::new(),
        }
    }

    pub(crate) fn delete(path: &str) -> Self {
        Request {
            method: "DELETE",
            ..Request::get(path)
        }
    }

    pub(crate) fn post(path: &str, body: &Value) -> Self {
        let body = body.to_string();
        let length = body.len();
        Request {
            method: "POST",
            headers: format!("content-type: application/json\r\ncontent-length: {length}\r\n"),
            body,
            ..Request::get(path)
        }
    }

    /// The same with a header more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

impl Answer {
    /// The structured content of a tool's result; null when there is none.
    pub(crate) fn content(&self) -> &Value {
        &self.body["result"]["structuredContent"]
    }

    /// Whether it is that of a tool that failed.
    pub(crate) fn is_failed_call(&self) -> bool {
        self.body["result"]["isError"] == true || !self.body["error"].is_null()
    }

    fn ensure_well(&self, asked: &str) -> anyhow::Result<()> {
        let Answer { status, body, .. } = self;
        anyhow::ensure!(
            *status == 200 && !self.is_failed_call(),
            "{asked} was answered {status}: {body}"
        );
        Ok(())
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The value of a header in a head that is in lower case.
fn header<'head>(head: &'head str, name: &str) -> Option<&'head str> {
    let mut lines = head.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim())
}
