//! A server on a free port, and a client that sends what it is told to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rag::http::{self, ApiOptions, AppOptions, Health};
use rag_core::fuse::Fusion;
use rag_embed::HashingEmbedder;
use rag_mcp::ToolSet;
use rag_mcp::transport::Options;
use rag_memory::{Memory, MemoryOptions, Web};
use rag_source::FileRoots;
use rag_store::embedded::EmbeddedStore;
use rag_web::{Fetcher, FetcherOptions, GitHub, GitHubOptions, Guard};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

/// What takes longer never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) running: JoinHandle<()>,
    /// What is behind it, for who runs it.
    pub(crate) memory: Memory,
    folder: TempDir,
}

impl Server {
    /// A server over an empty memory.
    pub(crate) async fn start(options: Options) -> Self {
        Self::with_routes(options, Router::new()).await
    }

    /// The same with more routes.
    pub(crate) async fn with_routes(options: Options, more: Router) -> Self {
        Self::with(options, more, ToolSet::All, |_| AppOptions::default()).await
    }

    /// A server that offers some tools alone.
    pub(crate) async fn offering(tools: ToolSet) -> Self {
        let options = Options::default();
        Self::with(options, Router::new(), tools, |_| AppOptions::default()).await
    }

    /// A server whose callers need a token of its memory.
    pub(crate) async fn guarded(app_options: impl FnOnce(&Memory) -> AppOptions) -> Self {
        let options = Options::default();
        Self::with(options, Router::new(), ToolSet::All, app_options).await
    }

    async fn with(
        mut options: Options,
        more: Router,
        tools: ToolSet,
        app_options: impl FnOnce(&Memory) -> AppOptions,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let shutdown = CancellationToken::new();
        options.shutdown = shutdown.clone();
        let memory = memory(folder.path());
        let api = http::api(ApiOptions {
            memory: memory.clone(),
            tools: tools.clone(),
            public_url: None,
            listeners_max: 2,
            shutdown: shutdown.clone(),
        });
        let routes = rag_mcp::routes(Arc::new(memory.clone()), tools, &options);
        let health = Health::new(Arc::new(|| Box::pin(async { Ok(()) })));
        let app = http::app(routes.merge(api).merge(more), health, app_options(&memory));
        let (address, running) = serve(app, shutdown.clone()).await;
        Self {
            address,
            shutdown,
            running,
            memory,
            folder,
        }
    }

    /// The folder whose files the memory may read.
    pub(crate) fn files(&self) -> std::path::PathBuf {
        self.folder.path().join("files")
    }

    /// Posts a JSON-RPC message to `/mcp` as `curl` would.
    pub(crate) async fn post(&self, message: &Value) -> Reply {
        self.post_text(&message.to_string()).await
    }

