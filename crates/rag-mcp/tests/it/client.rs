//! A client that writes JSON-RPC by hand, and the server it talks to.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rag_core::fuse::Fusion;
use rag_core::port::Embedder;
use rag_embed::HashingEmbedder;
use rag_mcp::{RagServer, ToolSet};
use rag_memory::{Memory, MemoryOptions, Web};
use rag_source::FileRoots;
use rag_store::embedded::EmbeddedStore;
use rag_web::{Fetcher, FetcherOptions, GitHub, GitHubOptions, Guard};
use rmcp::ServiceExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::task::JoinHandle;
use url::Url;

use crate::schema::violations;

/// An answer that takes longer never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the server behind a client is made of.
pub(crate) struct Setup {
    pub(crate) embedder: Arc<dyn Embedder>,
    /// How long a call waits for a job.
    pub(crate) job_wait: Duration,
    /// The hosts of this machine that may be reached.
    pub(crate) private_hosts: Vec<String>,
    /// Where GitHub's API is.
    pub(crate) github_api: Url,
    /// Which tools are offered.
    pub(crate) tools: ToolSet,
}

impl Default for Setup {
    /// A server that waits as long as a test does, and reaches nothing.
    fn default() -> Self {
        Setup {
            embedder: Arc::new(HashingEmbedder::new(256)),
            job_wait: PATIENCE,
            private_hosts: Vec::new(),
            github_api: Url::parse("http://127.0.0.1:9/").unwrap(),
            tools: ToolSet::All,
        }
    }
}

impl Setup {
    fn web(&self) -> Web {
        let guard = Arc::new(Guard::new(&self.private_hosts).unwrap());
        let github = GitHubOptions {
            api: self.github_api.clone(),
            token: None,
            tarball_bytes_max: 1 << 20,
        };
        Web {
            fetcher: Fetcher::new(guard.clone(), FetcherOptions::default()),
            github: GitHub::new(guard, github),
            renderer: None,
        }
    }
}

/// A client, its server, and the folder that the server may read.
pub(crate) struct Client {
    writer: WriteHalf<DuplexStream>,
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    server: JoinHandle<()>,
    folder: TempDir,
    last_id: i64,
    /// Sent with each request, for clients without a handshake.
    meta: Option<Value>,
    /// What arrived while a response was waited for.
    pub(crate) notifications: Vec<Value>,
    /// The tools as listed, fetched by the first call of one.
    tools: Vec<Value>,
    /// The tools that gave an answer.
    pub(crate) used: BTreeSet<String>,
}

impl Client {
    /// A client of the era with a handshake, which is done.
    pub(crate) async fn new() -> Self {
        Client::with(Setup::default()).await
    }

