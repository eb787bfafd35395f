//! The operations of `Memory`, on the embedded store in a temporary folder
//! with a real, if simple, embedder.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod analyze;
mod collections;
mod crawls;
mod directories;
mod documents;
mod files;
mod import_legacy;
mod ingest;
mod jobs;
mod recrawls;
mod reembed;
mod repositories;
mod search;
mod transfer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rag_core::fuse::Fusion;
use rag_embed::HashingEmbedder;
use rag_memory::api::{CreateCollection, IngestMode, IngestText, Object, TextIngested};
use rag_memory::{Error, Memory, MemoryOptions, Web};
use rag_source::FileRoots;
use rag_store::embedded::EmbeddedStore;
use rag_web::{Fetcher, FetcherOptions, GitHub, GitHubOptions, Guard};
use url::Url;

/// A memory of its own for one test, with a collection `docs`.
struct Fixture {
    memory: Memory,
    folder: tempfile::TempDir,
}

/// Texts of a memory in these tests may have this many bytes.
const DOCUMENT_BYTES_MAX: u64 = 100_000;

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let fixture = Fixture {
            memory: open(folder.path(), 64),
            folder,
        };
        fixture.create("docs").await.unwrap();
        fixture
    }

    /// Opens the memory anew, with callers who wait that long for a job.
    fn reopen_with(&mut self, job_wait: Duration) {
        let options = MemoryOptions {
            job_wait,
            ..options(self.folder.path())
        };
        self.memory = memory(self.folder.path(), 64, options);
    }

    /// Opens the memory anew, with GitHub at `api`.
    fn reopen_at(&mut self, api: &Url) {
        let options = MemoryOptions {
            web: web(api),
            ..options(self.folder.path())
        };
        self.memory = memory(self.folder.path(), 64, options);
    }

    /// The folder whose files may be read.
    fn files(&self) -> std::path::PathBuf {
        self.folder.path().join("files")
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.files().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    async fn create(&self, name: &str) -> Result<(), Error> {
        let request = CreateCollection {
            name: name.to_owned(),
            description: format!("what {name} holds"),
            metadata_schema: None,
        };
        self.memory.create_collection(request).await.map(drop)
    }

    async fn put(&self, content: &str) -> TextIngested {
        self.memory.ingest_text(text(content)).await.unwrap()
    }
}

/// A memory over the store in `folder`, embedding into so many dimensions.
fn open(folder: &Path, dimensions: usize) -> Memory {
    memory(folder, dimensions, options(folder))
}

fn memory(folder: &Path, dimensions: usize, options: MemoryOptions) -> Memory {
    let store = EmbeddedStore::open(&folder.join("memory.sqlite")).unwrap();
    let embedder = HashingEmbedder::new(dimensions);
    Memory::new(Arc::new(store), Arc::new(embedder), options)
}

fn options(folder: &Path) -> MemoryOptions {
    MemoryOptions {
        file_roots: FileRoots::new([folder.join("files")]).unwrap(),
        document_bytes_max: DOCUMENT_BYTES_MAX,
        fusion: Fusion::Convex,
        job_wait: Duration::from_secs(30),
        web: web(&Url::parse("http://127.0.0.1:9/").unwrap()),
    }
}

/// The web as these tests see it: without a browser, with 127.0.0.1 for the
/// operator's own host, and GitHub at `github`.
fn web(github: &Url) -> Web {
    let guard = Arc::new(Guard::new(&["127.0.0.1".to_owned()]).unwrap());
    let options = FetcherOptions {
        timeout: Duration::from_secs(5),
        ..FetcherOptions::default()
    };
    let github = GitHubOptions {
        api: github.clone(),
        token: None,
        tarball_bytes_max: 1 << 20,
    };
    Web {
        fetcher: Fetcher::new(guard.clone(), options),
        github: GitHub::new(guard, github),
        renderer: None,
    }
}

/// A text for the collection `docs`, with every option at its default.
fn text(content: &str) -> IngestText {
    IngestText {
        content: content.to_owned(),
        collection_name: "docs".to_owned(),
        document_title: None,
        metadata: Object::new(),
        include_chunk_ids: false,
        mode: IngestMode::Ingest,
    }
}

fn object(json: serde_json::Value) -> Object {
    match json {
        serde_json::Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// The message and remedy of a result that must be an error.
fn error<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}
