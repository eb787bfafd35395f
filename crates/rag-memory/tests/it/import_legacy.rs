//! Taking over the database of the first prior system, a real one with few rows.

mod database;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};
use rag_embed::HashingEmbedder;
use rag_memory::api::{
    DocumentItem, DocumentView, GetDocument, ImportLegacy, JobStatus, LegacyImported,
    ListDocuments, SearchDocuments, SearchMode,
};
use rag_memory::{Error, ErrorKind, Memory, Watch};
use rag_store::embedded::EmbeddedStore;
use rag_store::legacy::LegacyPostgres;
use serde_json::json;

use self::database::Database;
use crate::{Fixture, options};

/// Says it is the model of the prior system. A question `n` is embedded like the
/// chunk with the id n there, a passage like the last of them.
struct SameModel {
    space: EmbeddingSpace,
    passages: AtomicUsize,
}

impl SameModel {
    fn new() -> Self {
        SameModel {
            space: EmbeddingSpace {
                model: "text-embedding-3-small".into(),
                dimensions: 1536,
            },
            passages: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl Embedder for SameModel {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn token_limits(&self) -> TokenLimits {
        HashingEmbedder::new(1).token_limits()
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        Ok(text.split_whitespace().count())
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        if purpose == Purpose::Passage {
            self.passages.fetch_add(texts.len(), Ordering::Relaxed);
        }
        let vector = |text: &String| {
            let mut vector = vec![0.0; 1536];
            let number: usize = text.parse().unwrap_or(1536);
            vector[number - 1] = 1.0;
            vector
        };
        Ok(texts.iter().map(vector).collect())
    }
}

/// An empty memory with an embedder of the prior system's model.
struct Same {
    memory: Memory,
    embedder: Arc<SameModel>,
    _folder: tempfile::TempDir,
}

impl Same {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let store = EmbeddedStore::open(&folder.path().join("memory.sqlite")).unwrap();
        let embedder = Arc::new(SameModel::new());
        let memory = Memory::new(Arc::new(store), embedder.clone(), options(folder.path()));
        Same {
            memory,
            embedder,
            _folder: folder,
        }
    }

    fn passages_embedded(&self) -> usize {
        self.embedder.passages.load(Ordering::Relaxed)
    }
}

async fn import(
    memory: &Memory,
    url: &str,
    request: ImportLegacy,
) -> Result<LegacyImported, Error> {
    let source = LegacyPostgres::open(url).await?;
    memory
        .import_legacy(&source, request, &Watch::nobody())
        .await
}

async fn list(memory: &Memory, collection: &str) -> Vec<DocumentItem> {
    let request = ListDocuments {
        collection_name: Some(collection.to_owned()),
        limit: 50,
        offset: 0,
        include_details: true,
    };
    memory.list_documents(request).await.unwrap().documents
}

async fn view(memory: &Memory, id: &str) -> DocumentView {
    let request = GetDocument {
        include_chunks: true,
        ..GetDocument::new(id)
    };
    memory.get_document(request).await.unwrap()
}

/// (ingested, kept, unchanged, skipped, failed)
fn counts(reply: &LegacyImported) -> (u64, u64, u64, u64, u64) {
    assert_eq!(
        reply.documents_found,
        reply.documents_ingested
            + reply.documents_unchanged
            + reply.documents_skipped
            + reply.documents_failed
    );
    (
        reply.documents_ingested,
        reply.vectors_kept,
        reply.documents_unchanged,
        reply.documents_skipped,
        reply.documents_failed,
    )
}

#[tokio::test]
async fn everything_comes_over_with_its_vectors() {
    let database = Database::filled().await;
    let here = Same::new();
    let url = database.url();
    let reply = import(&here.memory, &url, ImportLegacy::default())
        .await
        .unwrap();

    assert_eq!(counts(&reply), (5, 5, 0, 3, 0), "{reply:?}");
    assert_eq!((reply.status, reply.total_chunks), (JobStatus::Done, 9));
    assert_eq!(reply.time_zone, "Asia/Kolkata");
    let places: Vec<_> = reply
        .collections
        .iter()
        .map(|place| {
            (
                place.legacy_name.as_deref().unwrap(),
                &*place.collection_name,
                place.created,
            )
        })
        .collect();
    assert_eq!(
        places,
        [("My Notes", "my-notes", true), ("docs", "docs", true)]
    );
    let skipped: Vec<_> = reply
        .skipped_documents
        .iter()
        .map(|document| (document.legacy_id, document.error.as_str()))
        .collect();
    assert_eq!(
        skipped,
        [
            (
                6,
                "it is in no collection; --orphans NAME takes it into one"
            ),
            (
                5,
                "it is in no collection; --orphans NAME takes it into one"
            ),
            (1, "document 2, which is newer, is of the same source"),
        ]
    );
    assert_eq!(here.passages_embedded(), 0);
    kept_what_they_were(&here.memory).await;
    found_by_their_vectors(&here.memory).await;

    let again = import(&here.memory, &url, ImportLegacy::default())
        .await
        .unwrap();
    assert_eq!(counts(&again), (0, 0, 5, 3, 0), "{again:?}");
    assert!(again.collections.iter().all(|place| !place.created));
    database.drop().await;
}

async fn kept_what_they_were(memory: &Memory) {
    let infos = memory.list_collections().await.unwrap().collections;
    let infos: Vec<_> = infos
        .iter()
        .map(|info| (&*info.name, &*info.description, &*info.created_at))
        .collect();
    assert_eq!(
        infos,
        [
            (
                "my-notes",
                "The collection “My Notes” of an earlier memory",
                "2025-06-02T06:30:00Z"
            ),
            ("docs", "Product documentation", "2025-06-01T06:30:00Z"),
        ]
    );
    let docs = list(memory, "docs").await;
    let sources: Vec<_> = docs.iter().map(|document| &*document.source_uri).collect();
    assert_eq!(
        sources,
        [
            "https://docs.example.org/start",
            "file:///srv/notes/guide.md"
        ]
    );
    let page = docs[0].metadata.as_ref().unwrap();
    assert_eq!(page["crawl_root_url"], "https://docs.example.org/");

    let guide = view(memory, &docs[1].id).await;
    assert_eq!(guide.filename, "guide.md");
    assert_eq!(guide.file_type, "text/markdown");
    assert_eq!(
        guide.content,
        "# Guide\n\nInstall it with care. Then start it.\n\nThen configure it – gently.\n"
    );
    assert_eq!(guide.metadata["team"], json!({"id": 7, "share": 0.1}));
    assert_eq!(
        (&*guide.created_at, &*guide.updated_at),
        ("2025-07-01T06:30:00Z", "2025-07-02T06:30:00.123456Z")
    );
    let spans: Vec<_> = guide
        .chunks
        .unwrap()
        .into_iter()
        .map(|chunk| (chunk.char_start, chunk.char_end))
        .collect();
    assert_eq!(spans, [(0, 45), (31, 74)]);

    let notes = list(memory, "my-notes").await;
    let titles: Vec<_> = notes.iter().map(|document| &*document.filename).collect();
    assert_eq!(titles, ["Again and again", "Odd „title\" 🦀", "guide.md"]);
    let again = view(memory, &notes[0].id).await;
    assert_eq!(again.metadata["metadata"], json!(["not", "an", "object"]));
    let starts: Vec<_> = again
        .chunks
        .unwrap()
        .iter()
        .map(|chunk| chunk.char_start)
        .collect();
    assert_eq!(starts, [0, 6, 12]);
    // It has no time of its own when it was put in.
    assert_eq!(again.created_at, "2025-07-07T06:30:00Z");
    let odd = view(memory, &notes[1].id).await;
    assert_eq!(
        odd.content,
        "  Zażółć 🦀 e\u{301} \u{200f}\"quotes\" 'single' \\ backslash\ttab 日本語\n"
    );
    assert!(odd.source_uri.starts_with("text:"));
}

async fn found_by_their_vectors(memory: &Memory) {
    for (chunk, content) in [
        ("3", "Then start it.\n\nThen configure it – gently."),
        ("4", "Welcome to the site.\n\nIt has pages about ducks."),
    ] {
        let query = SearchDocuments {
            mode: SearchMode::Vector,
            ..SearchDocuments::new(chunk)
        };
        let found = memory.search_documents(query).await.unwrap().results;
        assert_eq!(found[0].content, content);
        assert_eq!(found[0].similarity, Some(1.0));
    }
    let words = SearchDocuments {
        mode: SearchMode::Keyword,
        ..SearchDocuments::new("duck page")
    };
    let found = memory.search_documents(words).await.unwrap().results;
    assert_eq!(found[0].source_filename, "Start here");
}

#[tokio::test]
async fn another_model_embeds_anew() {
    let database = Database::filled().await;
    let fixture = Fixture::new().await;
    let reply = import(&fixture.memory, &database.url(), ImportLegacy::default())
        .await
        .unwrap();
    assert_eq!(counts(&reply), (5, 0, 0, 3, 0), "{reply:?}");
    // The fixture had made this one.
    assert!(
        reply
            .collections
            .iter()
            .any(|place| place.collection_name == "docs" && !place.created)
    );
    let query = SearchDocuments::new("how to configure it gently");
    let found = fixture
        .memory
        .search_documents(query)
        .await
        .unwrap()
        .results;
    assert_eq!(found[0].source_uri, "file:///srv/notes/guide.md");
    assert_eq!(found[0].heading_path, ["Guide"]);
    let again = import(&fixture.memory, &database.url(), ImportLegacy::default())
        .await
        .unwrap();
    assert_eq!(counts(&again), (0, 0, 5, 3, 0), "{again:?}");
    database.drop().await;
}

#[tokio::test]
async fn half_a_document_is_embedded_anew() {
    let database = Database::filled().await;
    // The embedding of its second chunk failed, and that of another was lost.
    database
        .run("DELETE FROM document_chunks WHERE id = 3")
        .await;
    database
        .run("UPDATE document_chunks SET embedding = NULL WHERE id = 5")
        .await;
    let here = Same::new();
    let reply = import(&here.memory, &database.url(), ImportLegacy::default())
        .await
        .unwrap();
    assert_eq!(counts(&reply), (5, 2, 0, 3, 0), "{reply:?}");
    // Once for both collections of the guide.
    assert_eq!(here.passages_embedded(), 2);
    let docs = list(&here.memory, "docs").await;
    let guide = view(&here.memory, &docs[1].id).await;
    let chunks = guide.chunks.unwrap();
    assert!(chunks.last().unwrap().content.ends_with("gently."));
    database.drop().await;
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let database = Database::filled().await;
    let here = Same::new();
    let request = ImportLegacy {
        dry_run: true,
        orphans: Some("rest".into()),
        ..ImportLegacy::default()
    };
    let reply = import(&here.memory, &database.url(), request.clone())
        .await
        .unwrap();
    assert_eq!(counts(&reply), (6, 5, 0, 2, 0), "{reply:?}");
    assert_eq!((reply.dry_run, reply.total_chunks), (true, 0));
    assert!(
        here.memory
            .list_collections()
            .await
            .unwrap()
            .collections
            .is_empty()
    );
    let request = ImportLegacy {
        dry_run: false,
        ..request
    };
    let reply = import(&here.memory, &database.url(), request)
        .await
        .unwrap();
    assert_eq!(counts(&reply), (6, 5, 0, 2, 0), "{reply:?}");
    assert_eq!(list(&here.memory, "rest").await[0].filename, "Alone");
    assert_eq!(reply.skipped_documents[0].error, "it has no text");
    database.drop().await;
}

#[tokio::test]
async fn only_what_is_asked_for_comes() {
    let database = Database::filled().await;
    let here = Same::new();
    let only = |name: &str| ImportLegacy {
        collections: vec![name.into()],
        ..ImportLegacy::default()
    };
    let reply = import(&here.memory, &database.url(), only("docs"))
        .await
        .unwrap();
    assert_eq!(counts(&reply), (2, 2, 0, 1, 0), "{reply:?}");
    let refused = import(&here.memory, &database.url(), only("my-notes"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert_eq!(
        refused.to_string(),
        "the earlier memory has no collection `my-notes`\n\nhint: its collections are `My Notes`, `docs`"
    );
    let collections = here.memory.list_collections().await.unwrap().collections;
    assert_eq!(collections.len(), 1);
    database.drop().await;
}
