//! The operations of `Memory`, on the embedded store in a temporary folder
//! with a real, if simple, embedder.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod collections;
mod directories;
mod documents;
mod files;
mod ingest;
mod search;

use std::path::Path;
use std::sync::Arc;

use rag_core::fuse::Fusion;
use rag_embed::HashingEmbedder;
use rag_memory::api::{CreateCollection, IngestMode, IngestText, Object, TextIngested};
use rag_memory::{Error, Memory, MemoryOptions};
use rag_source::FileRoots;
use rag_store::embedded::EmbeddedStore;

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
    let store = EmbeddedStore::open(&folder.join("memory.sqlite")).unwrap();
    let options = MemoryOptions {
        file_roots: FileRoots::new([folder.join("files")]).unwrap(),
        document_bytes_max: DOCUMENT_BYTES_MAX,
        fusion: Fusion::Convex,
    };
    Memory::new(
        Arc::new(store),
        Arc::new(HashingEmbedder::new(dimensions)),
        options,
    )
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
