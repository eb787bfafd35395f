//! Putting texts in.

use rag_memory::api::{GetDocument, IngestMode, IngestStatus, ListDocuments};
use rag_memory::{ErrorKind, api::IngestText};

use crate::{DOCUMENT_BYTES_MAX, Fixture, error, open, text};

#[tokio::test]
async fn the_same_text_twice_is_one_document() {
    let fixture = Fixture::new().await;
    let first = fixture.put("only once").await;
    assert_eq!(first.status, IngestStatus::Ingested);
    let again = fixture
        .memory
        .ingest_text(text("only once"))
        .await
        .unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    let expected = format!(
        "`only once` is in collection `docs` already, as document {}",
        first.source_document_id
    );
    assert_eq!(again.message(), expected);

    let reingest = |title: Option<&str>| IngestText {
        mode: IngestMode::Reingest,
        document_title: title.map(str::to_owned),
        ..text("only once")
    };
    let same = fixture.memory.ingest_text(reingest(None)).await.unwrap();
    assert_eq!(same.status, IngestStatus::Unchanged);
    let renamed = fixture
        .memory
        .ingest_text(reingest(Some("Named")))
        .await
        .unwrap();
    assert_eq!(renamed.status, IngestStatus::Replaced);
    assert_eq!(renamed.source_document_id, first.source_document_id);
    let view = GetDocument::new(first.source_document_id);
    assert_eq!(
        fixture.memory.get_document(view).await.unwrap().filename,
        "Named"
    );
    let list = fixture
        .memory
        .list_documents(ListDocuments::default())
        .await
        .unwrap();
    assert_eq!(list.total_count, 1);
}

#[tokio::test]
async fn texts_that_cannot_be_kept_are_refused_and_leave_nothing() {
    let fixture = Fixture::new().await;
    let large = "x".repeat(usize::try_from(DOCUMENT_BYTES_MAX).unwrap() + 1);
    for (content, kind) in [
        ("", ErrorKind::Invalid),
        (" \n\t\u{a0}", ErrorKind::Invalid),
        ("a\0b", ErrorKind::Invalid),
        (&*large, ErrorKind::TooLarge),
    ] {
        let error = fixture.memory.ingest_text(text(content)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{}", error.message());
    }
    let unknown = IngestText {
        collection_name: "dcos".into(),
        ..text("hello")
    };
    assert!(error(fixture.memory.ingest_text(unknown).await).contains("did you mean `docs`?"));
    let titled = IngestText {
        document_title: Some("  ".into()),
        ..text("hello")
    };
    assert_eq!(
        error(fixture.memory.ingest_text(titled).await),
        "`document_title` is blank"
    );
    let list = fixture
        .memory
        .list_documents(ListDocuments::default())
        .await
        .unwrap();
    assert_eq!(list.total_count, 0);
}

#[tokio::test]
async fn chunk_ids_are_told_on_request() {
    let fixture = Fixture::new().await;
    let put = IngestText {
        include_chunk_ids: true,
        ..text("short")
    };
    let put = fixture.memory.ingest_text(put).await.unwrap();
    assert_eq!(
        put.chunk_ids,
        Some(vec![format!("{}#0", put.source_document_id)])
    );
}

#[tokio::test]
async fn two_at_once_put_one_in() {
    let fixture = Fixture::new().await;
    let one = || fixture.memory.ingest_text(text("raced"));
    let (first, second) = tokio::join!(one(), one());
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    let lost = first.err().or(second.err()).unwrap();
    assert_eq!(lost.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn vectors_of_another_model_are_refused() {
    let fixture = Fixture::new().await;
    fixture.put("in sixty-four dimensions").await;
    let other = open(fixture.folder.path(), 32);
    let error = other.ingest_text(text("in thirty-two")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.message().contains("64 dimensions"),
        "{}",
        error.message()
    );
    assert!(
        error.message().contains("32 dimensions"),
        "{}",
        error.message()
    );
}
