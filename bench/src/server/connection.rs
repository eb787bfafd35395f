//! A keep-alive HTTP connection that asks one thing after the other and costs
//! next to nothing itself: a full client would hide a fast server.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes read at a time.
const READ: usize = 16 * 1024;

pub(super) struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    /// What was read of the answer.
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            address,
            buffer: Vec::with_capacity(READ),
        })
    }

    /// Calls a tool and gives its structured content.
    pub(super) async fn call(&mut self, tool: &str, arguments: Value) -> anyhow::Result<Value> {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let body = body.to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\naccept: application/json, text/event-stream\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let mut answer = self.ask(&(head + &body)).await?;
        let result = answer["result"].take();
        anyhow::ensure!(
            result["isError"] != true && !result.is_null(),
            "{tool} failed: {result}{answer}"
        );
        Ok(result["structuredContent"].clone())
    }

    /// Gets the JSON at `path`.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        self.ask(&request).await
    }

    async fn ask(&mut self, request: &str) -> anyhow::Result<Value> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let body = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await?;
        };
        let head = std::str::from_utf8(&self.buffer[..body])?.to_ascii_lowercase();
        anyhow::ensure!(
            head.starts_with("http/1.1 200"),
            "the server answered {head}"
        );
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("the answer has no length")?.trim().parse()?;
        while self.buffer.len() < body + length {
            self.read().await?;
        }
        Ok(serde_json::from_slice(&self.buffer[body..body + length])?)
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        self.buffer.reserve(READ);
        let read = self.stream.read_buf(&mut self.buffer).await?;
        anyhow::ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}
