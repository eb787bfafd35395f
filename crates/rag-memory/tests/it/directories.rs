//! Putting directories in.

use std::sync::{Arc, Mutex};

use rag_memory::api::{IngestDirectory, IngestMode, ListDocuments};
use rag_memory::{ErrorKind, Patience, Progress, Watch};
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
        ..Watch::nobody()
    };
    fixture
        .memory
        .ingest_directory(fixture.directory(), &watch)
        .await
        .unwrap();
    let seen = seen.lock().unwrap();
    let done: Vec<u64> = seen.iter().map(|progress| progress.done).collect();
    assert!(done.is_sorted(), "{done:?}");
    assert_eq!(
        seen.last().map(|last| (last.done, last.total)),
        Some((3, 3)),
        "{seen:?}"
    );
}

#[tokio::test]
async fn what_was_put_in_before_a_cancel_stays() {
    const FILES: u64 = 400;
    let fixture = Fixture::new().await;
    for number in 0..FILES {
        fixture.write(&format!("{number}.md"), format!("text {number}"));
    }
    let cancel = CancellationToken::new();
    let on_first = cancel.clone();
    let watch = Watch {
        progress: Arc::new(move |progress: Progress| {
            if progress.done > 0 {
                on_first.cancel();
            }
        }),
        cancel,
        patience: Patience::Endless,
    };
    let error = fixture
        .memory
        .ingest_directory(fixture.directory(), &watch)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let message = error.message();
    assert!(
        message.starts_with("stopped after ") && message.contains(" of 400 "),
        "{message}"
    );
    let list = fixture
        .memory
        .list_documents(ListDocuments::default())
        .await
        .unwrap();
    let before = list.total_count;
    assert!(before > 0 && before < FILES, "{before}");
    let nobody = Watch::nobody();
    let rest = fixture
        .memory
        .ingest_directory(fixture.directory(), &nobody)
        .await
        .unwrap();
    assert_eq!(
        (rest.files_ingested, rest.files_unchanged),
        (FILES - before, before)
    );
}

#[tokio::test]
async fn a_second_run_reads_what_changed_and_drops_what_vanished() {
    let fixture = Fixture::new().await;
    for name in ["same.md", "changed.md", "gone.md", "left.md"] {
        fixture.write(name, format!("# {name}\n\nfirst"));
    }
    let nobody = Watch::nobody();
    let memory = &fixture.memory;
    memory
        .ingest_directory(fixture.directory(), &nobody)
        .await
        .unwrap();
    fixture.write("changed.md", "# changed\n\nsecond");
    std::fs::remove_file(fixture.files().join("gone.md")).unwrap();
    let mut again = IngestDirectory {
        exclude: vec!["left*".to_owned()],
        ..fixture.directory()
    };
    // Only reingest removes, and only what is gone rather than left out.
    let reply = memory
        .ingest_directory(again.clone(), &nobody)
        .await
        .unwrap();
    assert_eq!((reply.files_removed, reply.files_skipped), (0, 1));
    again.mode = IngestMode::Reingest;
    let reply = memory.ingest_directory(again, &nobody).await.unwrap();
    assert_eq!(
        (
            reply.files_ingested,
            reply.files_unchanged,
            reply.files_removed
        ),
        (1, 1, 1)
    );
    let list = memory
        .list_documents(ListDocuments::default())
        .await
        .unwrap();
    let mut titles: Vec<_> = list
        .documents
        .iter()
        .map(|item| item.filename.as_str())
        .collect();
    titles.sort_unstable();
    assert_eq!(titles, ["changed.md", "left.md", "same.md"]);
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

/// A tar archive of files with these names and contents.
fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive
            .append_data(&mut header, name, content.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn the_files_of_an_archive_come_and_go_with_it() {
    let fixture = Fixture::new().await;
    let path = fixture.write(
        "all.tar",
        tar(&[("a.md", "# A\n\nalpha"), ("sub/b.md", "# B\n\nbeta")]),
    );
    let nobody = Watch::nobody();
    let mut request = IngestDirectory::new(path, "docs");
    let memory = &fixture.memory;
    let reply = memory
        .ingest_directory(request.clone(), &nobody)
        .await
        .unwrap();
    assert_eq!(
        (reply.files_ingested, reply.files_skipped),
        (2, 1),
        "{reply:?}"
    );
    fixture.write(
        "all.tar",
        tar(&[("a.md", "# A\n\nalpha"), ("c.md", "# C\n\ngamma")]),
    );
    request.mode = IngestMode::Reingest;
    let reply = memory.ingest_directory(request, &nobody).await.unwrap();
    assert_eq!(
        (
            reply.files_ingested,
            reply.files_unchanged,
            reply.files_removed
        ),
        (1, 1, 1),
        "{reply:?}"
    );
}

#[tokio::test]
async fn a_file_that_was_emptied_takes_its_document_along() {
    let fixture = Fixture::new().await;
    fixture.write("a.md", "# A\n\nalpha");
    let nobody = Watch::nobody();
    fixture
        .memory
        .ingest_directory(fixture.directory(), &nobody)
        .await
        .unwrap();
    fixture.write("a.md", " \n");
    let mut again = fixture.directory();
    let reply = fixture
        .memory
        .ingest_directory(again.clone(), &nobody)
        .await
        .unwrap();
    assert_eq!((reply.files_skipped, reply.files_removed), (1, 0));
    again.mode = IngestMode::Reingest;
    let reply = fixture
        .memory
        .ingest_directory(again, &nobody)
        .await
        .unwrap();
    assert_eq!(reply.files_removed, 1);
    let list = fixture
        .memory
        .list_documents(ListDocuments::default())
        .await
        .unwrap();
    assert_eq!(list.total_count, 0);
}
