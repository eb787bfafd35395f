//! Moving everything: into a file, out of it, and from store to store.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use rag_core::port::Store;
use rag_memory::api::{
    GetJob, Imported, IngestDirectory, IngestMode, ItemFilter, ListDocuments, ListJobs,
    SearchDocuments, UpdateDocument,
};
use rag_memory::{ErrorKind, Memory, Watch};
use rag_store::embedded::EmbeddedStore;
use serde_json::{Value, json};

use crate::{Fixture, open};

/// A memory with texts, a directory that was put in by a job, and a second collection.
async fn filled() -> Fixture {
    let fixture = Fixture::new().await;
    for number in 0..30 {
        let text =
            format!("# Note {number}\n\nAbout plums and **pears**, number {number}. 日本語 too.");
        fixture.put(&text).await;
    }
    fixture.create("other").await.unwrap();
    fixture.write("a.md", "# A file\n\nOf the directory, about quinces.");
    fixture.write("broken.pdf", "%PDF-1.4 and nothing else");
    let mut request = IngestDirectory::new(fixture.files().display().to_string(), "other");
    request.file_extensions = vec![".md".into(), ".pdf".into()];
    fixture
        .memory
        .ingest_directory(request, &Watch::nobody())
        .await
        .unwrap();
    fixture
}

/// Everything a caller can see, in a form that can be compared.
async fn seen(memory: &Memory) -> Value {
    let documents = ListDocuments {
        limit: 200,
        include_details: true,
        ..ListDocuments::default()
    };
    let mut documents =
        serde_json::to_value(memory.list_documents(documents).await.unwrap()).unwrap();
    documents["documents"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(|document| document["id"].to_string());
    let jobs = memory.list_jobs(ListJobs::default()).await.unwrap();
    let mut whole_jobs = Vec::new();
    for job in &jobs.jobs {
        let request = GetJob {
            items: ItemFilter::All,
            ..GetJob::new(job.job_id.clone())
        };
        whole_jobs.push(serde_json::to_value(memory.get_job(request).await.unwrap()).unwrap());
    }
    let mut answers = Vec::new();
    for query in [
        "plums and pears",
        "quinces of the directory",
        "number 17",
        "日本語",
    ] {
        let found = memory.search_documents(SearchDocuments::new(query)).await;
        answers.push(serde_json::to_value(found.unwrap()).unwrap());
    }
    let mut collections = serde_json::to_value(memory.list_collections().await.unwrap()).unwrap();
    collections["collections"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(|collection| collection["name"].to_string());
    json!({
        "collections": collections,
        "documents": documents,
        "jobs": whole_jobs,
        "answers": answers,
    })
}

/// An empty memory beside that of `fixture`.
fn empty(fixture: &Fixture, name: &str) -> Memory {
    let folder = fixture.folder.path().join(name);
    std::fs::create_dir_all(folder.join("files")).unwrap();
    open(&folder, 64)
}

async fn exported(fixture: &Fixture) -> PathBuf {
    let path = fixture.folder.path().join("everything.rag");
    let exported = fixture.memory.export(&path, false, &Watch::nobody()).await;
    let exported = exported.unwrap();
    assert_eq!(
        (exported.collections, exported.documents, exported.jobs),
        (2, 31, 1)
    );
    assert_eq!(exported.bytes, std::fs::metadata(&path).unwrap().len());
    path
}

#[tokio::test]
async fn everything_comes_back_from_a_file() {
    let fixture = filled().await;
    let path = exported(&fixture).await;
    let again = empty(&fixture, "again");
    let imported = again.import(&path, &Watch::nobody()).await.unwrap();
    assert_eq!(
        imported,
        Imported {
            collections_created: 2,
            documents_imported: 31,
            chunks: 31,
            jobs_imported: 1,
            ..Imported::default()
        }
    );
    assert_eq!(seen(&again).await, seen(&fixture.memory).await);

    // Once more changes nothing, and says so.
    let imported = again.import(&path, &Watch::nobody()).await.unwrap();
    assert_eq!(
        imported,
        Imported {
            collections_found: 2,
            documents_unchanged: 31,
            jobs_unchanged: 1,
            ..Imported::default()
        }
    );
    assert_eq!(seen(&again).await, seen(&fixture.memory).await);
}

#[tokio::test]
async fn everything_goes_straight_to_another_store() {
    let fixture = filled().await;
    let again = empty(&fixture, "again");
    let copied = again
        .copy_from(&fixture.memory, &Watch::nobody())
        .await
        .unwrap();
    assert_eq!(copied.documents_imported, 31);
    assert_eq!(seen(&again).await, seen(&fixture.memory).await);
}

#[tokio::test]
async fn what_is_newer_here_stays_and_what_is_older_goes() {
    let fixture = filled().await;
    let path = exported(&fixture).await;
    let again = empty(&fixture, "again");
    again.import(&path, &Watch::nobody()).await.unwrap();
    let listed = again
        .list_documents(ListDocuments::default())
        .await
        .unwrap();
    let id = &listed.documents[0].id;
    let change = UpdateDocument {
        document_id: id.clone(),
        content: None,
        title: Some("Changed here".into()),
        metadata: None,
    };
    again.update_document(change).await.unwrap();
    let imported = again.import(&path, &Watch::nobody()).await.unwrap();
    assert_eq!(
        (imported.documents_newer_here, imported.documents_unchanged),
        (1, 30)
    );
    // The other way round, that change is what is newer.
    let back = fixture
        .memory
        .copy_from(&again, &Watch::nobody())
        .await
        .unwrap();
    assert_eq!((back.documents_replaced, back.documents_unchanged), (1, 30));
    assert_eq!(
        seen(&fixture.memory).await["documents"],
        seen(&again).await["documents"]
    );
}

#[tokio::test]
async fn an_import_that_was_stopped_goes_on() {
    let fixture = filled().await;
    let path = exported(&fixture).await;
    let again = empty(&fixture, "again");
    let mut watch = Watch::nobody();
    let cancel = watch.cancel.clone();
    watch.progress = Arc::new(move |progress| {
        if progress.done >= 10 {
            cancel.cancel();
        }
    });
    let stopped = again.import(&path, &watch).await.unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Cancelled);
    let imported = again.import(&path, &Watch::nobody()).await.unwrap();
    assert!(imported.documents_unchanged >= 10, "{imported:?}");
    assert_eq!(
        imported.documents_unchanged + imported.documents_imported,
        31
    );
    assert_eq!(seen(&again).await, seen(&fixture.memory).await);
}

#[tokio::test]
async fn a_file_that_is_not_whole_changes_nothing() {
    let fixture = filled().await;
    let path = exported(&fixture).await;
    let whole = std::fs::read(&path).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&whole[..])
        .read_to_string(&mut text)
        .unwrap();
    let packed = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let without_end: String = text
        .lines()
        .take(20)
        .map(|line| format!("{line}\n"))
        .collect();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    let again = empty(&fixture, "again");
    let broken = fixture.folder.path().join("broken.rag");
    for (bytes, expected) in [
        (whole[..whole.len() / 2].to_vec(), "cannot be unpacked"),
        (flipped, ""),
        (packed(&without_end), "ends after 20 records"),
        (
            packed(&text.replacen("pears", "bears", 1)),
            "its checksum is another",
        ),
        (
            packed(&text.replacen("\"version\":1", "\"version\":2", 1)),
            "has version 2 of the format",
        ),
        (packed("{}\n"), "is no export of rag"),
        (b"plain".to_vec(), "cannot be unpacked"),
        (Vec::new(), ""),
    ] {
        std::fs::write(&broken, bytes).unwrap();
        let error = again.import(&broken, &Watch::nobody()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(expected), "{error}");
        assert!(error.remedy().is_some(), "{error}");
        let collections = again.list_collections().await.unwrap().collections;
        assert!(collections.is_empty(), "{error}");
    }
}

