//! Moving a collection to another embedding model and back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rag_core::model::EmbeddingSpace;
use rag_core::port::{EmbedError, Embedder, Purpose, TokenLimits};
use rag_embed::HashingEmbedder;
use rag_memory::api::{
    CollectionReembedded, GetCollectionInfo, JobStatus, KeptSpace, ListDocuments,
    ReembedCollection, ReembedStep, SearchDocuments,
};
use rag_memory::{Error, ErrorKind, Memory, Watch};
use rag_store::embedded::EmbeddedStore;

use crate::{Fixture, open, options, text};

/// Dimensions of the model that the fixture's collection moves to.
const NEW: usize = 32;

async fn filled(count: usize) -> Fixture {
    let fixture = Fixture::new().await;
    for number in 0..count {
        fixture.put(&note(number)).await;
    }
    fixture
}

fn note(number: usize) -> String {
    format!("# Note {number}\n\nAbout plums and pears, with the mark x{number}x.")
}

async fn step(memory: &Memory, step: ReembedStep) -> Result<CollectionReembedded, Error> {
    let request = ReembedCollection::new("docs", step);
    memory.reembed_collection(request, &Watch::nobody()).await
}

/// How many of the notes a question about each finds first, without a warning.
async fn found(memory: &Memory, count: usize) -> usize {
    let mut found = 0;
    for number in 0..count {
        let query = SearchDocuments::new(format!("which note has the mark x{number}x"));
        let answer = memory.search_documents(query).await.unwrap();
        let first = answer.results.first();
        let is_it = first.is_some_and(|hit| hit.content.contains(&format!("x{number}x")));
        found += usize::from(is_it && answer.warnings.is_empty());
    }
    found
}

fn kept(dimensions: usize, documents: u64) -> Vec<KeptSpace> {
    vec![KeptSpace {
        embedding_model: HashingEmbedder::new(dimensions).space().model.clone(),
        embedding_dimensions: dimensions,
        documents,
    }]
}

#[tokio::test]
async fn a_collection_moves_to_another_model_and_back() {
    let fixture = filled(12).await;
    let (old, new) = (&fixture.memory, open(fixture.folder.path(), NEW));
    let refused = new.ingest_text(text("one more")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(
        refused.to_string().contains("`rag reembed docs`"),
        "{refused}"
    );

    let moved = step(&new, ReembedStep::Run).await.unwrap();
    assert_eq!(moved.status, JobStatus::Done);
    assert_eq!(
        (moved.embedding_dimensions, moved.documents_embedded),
        (NEW, 12)
    );
    assert_eq!(moved.kept, kept(64, 12));
    assert_eq!(found(&new, 12).await, 12);
    assert_eq!(
        found(old, 12).await,
        0,
        "the old model warns that it cannot compare"
    );
    // Once more there is nothing to do.
    let again = step(&new, ReembedStep::Run).await.unwrap();
    assert_eq!((again.job_id, again.documents_embedded), (None, 0));

    let back = step(&new, ReembedStep::Undo).await.unwrap();
    assert_eq!((back.embedding_dimensions, back.kept), (64, kept(NEW, 12)));
    assert_eq!(found(old, 12).await, 12);

    let there = step(&new, ReembedStep::Undo).await.unwrap();
    assert_eq!(there.embedding_dimensions, NEW);
    let cleaned = step(&new, ReembedStep::Clean).await.unwrap();
    assert_eq!(cleaned.kept, []);
    let gone = step(&new, ReembedStep::Undo).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Conflict);
    assert!(
        gone.to_string().contains("no vectors of an earlier model"),
        "{gone}"
    );
    assert_eq!(found(&new, 12).await, 12);
}

#[tokio::test]
async fn what_was_put_in_since_is_all_that_going_back_embeds() {
    let fixture = filled(5).await;
    let (old, new) = (&fixture.memory, open(fixture.folder.path(), NEW));
    step(&new, ReembedStep::Run).await.unwrap();
    new.ingest_text(text(&note(5))).await.unwrap();
    let missing = step(&new, ReembedStep::Undo).await.unwrap_err();
    assert!(
        missing.message().starts_with("1 documents of `docs`"),
        "{missing}"
    );
    assert_eq!(found(&new, 6).await, 6, "nothing changed");
    let back = step(old, ReembedStep::Run).await.unwrap();
    assert_eq!(
        (back.embedding_dimensions, back.documents_embedded),
        (64, 1)
    );
    assert_eq!(found(old, 6).await, 6);
}