    /// The same with another server.
    pub(crate) async fn with(setup: Setup) -> Self {
        let mut client = Client::unconnected(setup);
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        });
        client.result("initialize", params).await;
        client
            .send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        client
    }

    /// A client of the era in which each request stands for itself.
    pub(crate) fn stateless() -> Self {
        let mut client = Client::unconnected(Setup::default());
        client.meta = Some(json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }));
        client
    }

    /// A client that has said nothing yet.
    pub(crate) fn unconnected(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let store = EmbeddedStore::open(&folder.path().join("memory.db")).unwrap();
        let options = MemoryOptions {
            file_roots: FileRoots::new([folder.path().join("files")]).unwrap(),
            document_bytes_max: 2_000_000,
            fusion: Fusion::default(),
            job_wait: setup.job_wait,
            web: setup.web(),
        };
        let memory = Memory::new(Arc::new(store), setup.embedder, options);
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = tokio::spawn(async move {
            let running = RagServer::new(Arc::new(memory), setup.tools)
                .serve(theirs)
                .await
                .unwrap();
            running.waiting().await.unwrap();
        });
        let (reader, writer) = tokio::io::split(ours);
        Client {
            writer,
            lines: BufReader::new(reader).lines(),
            server,
            folder,
            last_id: 0,
            meta: None,
            notifications: Vec::new(),
            tools: Vec::new(),
            used: BTreeSet::new(),
        }
    }

    /// The folder that the server may read.
    pub(crate) fn files(&self) -> std::path::PathBuf {
        self.folder.path().join("files")
    }

    /// Puts a file there and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.files().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes a line.
    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string()).await;
    }

    /// Writes a line that need not be a message.
    pub(crate) async fn send_line(&mut self, line: &str) {
        self.writer.write_all(line.as_bytes()).await.unwrap();
        self.writer.write_all(b"\n").await.unwrap();
    }

    /// Reads a line.
    pub(crate) async fn receive(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line());
        let line = line
            .await
            .expect("the server answers")
            .unwrap()
            .expect("the session lives");
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a request without waiting, and gives its id.
    pub(crate) async fn start(&mut self, method: &str, mut params: Value) -> i64 {
        self.last_id += 1;
        if let Some(meta) = &self.meta {
            params["_meta"] = meta.clone();
        }
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        id
    }

    /// Reads up to the response to a request; nothing else may be answered.
    pub(crate) async fn response(&mut self, id: i64) -> Value {
        loop {
            let message = self.receive().await;
            if message.get("method").is_some() {
                self.notifications.push(message);
                continue;
            }
            assert_eq!(message["id"], id, "another request was answered: {message}");
            return message;
        }
    }

    /// The whole response to a request.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start(method, params).await;
        self.response(id).await
    }

    /// The result of a request that succeeds.
    pub(crate) async fn result(&mut self, method: &str, params: Value) -> Value {
        let mut response = self.request(method, params).await;
        assert!(
            response.get("error").is_none(),
            "{method} failed: {response}"
        );
        response["result"].take()
    }

    /// The error of a request that fails.
    pub(crate) async fn error(&mut self, method: &str, params: Value) -> Value {
        let mut response = self.request(method, params).await;
        assert!(
            response.get("error").is_some(),
            "{method} did not fail: {response}"
        );
        response["error"].take()
    }

    /// What a tool answers, after checking that both forms of the answer agree
    /// with each other and with the schema that was listed.
    pub(crate) async fn answer(&mut self, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let result = self.result("tools/call", params).await;
        self.checked_answer(tool, result).await
    }

    /// The checks of [`Client::answer`] on a result.
    pub(crate) async fn checked_answer(&mut self, tool: &str, mut result: Value) -> Value {
        assert_eq!(result["isError"], false, "{tool} refused: {result}");
        let content = result["content"].as_array().unwrap();
        assert_eq!(content.len(), 1, "{tool} gave {content:?}");
        assert_eq!(content[0]["type"], "text");
        let text: Value = serde_json::from_str(content[0]["text"].as_str().unwrap()).unwrap();
        let answer = result["structuredContent"].take();
        assert_eq!(text, answer, "{tool} says two things");
        let schema = self.output_schema(tool).await;
        assert_eq!(
            violations(&schema, &answer),
            Vec::<String>::new(),
            "{tool} gave {answer}"
        );
        self.used.insert(tool.to_owned());
        answer
    }

    /// What a tool says that refuses.
    pub(crate) async fn refusal(&mut self, tool: &str, arguments: Value) -> String {
        let params = json!({"name": tool, "arguments": arguments});
        let result = self.result("tools/call", params).await;
        assert_eq!(
            result["isError"], true,
            "{tool} did not refuse {arguments}: {result}"
        );
        assert!(
            result.get("structuredContent").is_none(),
            "{tool} gave {result}"
        );
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// The tools as listed.
    pub(crate) async fn tools(&mut self) -> &[Value] {
        if self.tools.is_empty() {
            let list = self.result("tools/list", json!({})).await;
            self.tools = list["tools"].as_array().unwrap().clone();
        }
        &self.tools
    }

    async fn output_schema(&mut self, tool: &str) -> Value {
        let tools = self.tools().await;
        tools.iter().find(|listed| listed["name"] == tool).unwrap()["outputSchema"].clone()
    }

    /// Makes a collection.
    pub(crate) async fn collection(&mut self, name: &str) {
        let arguments = json!({"name": name, "description": "What a test puts in"});
        self.answer("create_collection", arguments).await;
    }

    /// Puts a text into a collection and gives the document's id.
    pub(crate) async fn text(&mut self, collection: &str, title: &str, content: &str) -> String {
        let arguments = json!({
            "collection_name": collection, "document_title": title, "content": content,
        });
        let answer = self.answer("ingest_text", arguments).await;
        answer["source_document_id"].as_str().unwrap().to_owned()
    }

    /// Hangs up and waits until the server has ended.
    pub(crate) async fn hang_up(self) {
        drop((self.writer, self.lines));
        tokio::time::timeout(PATIENCE, self.server)
            .await
            .expect("the server ends")
            .unwrap();
    }
}
