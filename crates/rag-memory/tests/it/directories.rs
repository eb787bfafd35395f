//! Putting directories in.

use std::sync::{Arc, Mutex};

use rag_memory::api::{IngestDirectory, IngestMode, ListDocuments};
use rag_memory::{ErrorKind, Progress, Watch};
use tokio_util::sync::CancellationToken;

use crate::Fixture;

impl Fixture {
    fn directory(&self) -> IngestDirectory {
        IngestDirectory::new(self.files().display().to_string(), "docs")
    }
}

#[tokio::test]
async fn every_file_is_counted_once() {
    let fixture = Fixture::new().await;
    for (name, content) in [
        ("a.md", &b"# A\n\nalpha"[..]),
        ("b.txt", b"beta"),
        ("blank.md", b"  \n"),
        ("broken.md", b"a\0b"),
        ("code.rs", b"fn main() {}"),
        ("sub/c.md", b"gamma"),
    ] {
        fixture.write(name, content);
    }
    let nobody = Watch::nobody();
    let reply = fixture
        .memory
        .ingest_directory(fixture.directory(), &nobody)
        .await
        .unwrap();
    assert_eq!(
        (reply.files_found, reply.files_ingested, reply.total_chunks),
        (4, 2, 2)
    );
    assert_eq!(
        (
            reply.skipped_files[0].filename.as_str(),
            reply.files_skipped
        ),
        ("blank.md", 1)
    );
    assert_eq!(
        (reply.failed_files[0].filename.as_str(), reply.files_failed),
        ("broken.md", 1)
    );
    assert_eq!(
        reply.warnings,
        ["1 sub-directories were not entered; recursive=true does"]
    );

    fixture.write("a.md", "# A\n\nalpha and more");
    let mut again = IngestDirectory {
        recursive: true,
        include_document_ids: true,
        ..fixture.directory()
    };
    let reply = fixture
        .memory
        .ingest_directory(again.clone(), &nobody)
        .await
        .unwrap();
    assert_eq!(
        (
            reply.files_ingested,
            reply.files_unchanged,
            reply.files_skipped
        ),
        (1, 1, 2)
    );
    assert_eq!(reply.document_ids.unwrap().len(), 2);
    assert_eq!(reply.skipped_files[0].filename, "a.md");

    again.mode = IngestMode::Reingest;
    let reply = fixture
        .memory
        .ingest_directory(again, &nobody)
        .await
        .unwrap();
    assert_eq!((reply.files_ingested, reply.files_unchanged), (1, 2));
}

#[tokio::test]
async fn progress_is_told_for_each_file() {
    let fixture = Fixture::new().await;
    for name in ["a.md", "b.md", "c.md"] {
        fixture.write(name, name);
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let progress = Arc::new(move |progress: Progress| sink.lock().unwrap().push(progress));
    let watch = Watch {
        progress,
        cancel: CancellationToken::new(),
    };
    fixture
        .memory
        .ingest_directory(fixture.directory(), &watch)
        .await
        .unwrap();
    let seen = seen.lock().unwrap();
    let told: Vec<_> = seen
        .iter()
        .map(|p| (p.done, p.total, p.message.as_str()))
        .collect();
    assert_eq!(told, [(1, 3, "a.md"), (2, 3, "b.md"), (3, 3, "c.md")]);
}

#[tokio::test]
async fn what_was_put_in_before_a_cancel_stays() {
    let fixture = Fixture::new().await;
    for name in ["a.md", "b.md", "c.md"] {
        fixture.write(name, name);
    }
    let cancel = CancellationToken::new();
    let on_first = cancel.clone();
    let watch = Watch {
        progress: Arc::new(move |_| on_first.cancel()),
        cancel,
    };
    let error = fixture
        .memory
        .ingest_directory(fixture.directory(), &watch)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(
        error.message().starts_with("stopped after 1 of 3 files"),
        "{}",
        error.message()
    );
    let list = fixture
        .memory
        .list_documents(ListDocuments::default())
        .await
        .unwrap();
    assert_eq!(list.total_count, 1);
    let nobody = Watch::nobody();
    let rest = fixture
        .memory
        .ingest_directory(fixture.directory(), &nobody)
        .await
        .unwrap();
    assert_eq!((rest.files_ingested, rest.files_unchanged), (2, 1));
}

#[tokio::test]
async fn directories_that_cannot_be_listed_say_why() {
    let fixture = Fixture::new().await;
    let path = fixture.write("a.md", "alpha");
    for (path, kind) in [
        (path.as_str(), ErrorKind::Invalid),
        ("/etc", ErrorKind::Forbidden),
        (
            &*format!("{}/none", fixture.files().display()),
            ErrorKind::NotFound,
        ),
    ] {
        let request = IngestDirectory::new(path, "docs");
        let error = fixture
            .memory
            .ingest_directory(request, &Watch::nobody())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{path}: {}", error.message());
    }
    let request = IngestDirectory {
        file_extensions: Vec::new(),
        ..fixture.directory()
    };
    assert!(
        fixture
            .memory
            .ingest_directory(request, &Watch::nobody())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_was_poor_about_a_file_is_told() {
    let fixture = Fixture::new().await;
    fixture.write(
        "alt.txt",
        b"Das Stra\xdfenfest f\xe4llt aus, weil es regnet.",
    );
    let nobody = Watch::nobody();
    let reply = fixture
        .memory
        .ingest_directory(fixture.directory(), &nobody)
        .await
        .unwrap();
    assert_eq!(
        reply.warnings,
        ["alt.txt: read as windows-1252, since it is not UTF-8"]
    );
    let none = IngestDirectory {
        file_extensions: vec![".xyz".into()],
        ..fixture.directory()
    };
    let reply = fixture
        .memory
        .ingest_directory(none, &nobody)
        .await
        .unwrap();
    assert_eq!(
        reply.warnings,
        ["there are no files with the extensions .xyz"]
    );
}