/// An embedder that can be told to fail: a double of a service that does.
struct Failing {
    inner: HashingEmbedder,
    /// Fails for texts that have this.
    poison: &'static str,
    /// Says that it is out of reach, rather than that the text is at fault.
    is_down: bool,
}

#[async_trait]
impl Embedder for Failing {
    fn space(&self) -> &EmbeddingSpace {
        self.inner.space()
    }

    fn token_limits(&self) -> TokenLimits {
        self.inner.token_limits()
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        self.inner.count_tokens(text)
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        if !texts.iter().any(|text| text.contains(self.poison)) {
            return self.inner.embed(texts, purpose).await;
        }
        if self.is_down {
            return Err(EmbedError::Unavailable {
                action: "reach the double".into(),
                source: "it is told to be down".into(),
            });
        }
        Err(EmbedError::WrongDimensions {
            model: "double".into(),
            expected: NEW,
            got: 1,
        })
    }
}

fn failing(fixture: &Fixture, is_down: bool) -> Memory {
    let store = EmbeddedStore::open(&fixture.folder.path().join("memory.sqlite")).unwrap();
    let embedder = Failing {
        inner: HashingEmbedder::new(NEW),
        poison: "x7x",
        is_down,
    };
    Memory::new(
        Arc::new(store),
        Arc::new(embedder),
        options(fixture.folder.path()),
    )
}

#[tokio::test]
async fn a_document_that_cannot_be_embedded_keeps_the_old_model_in_use() {
    let fixture = filled(10).await;
    let new = failing(&fixture, false);
    let error = step(&new, ReembedStep::Run).await.unwrap_err();
    assert!(
        error
            .message()
            .contains("1 documents of `docs` could not be embedded"),
        "{error}"
    );
    assert_eq!(found(&fixture.memory, 10).await, 10);
    // All others are there already when it is tried again.
    let mended = open(fixture.folder.path(), NEW);
    let moved = step(&mended, ReembedStep::Run).await.unwrap();
    assert_eq!(
        (moved.embedding_dimensions, moved.kept),
        (NEW, kept(64, 10))
    );
    assert_eq!(found(&mended, 10).await, 10);
}

#[tokio::test]
async fn a_run_that_was_cut_off_goes_on_and_nobody_notices() {
    let fixture = filled(10).await;
    let down = failing(&fixture, true);
    let error = step(&down, ReembedStep::Run).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(found(&fixture.memory, 10).await, 10);
    let listed = fixture.memory.list_documents(ListDocuments::default());
    assert_eq!(listed.await.unwrap().total_count, 10);
    let request = GetCollectionInfo {
        collection_name: "docs".into(),
    };
    let info = fixture.memory.collection_info(request).await.unwrap();
    assert_eq!((info.document_count, info.embedding_dimensions), (10, 64));
    let up = open(fixture.folder.path(), NEW);
    let moved = step(&up, ReembedStep::Run).await.unwrap();
    assert!(
        moved.documents_embedded < 10,
        "what was made is used: {moved:?}"
    );
    assert_eq!(found(&up, 10).await, 10);
}

#[tokio::test]
async fn documents_may_be_put_in_while_it_runs() {
    let fixture = filled(40).await;
    let new = open(fixture.folder.path(), NEW);
    let old = fixture.memory.clone();
    let writer = tokio::spawn(async move {
        let mut put = 40;
        // Until the collection is switched, which refuses it.
        while put < 400 {
            match old.ingest_text(text(&note(put))).await {
                Ok(_) => put += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                    break;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        put
    });
    let moved = step(&new, ReembedStep::Run).await.unwrap();
    let put = writer.await.unwrap();
    assert_eq!(moved.embedding_dimensions, NEW);
    let listed = new.list_documents(ListDocuments::default()).await.unwrap();
    assert_eq!(listed.total_count, put as u64);
    assert_eq!(found(&new, put).await, put);
}