#[tokio::test]
async fn a_file_is_not_overwritten_unasked_and_never_half_written() {
    let fixture = filled().await;
    let path = exported(&fixture).await;
    let before = std::fs::read(&path).unwrap();
    let refused = fixture.memory.export(&path, false, &Watch::nobody()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AlreadyExists);
    // A store that fails in the middle leaves what was there.
    let watch = Watch::nobody();
    let cancel = watch.cancel.clone();
    let watch = Watch {
        progress: Arc::new(move |_| cancel.cancel()),
        ..watch
    };
    let stopped = fixture.memory.export(&path, true, &watch).await;
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let files = std::fs::read_dir(fixture.folder.path()).unwrap();
    let left = files.filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".part")
    });
    assert_eq!(left.count(), 0);
    fixture
        .memory
        .export(&path, true, &Watch::nobody())
        .await
        .unwrap();
    let nowhere = fixture.folder.path().join("no/such/folder/file.rag");
    let error = fixture
        .memory
        .export(&nowhere, false, &Watch::nobody())
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn vectors_of_another_model_are_refused() {
    let fixture = filled().await;
    let path = exported(&fixture).await;
    let folder = fixture.folder.path().join("again");
    std::fs::create_dir_all(folder.join("files")).unwrap();
    let again = open(&folder, 32);
    let request = rag_memory::api::CreateCollection {
        name: "docs".into(),
        description: "Of another model".into(),
        metadata_schema: None,
    };
    again.create_collection(request).await.unwrap();
    let error = again.import(&path, &Watch::nobody()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("`docs`"), "{error}");
}

#[tokio::test]
async fn a_document_keeps_its_text_and_vectors_to_the_bit() {
    let fixture = filled().await;
    let again = empty(&fixture, "again");
    again
        .copy_from(&fixture.memory, &Watch::nobody())
        .await
        .unwrap();
    let stores = ["", "again"].map(|folder| {
        let folder = fixture.folder.path().join(folder);
        EmbeddedStore::open(&folder.join("memory.sqlite")).unwrap()
    });
    let docs = "docs".parse().unwrap();
    let ids = stores[0].document_ids(&docs, None, 100).await.unwrap();
    assert_eq!(ids.len(), 30);
    for id in ids {
        let one = stores[0].whole_document(id).await.unwrap();
        assert!(one.is_some());
        assert_eq!(one, stores[1].whole_document(id).await.unwrap());
    }
}

#[tokio::test]
async fn reingest_still_knows_what_was_imported() {
    let fixture = filled().await;
    let again = empty(&fixture, "again");
    again
        .copy_from(&fixture.memory, &Watch::nobody())
        .await
        .unwrap();
    let mut request = IngestDirectory::new(fixture.files().display().to_string(), "other");
    request.mode = IngestMode::Reingest;
    let memory = crate::memory(
        &fixture.folder.path().join("again"),
        64,
        crate::options(fixture.folder.path()),
    );
    let report = memory
        .ingest_directory(request, &Watch::nobody())
        .await
        .unwrap();
    assert_eq!((report.files_unchanged, report.files_ingested), (1, 0));
}
