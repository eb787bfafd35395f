//! Imports that meet what was changed, what fails and what is no earlier memory.

use super::database::Database;
use super::{Same, counts, import, list, view};
use rag_memory::api::{ImportLegacy, IngestMode, JobStatus, UpdateDocument};
use rag_memory::{Error, ErrorKind, Watch};
use rag_store::legacy::LegacyPostgres;
use std::sync::Arc;

#[tokio::test]
async fn what_was_changed_here_stays_unless_it_may_be_replaced() {
    let database = Database::filled().await;
    let here = Same::new();
    import(&here.memory, &database.url(), ImportLegacy::default())
        .await
        .unwrap();
    let id = list(&here.memory, "docs").await[1].id.clone();
    let change = UpdateDocument {
        document_id: id.clone(),
        content: Some("Rewritten here.".into()),
        title: None,
        metadata: None,
    };
    here.memory.update_document(change).await.unwrap();
    let again = import(&here.memory, &database.url(), ImportLegacy::default())
        .await
        .unwrap();
    assert_eq!(counts(&again), (0, 0, 4, 4, 0), "{again:?}");
    assert_eq!(view(&here.memory, &id).await.content, "Rewritten here.");
    let replace = ImportLegacy {
        mode: IngestMode::Reingest,
        ..ImportLegacy::default()
    };
    let replaced = import(&here.memory, &database.url(), replace)
        .await
        .unwrap();
    assert_eq!(counts(&replaced), (1, 1, 4, 3, 0), "{replaced:?}");
    assert!(view(&here.memory, &id).await.content.starts_with("# Guide"));
    database.drop().await;
}

#[tokio::test]
async fn one_that_fails_is_reported_and_the_rest_goes_on() {
    let database = Database::filled().await;
    database
        .run("UPDATE source_documents SET content = repeat('x', 100001) WHERE id = 3")
        .await;
    database
        .run("UPDATE source_documents SET metadata = jsonb_build_object('x', repeat('x', 70000)) WHERE id = 7")
        .await;
    let here = Same::new();
    let reply = import(&here.memory, &database.url(), ImportLegacy::default())
        .await
        .unwrap();
    assert_eq!(counts(&reply), (3, 3, 0, 3, 2), "{reply:?}");
    let failed: Vec<_> = reply
        .failed_documents
        .iter()
        .map(|document| (document.legacy_id, document.error.as_str()))
        .collect();
    assert_eq!(
        failed,
        [
            (
                7,
                "the metadata have 70008 bytes as JSON, they may have 65536"
            ),
            (3, "it has 100001 bytes of text, a document may have 100000"),
        ]
    );
    database.drop().await;
}

#[tokio::test]
async fn it_stops_between_documents_and_goes_on_later() {
    let database = Database::filled().await;
    let here = Same::new();
    let source = LegacyPostgres::open(&database.url()).await.unwrap();
    let watch = Watch::nobody();
    let cancel = watch.cancel.clone();
    let watch = Watch {
        progress: Arc::new(move |progress| {
            assert_eq!(progress.total, 7);
            if progress.done == 3 {
                cancel.cancel();
            }
        }),
        ..watch
    };
    let stopped = here
        .memory
        .import_legacy(&source, ImportLegacy::default(), &watch)
        .await
        .unwrap();
    assert_eq!(stopped.status, JobStatus::Cancelled);
    assert_eq!(counts(&stopped), (1, 1, 0, 2, 0), "{stopped:?}");
    let rest = import(&here.memory, &database.url(), ImportLegacy::default())
        .await
        .unwrap();
    assert_eq!(counts(&rest), (4, 4, 1, 3, 0), "{rest:?}");
    database.drop().await;
}

#[tokio::test]
async fn who_may_only_read_can_import_through_any_schema() {
    let database = Database::filled().await;
    let reader = database.reader().await;
    let here = Same::new();
    let source = LegacyPostgres::open(&reader).await.unwrap();
    let source = source.in_time_zone("Europe/Berlin").await.unwrap();
    let watch = Watch::nobody();
    let reply = here
        .memory
        .import_legacy(&source, ImportLegacy::default(), &watch)
        .await
        .unwrap();
    assert_eq!(counts(&reply), (5, 5, 0, 3, 0), "{reply:?}");
    let docs = list(&here.memory, "docs").await;
    assert_eq!(docs[1].created_at.as_deref(), Some("2025-07-01T10:00:00Z"));
    drop(source);
    database.drop().await;
}

#[tokio::test]
async fn a_pooler_in_between_changes_nothing() {
    let database = Database::filled().await;
    let here = Same::new();
    let url = database.url_of_pooler();
    let reply = import(&here.memory, &url, ImportLegacy::default())
        .await
        .unwrap();
    assert_eq!(counts(&reply), (5, 5, 0, 3, 0), "{reply:?}");
    assert_eq!(reply.time_zone, "Asia/Kolkata");
    database.drop().await;
}

#[tokio::test]
async fn what_is_no_earlier_memory_says_what_it_lacks() {
    let database = Database::empty().await;
    let error = async |url: &str| match LegacyPostgres::open(url).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => Error::from(error),
    };
    let location = database.location();
    let refused = error(&database.url()).await;
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert_eq!(
        refused.message(),
        format!(
            "{location} is not an earlier memory: it has no table `collections`, no table \
             `source_documents`, no table `document_chunks`, no table `chunk_collections`"
        )
    );
    database
        .run("CREATE TABLE collections (id int, name text)")
        .await;
    let refused = error(&database.url()).await;
    assert!(
        refused
            .message()
            .contains("no column `collections.description`"),
        "{refused}"
    );
    let zone = {
        let filled = Database::filled().await;
        let source = LegacyPostgres::open(&filled.url()).await.unwrap();
        let refused = source.in_time_zone("Mars/Olympus").await.err().unwrap();
        filled.drop().await;
        refused
    };
    assert!(
        zone.to_string()
            .contains("`Mars/Olympus` is not a time zone"),
        "{zone}"
    );
    let dead = error("postgres://me:secret@127.0.0.1:1/rag").await;
    assert_eq!(dead.kind(), ErrorKind::Unavailable);
    assert!(
        dead.message()
            .starts_with("cannot connect to 127.0.0.1:1/rag"),
        "{dead}"
    );
    assert!(!dead.to_string().contains("secret"), "{dead}");
    database.drop().await;
}
