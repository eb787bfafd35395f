//! Damaged files give an error that says so, never a panic or a wrong answer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rag_core::model::{ItemState, JobId, JobItem};
use rag_core::port::{
    EntryKind, EntryStore, Expect, JobFilter, JobStore, Lease, Store, StoreError,
};
use rag_store::conformance::fixture::{
    DIMENSIONS, anything, chunk_ref, create, document, entry, good, name, new_job, space, time,
    vector,
};
use rag_store::embedded::EmbeddedStore;

/// Whoever has the job.
const WORKER: &str = "worker";

/// A closed store with 60 documents, a job that is being worked on, and entries.
async fn filled(path: &Path) {
    let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(path)));
    create(&store, &["docs"]).await;
    for number in 0..60 {
        let filler = "x".repeat(900);
        let made = document(
            "docs",
            &format!("{number}"),
            &["word one", "word two", &filler],
        );
        good(store.put_document(&made, &space(), Expect::Any).await);
    }
    let (job, _) = good(store.add_job(&new_job("docs", "a", 1)).await);
    let items: Vec<_> = (0..500)
        .map(|number| JobItem::pending(format!("{number}")))
        .collect();
    let lease = store.lease_job(job.id, WORKER, time(1), time(9)).await;
    assert_eq!(good(lease), Lease::Held);
    assert!(good(store.put_job_items(job.id, WORKER, &items).await));
    for number in 0..20 {
        let made = entry(EntryKind::Token, &format!("{number}"));
        assert_eq!(good(store.add_entry(&made, time(1)).await), None);
    }
}

/// What goes wrong when everything is tried.
async fn failures(path: &Path) -> Vec<StoreError> {
    let store = match EmbeddedStore::open(path) {
        Ok(store) => store,
        Err(error) => return vec![error],
    };
    let mut failures = Vec::new();
    failures.extend(store.collections().await.err());
    failures.extend(store.collection(&name("docs")).await.err());
    failures.extend(store.documents(&anything(), 0, 1_000).await.err());
    let query = vector("word", DIMENSIONS);
    failures.extend(
        store
            .nearest(&space(), &query, &anything(), 1_000)
            .await
            .err(),
    );
    failures.extend(
        store
            .matching(&["word".to_owned()], &anything(), 1_000)
            .await
            .err(),
    );
    for number in 0..60 {
        let made = document("docs", &format!("{number}"), &["word"]);
        let id = made.document.info.id;
        failures.extend(store.document(id).await.err());
        failures.extend(store.chunks(id, 0, u32::MAX).await.err());
        failures.extend(store.passages(&[chunk_ref(&made, 0)]).await.err());
        if number % 20 == 0 {
            failures.extend(store.put_document(&made, &space(), Expect::Any).await.err());
        }
    }
    let new = new_job("docs", "a", 1);
    let id = JobId::derive(&new.key, new.created_at);
    let item = JobItem {
        state: ItemState::Ingested,
        ..JobItem::pending("499")
    };
    failures.extend(store.add_job(&new).await.err());
    failures.extend(store.jobs(&JobFilter::default(), 0, 1_000).await.err());
    failures.extend(store.job_items(id, None, 0, 1_000).await.err());
    failures.extend(
        store
            .job_items(id, Some(ItemState::Pending), 0, 1_000)
            .await
            .err(),
    );
    failures.extend(store.put_job_items(id, WORKER, &[item]).await.err());
    let token = entry(EntryKind::Token, "1");
    failures.extend(store.entries(token.kind, time(1)).await.err());
    failures.extend(store.add_entry(&token, time(1)).await.err());
    failures.extend(store.replace_entry(&token, time(1)).await.err());
    failures.extend(store.delete_collection(&name("docs")).await.err());
    failures
}

#[track_caller]
fn assert_told_as_damaged(failures: &[StoreError], what: &str) {
    let told = failures
        .iter()
        .filter(|error| matches!(error, StoreError::Corrupt { .. }))
        .count();
    assert!(
        told > 0,
        "{what}: nothing was told as damaged among {failures:?}"
    );
    for error in failures {
        let is_honest = matches!(
            error,
            StoreError::Corrupt { .. } | StoreError::NoCollection(_)
        );
        assert!(is_honest, "{what}: {error:?}");
    }
}

#[tokio::test]
async fn damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound.db");
    filled(&sound).await;
    let bytes = fs::read(&sound).unwrap();
    assert!(failures(&sound).await.is_empty());

    let flipped = |first: usize, step: usize| {
        let mut bytes = bytes.clone();
        for byte in bytes.iter_mut().skip(first).step_by(step) {
            *byte ^= 0x5a;
        }
        bytes
    };
    let cases = [
        (
            "no database",
            b"This is a text, and a long one at that. ".repeat(100),
        ),
        (
            "a header of nonsense",
            [&[0x5a; 200][..], &bytes[200..]].concat(),
        ),
        ("half a file", bytes[..bytes.len() / 2].to_vec()),
        ("a page and a bit", bytes[..9_000].to_vec()),
        ("every page's head", flipped(8_192, 8_192)),
        ("here and there", flipped(8_200, 97)),
        ("zeros after the first page", {
            let mut zeros = bytes.clone();
            zeros[8_192..].fill(0);
            zeros
        }),
    ];
    for (what, bytes) in cases {
        let path = folder.path().join(format!("{}.db", what.replace(' ', "-")));
        fs::write(&path, bytes).unwrap();
        assert_told_as_damaged(&failures(&path).await, what);
    }
}