    /// Posts any text to `/mcp` as JSON.
    pub(crate) async fn post_text(&self, text: &str) -> Reply {
        send(
            self.address,
            &request("POST", "/mcp", &["Content-Type: application/json"], text),
        )
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn memory(folder: &Path) -> Memory {
    let store = EmbeddedStore::open(&folder.join("memory.db")).unwrap();
    let options = MemoryOptions {
        file_roots: FileRoots::new([folder.join("files")]).unwrap(),
        document_bytes_max: 1_000_000,
        fusion: Fusion::default(),
        job_wait: PATIENCE,
        web: nothing_but_public(),
    };
    Memory::new(Arc::new(store), Arc::new(HashingEmbedder::new(64)), options)
}

/// What these tests ask nothing of.
fn nothing_but_public() -> Web {
    let guard = Arc::new(Guard::new(&[]).unwrap());
    let github = GitHubOptions {
        api: Url::parse("http://127.0.0.1:9/").unwrap(),
        token: None,
        tarball_bytes_max: 1,
    };
    Web {
        fetcher: Fetcher::new(guard.clone(), FetcherOptions::default()),
        github: GitHub::new(guard, github),
        renderer: None,
    }
}

/// Serves `app` on a free port.
pub(crate) async fn serve(
    app: Router,
    shutdown: CancellationToken,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = http::bind("127.0.0.1", 0).await.unwrap().listener;
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(http::serve(app, listener, shutdown)))
}

/// A request with a body and, unless `headers` has one, a loopback `Host`.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|header| header.starts_with("Host:")) {
        head.push_str("Host: localhost\r\n");
    }
    if !headers
        .iter()
        .any(|header| header.starts_with("Content-Length:"))
    {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    format!("{head}\r\n{body}")
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The header lines, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// The value of a header, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON-RPC error code in the body.
    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    /// The messages of an event stream.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.body
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn send(address: SocketAddr, request: impl AsRef<[u8]>) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_ref()).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("an answer")
        .unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Reply {
        status: status.unwrap_or_else(|| panic!("no status: {text}")),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// An answer that is read as it comes.
pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Posts a JSON-RPC message to `/mcp`.
    pub(crate) async fn post(address: SocketAddr, message: &Value) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let headers = ["Content-Type: application/json"];
        let request = request("POST", "/mcp", &headers, &message.to_string());
        stream.write_all(request.as_bytes()).await.unwrap();
        Self(BufReader::new(stream))
    }

    /// Reads up to a line that contains `text`.
    pub(crate) async fn until(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let read = timeout(PATIENCE, self.0.read_line(&mut line))
                .await
                .expect("a line");
            assert!(read.unwrap() > 0, "the answer ended before `{text}`");
        }
    }

    /// Reads what is left.
    pub(crate) async fn rest(mut self) -> String {
        let mut rest = String::new();
        timeout(PATIENCE, self.0.read_to_string(&mut rest))
            .await
            .expect("an end")
            .unwrap();
        rest
    }
}

/// A legacy SSE session from its client's side.
pub(crate) struct Session {
    address: SocketAddr,
    lines: BufReader<TcpStream>,
    headers: Vec<String>,
    /// The status of `GET /sse`.
    pub(crate) status: u16,
    /// Where to post; empty when there is no session.
    pub(crate) endpoint: String,
}

impl Session {
    /// Opens a session, sending `headers` with every request.
    pub(crate) async fn open(address: SocketAddr, headers: &[&str]) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(request("GET", "/sse", headers, "").as_bytes())
            .await
            .unwrap();
        let mut session = Self {
            address,
            lines: BufReader::new(stream),
            headers: headers.iter().map(|&header| header.to_owned()).collect(),
            status: 0,
            endpoint: String::new(),
        };
        let first = session.line().await.expect("a status line");
        session.status = first.split(' ').nth(1).unwrap().parse().unwrap();
        if session.status == 200 {
            session.endpoint = session.data("endpoint").await.expect("an endpoint");
        }
        session
    }

    /// Posts a message to the session.
    pub(crate) async fn post(&self, text: &str) -> Reply {
        self.post_to(&self.endpoint, text).await
    }

    /// Posts a message to another path.
    pub(crate) async fn post_to(&self, path: &str, text: &str) -> Reply {
        let mut headers: Vec<&str> = self.headers.iter().map(String::as_str).collect();
        headers.push("Content-Type: application/json");
        send(self.address, &request("POST", path, &headers, text)).await
    }

    /// The next message of the server; `None` when the stream has ended.
    pub(crate) async fn message(&mut self) -> Option<Value> {
        self.data("message")
            .await
            .map(|data| serde_json::from_str(&data).unwrap())
    }

    /// Waits for a comment, which keeps the stream alive.
    pub(crate) async fn comment(&mut self) {
        while !self.line().await.expect("a line").starts_with(':') {}
    }

    /// The data of the next event, which must be of that name.
    async fn data(&mut self, event: &str) -> Option<String> {
        loop {
            let line = self.line().await?;
            if let Some(name) = line.strip_prefix("event: ") {
                assert_eq!(name, event);
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(data.to_owned());
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.lines.read_line(&mut line))
            .await
            .expect("a line");
        (read.unwrap() > 0).then(|| line.trim_end().to_owned())
    }
}
