//! Entries in stores that several processes use, and what becomes of those that
//! have expired.

use std::sync::Arc;

use rag_core::port::{Entry, EntryKind, Store};
use rag_store::conformance::fixture::{entry, good, time};
use rag_store::embedded::EmbeddedStore;
use rusqlite::Connection;
use serde_json::json;
use tokio::task::JoinSet;

use crate::double::{Names, test_server};
use crate::postgres::database::{Fresh, number};

/// As many processes as this use one store.
const PROCESSES: usize = 4;

/// How many entries expire together: more than go with one that is added.
const EXPIRING: usize = 120;

/// Has each of `stores` add the same entry, when it is not there and when it has
/// expired. One of them does.
async fn assert_one_adds(stores: &[Arc<dyn Store>]) {
    for now in [10, 20] {
        let mut adding = JoinSet::new();
        for (number, store) in (0..).zip(stores) {
            let store = Arc::clone(store);
            let made = Entry {
                value: json!(number),
                expires_at: Some(time(now + 10)),
                ..entry(EntryKind::Answer, "a")
            };
            adding.spawn(async move {
                let there = good(store.add_entry(&made, time(now)).await);
                (made, there)
            });
        }
        let added = adding.join_all().await;
        let mut winners = added.iter().filter(|(_, there)| there.is_none());
        let (winner, _) = winners.next().expect("one of them added it");
        assert!(winners.next().is_none(), "{added:?}");
        for there in added.iter().filter_map(|(_, there)| there.as_ref()) {
            assert_eq!(there, winner, "at {now}");
        }
        for store in stores {
            let found = good(store.entry(EntryKind::Answer, "a", time(now)).await);
            assert_eq!(found.as_ref(), Some(winner), "at {now}");
        }
    }
}

/// Adds some entries that have expired when others are added.
async fn expire_some(store: &Arc<dyn Store>, others: usize) {
    for number in 0..EXPIRING + others {
        let expires = number < EXPIRING;
        let made = Entry {
            expires_at: expires.then(|| time(20)),
            ..entry(EntryKind::Answer, &format!("{number}"))
        };
        let now = if expires { time(10) } else { time(20) };
        assert_eq!(good(store.add_entry(&made, now).await), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_handles_of_a_file_one_adds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let handles: Vec<Arc<dyn Store>> = (0..PROCESSES)
        .map(|_| Arc::new(good(EmbeddedStore::open(&path))) as Arc<dyn Store>)
        .collect();
    assert_one_adds(&handles).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_processes_on_postgres_one_adds() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let stores: Vec<Arc<dyn Store>> = (0..PROCESSES)
        .map(|_| Arc::new(schema.store()) as Arc<dyn Store>)
        .collect();
    assert_one_adds(&stores).await;
    schema.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_processes_on_qdrant_one_adds() {
    let names = Names::on(&test_server());
    let stores: Vec<Arc<dyn Store>> = (0..PROCESSES)
        .map(|_| Arc::new(names.store()) as Arc<dyn Store>)
        .collect();
    assert_one_adds(&stores).await;
    names.remove().await;
}

#[tokio::test]
async fn a_file_does_not_fill_up_with_what_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
    expire_some(&store, 2).await;
    let file = Connection::open(&path).unwrap();
    let count = file.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0));
    assert_eq!(count.unwrap(), 2);
}

#[tokio::test]
async fn postgres_does_not_fill_up_with_what_has_expired() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let store: Arc<dyn Store> = Arc::new(schema.store());
    expire_some(&store, 2).await;
    let count = format!("SELECT count(*) FROM {}.entry", schema.name);
    assert_eq!(number(&schema.url, &count).await, 2);
    schema.remove().await;
}

#[tokio::test]
async fn qdrant_does_not_fill_up_with_what_has_expired() {
    let names = Names::on(&test_server());
    let store: Arc<dyn Store> = Arc::new(names.store());
    expire_some(&store, EXPIRING).await;
    // The record of the schema, and what is there.
    let there = 1 + EXPIRING as u64;
    let count = names.point_count().await;
    let left = count.checked_sub(there).expect("none is lost");
    assert!(left < EXPIRING as u64 / 8, "{left} are left over");
    names.remove().await;
}
