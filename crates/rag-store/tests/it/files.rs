//! What opening does to files and folders, and which files are refused.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rag_core::model::JobState;
use rag_core::port::{Expect, Store, StoreError};
use rag_store::conformance::fixture::{
    anything, create, document, good, matching, new_job, space, time,
};
use rag_store::embedded::EmbeddedStore;
use rusqlite::Connection;

fn open(path: &Path) -> Arc<dyn Store> {
    Arc::new(good(EmbeddedStore::open(path)))
}

#[tokio::test]
async fn folders_and_files_are_made_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/store.db");
    let store = open(&path);
    create(&store, &["docs"]).await;
    #[cfg(unix)]
    for (path, expected) in [
        (folder.path().join("a"), 0o700),
        (folder.path().join("a/b"), 0o700),
        (path.clone(), 0o600),
        (folder.path().join("a/b/store.db-wal"), 0o600),
    ] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}", path.display());
    }
    let status = good(store.status().await);
    assert_eq!(
        (status.kind, status.location),
        ("embedded", path.display().to_string())
    );
    assert!(status.size_bytes.unwrap() > 8_192);
}

#[tokio::test]
async fn what_was_put_in_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    for round in 0u64..3 {
        let store = open(&path);
        if round == 0 {
            create(&store, &["docs"]).await;
        }
        assert_eq!(
            matching(&store, "word", &anything()).await.len() as u64,
            round
        );
        let made = document("docs", &format!("{round}"), &["word"]);
        good(store.put_document(&made, &space(), Expect::Absent).await);
    }
}

/// As programs before this one left a job that was to stop when they closed.
#[tokio::test]
async fn a_job_that_was_queued_to_stop_is_not_joined() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path);
    create(&store, &["docs"]).await;
    let (left, _) = good(store.add_job(&new_job("docs", "a", 1)).await);
    let file = Connection::open(&path).unwrap();
    file.execute("UPDATE job SET cancel_requested = 1", [])
        .unwrap();
    let (next, is_new) = good(store.add_job(&new_job("docs", "a", 2)).await);
    assert!(is_new && next.id != left.id && !next.cancel_requested);
    let left = good(store.job(left.id).await).unwrap();
    let ended = (JobState::Cancelled, Some(time(2)));
    assert_eq!((left.state, left.finished_at), ended);
}

#[test]
fn many_may_make_a_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/store.db");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| good(EmbeddedStore::open(&path)));
        }
    });
}

#[test]
fn a_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(good(EmbeddedStore::open(&path)));
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let refused = EmbeddedStore::open(&path);
    assert!(
        matches!(
            refused,
            Err(StoreError::TooNew {
                found: 99,
                known: 4,
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn a_database_of_another_program_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sql) in [
        ("tables.db", "CREATE TABLE theirs (x)"),
        (
            "marked.db",
            "PRAGMA application_id = 77; PRAGMA user_version = 5",
        ),
    ] {
        let path = folder.path().join(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let before = fs::read(&path).unwrap();
        let refused = EmbeddedStore::open(&path);
        let Err(StoreError::Unavailable { action, source }) = refused else {
            panic!("{refused:?}");
        };
        assert!(action.contains(name), "{action}");
        assert!(source.to_string().contains("another program"), "{source}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "text").unwrap();
    fs::create_dir(folder.path().join("folder.db")).unwrap();
    let mut places = vec![
        folder.path().join("file/store.db"),
        folder.path().join("folder.db"),
    ];
    if cfg!(target_os = "linux") {
        // A file system that nobody, not even root, can make files in.
        places.push("/proc/rag/store.db".into());
        places.push("/proc/store.db".into());
    }
    for path in places {
        let refused = EmbeddedStore::open(&path);
        let Err(StoreError::NotWritable { location, message }) = refused else {
            panic!("{}: {refused:?}", path.display());
        };
        assert_eq!(location, path.display().to_string());
        assert!(!message.is_empty());
    }
}

#[tokio::test]
async fn a_file_that_was_removed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let path = home.join("store.db");
    let store = open(&path);
    create(&store, &["docs"]).await;
    let made = document("docs", "a", &["word"]);
    good(store.put_document(&made, &space(), Expect::Any).await);

    fs::remove_dir_all(&home).unwrap();
    for recreated in [false, true] {
        if recreated {
            drop(open(&path));
        }
        let put = store
            .put_document(&made, &space(), Expect::Any)
            .await
            .unwrap_err();
        let search = store
            .matching(&["word".to_owned()], &anything(), 10)
            .await
            .unwrap_err();
        for error in [put, search, store.status().await.unwrap_err()] {
            let StoreError::Unavailable { action, source } = error else {
                panic!("{error:?}")
            };
            assert!(action.contains(&path.display().to_string()), "{action}");
            let expected = if recreated { "another file" } else { "removed" };
            assert!(source.to_string().contains(expected), "{source}");
        }
        assert_eq!(home.exists(), recreated, "the old store made something");
    }
    // Who opens it now has a new store.
    assert_eq!(good(open(&path).status().await).collection_count, 0);
}
