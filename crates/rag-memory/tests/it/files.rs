//! Putting files in.

use rag_memory::ErrorKind;
use rag_memory::api::{GetDocument, IngestFile, IngestMode, IngestStatus, Object};
use serde_json::json;

use crate::{Fixture, object};

fn file(path: &str) -> IngestFile {
    IngestFile {
        file_path: path.to_owned(),
        collection_name: "docs".to_owned(),
        metadata: Object::new(),
        include_chunk_ids: false,
        mode: IngestMode::Ingest,
    }
}

#[tokio::test]
async fn a_file_keeps_its_name_source_and_metadata() {
    let fixture = Fixture::new().await;
    let path = fixture.write("guide.md", "# Guide\n\nRead me.");
    let request = IngestFile {
        metadata: object(json!({"team": "core", "filename": "theirs"})),
        ..file(&path)
    };
    let reply = fixture.memory.ingest_file(request).await.unwrap();
    assert_eq!(
        (
            reply.filename.as_str(),
            reply.file_type.as_str(),
            reply.file_size
        ),
        ("guide.md", "md", 17)
    );
    let view = GetDocument::new(reply.source_document_id.clone());
    let view = fixture.memory.get_document(view).await.unwrap();
    assert!(view.source_uri.starts_with("file:///") && view.source_uri.ends_with("/guide.md"));
    assert_eq!(
        (&view.metadata["team"], &view.metadata["filename"]),
        (&json!("core"), &json!("guide.md"))
    );

    fixture.write("guide.md", "# Guide\n\nRead me again.");
    let refused = fixture.memory.ingest_file(file(&path)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(
        refused.message().contains("with other content"),
        "{}",
        refused.message()
    );
    let request = IngestFile {
        mode: IngestMode::Reingest,
        ..file(&path)
    };
    let replaced = fixture.memory.ingest_file(request).await.unwrap();
    assert_eq!(replaced.status, IngestStatus::Replaced);
    assert_eq!(replaced.source_document_id, reply.source_document_id);
}

#[tokio::test]
async fn files_that_cannot_be_read_say_why() {
    let fixture = Fixture::new().await;
    let folder = fixture.files().display().to_string();
    for (path, kind) in [
        (fixture.write("nul.txt", b"a\0b"), ErrorKind::Invalid),
        (
            fixture.write("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
            ErrorKind::Invalid,
        ),
        (fixture.write("empty.md", b""), ErrorKind::Invalid),
        (
            fixture.write("large.md", "x".repeat(200_000)),
            ErrorKind::TooLarge,
        ),
        (folder.clone(), ErrorKind::Invalid),
        (format!("{folder}/missing.md"), ErrorKind::NotFound),
        ("/etc/passwd".to_owned(), ErrorKind::Forbidden),
        (format!("{folder}/../memory.sqlite"), ErrorKind::Forbidden),
        (String::new(), ErrorKind::Forbidden),
    ] {
        let error = fixture.memory.ingest_file(file(&path)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{path}: {}", error.message());
    }
}

#[tokio::test]
async fn legacy_encodings_are_read_and_reported() {
    let fixture = Fixture::new().await;
    let path = fixture.write(
        "alt.txt",
        b"Das Stra\xdfenfest f\xe4llt aus, weil es regnet.",
    );
    let reply = fixture.memory.ingest_file(file(&path)).await.unwrap();
    assert_eq!(
        reply.warnings,
        ["read as windows-1252, since it is not UTF-8"]
    );
    let view = GetDocument::new(reply.source_document_id);
    let view = fixture.memory.get_document(view).await.unwrap();
    assert_eq!(view.content, "Das Straßenfest fällt aus, weil es regnet.");
}
