//! Connections that break, and answers that are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rag_core::port::{EntryKind, Expect, Store, StoreError};
use rag_store::conformance::fixture::{
    anything, create, document, entry, good, kept, matching, name, new_job, put, space, time,
};
use rag_store::postgres::{PostgresOptions, PostgresStore};
use tokio::task::JoinSet;

use super::database::{Fresh, number, variable};
use super::proxy::{Cut, Proxy};

/// A store at the other end of a wire, and the wire.
async fn wired(schema: &Fresh) -> (Arc<dyn Store>, Proxy) {
    let (start, database) = schema.url.rsplit_once('/').unwrap();
    let (user, port) = start.rsplit_once(':').unwrap();
    let proxy = Proxy::to(port.parse().unwrap()).await;
    let store = PostgresStore::new(PostgresOptions {
        url: format!("{user}:{}/{database}", proxy.port()),
        ..schema.options()
    });
    (Arc::new(store.unwrap()), proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_done_once() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let (store, proxy) = wired(&schema).await;
    create(&store, &["docs"]).await;
    for cut in [Cut::BeforeCommit, Cut::AfterCommit] {
        let source = format!("{cut:?}");
        let cut_now = || proxy.cut(cut);
        let made = document("docs", &source, &["one two", "two"]);
        let id = made.document.info.id;
        for (expect, revision) in [
            (Expect::Absent, 1),
            (Expect::Revision(1), 2),
            (Expect::Any, 3),
        ] {
            cut_now();
            let outcome = good(store.put_document(&made, &space(), expect).await);
            assert_eq!(outcome.revision, revision, "{cut:?}");
            assert!(proxy.was_cut(), "{cut:?}");
            assert_eq!(good(store.document(id).await), Some(kept(&made, revision)));
        }

        cut_now();
        create(&store, &["other"]).await;
        let other = good(store.collection(&name("other")).await).collection;
        let taken = store.create_collection(&other).await;
        assert!(matches!(taken, Err(StoreError::CollectionExists(_))));

        let new = new_job("docs", &source, 1);
        cut_now();
        let (job, is_new) = good(store.add_job(&new).await);
        assert!(is_new, "{cut:?}");
        assert_eq!(good(store.add_job(&new).await), (job, false));

        let answer = entry(EntryKind::Answer, &source);
        cut_now();
        let there = good(store.add_entry(&answer, time(1)).await);
        assert_eq!(there, None, "{cut:?}");
        cut_now();
        assert!(good(store.replace_entry(&answer, time(1)).await));
        cut_now();
        let is_removed = good(store.remove_entry(answer.kind, &source).await);
        assert!(is_removed && proxy.was_cut(), "{cut:?}");

        cut_now();
        let deleted = good(store.delete_document(id).await);
        assert_eq!(
            deleted.map(|deleted| deleted.chunk_count),
            Some(2),
            "{cut:?}"
        );
        put(&store, &document("other", "a", &["one"])).await;
        cut_now();
        let deleted = good(store.delete_collection(&name("other")).await);
        assert_eq!((deleted.document_count, deleted.chunk_count), (1, 1));
        assert!(proxy.was_cut(), "{cut:?}");

        // To read once more is no harm.
        cut_now();
        assert_eq!(good(store.status().await).document_count, 0);
    }
    schema.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_connections_are_not_noticed() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let options = schema.options();
    let marked = format!("{}?application_name={}", options.url, schema.name);
    let store: Arc<dyn Store> = Arc::new(
        PostgresStore::new(PostgresOptions {
            url: marked,
            retry_for: Duration::from_secs(60),
            ..options
        })
        .unwrap(),
    );
    create(&store, &["docs"]).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let killer = {
        let (url, name, is_over) = (
            schema.url.clone(),
            schema.name.clone(),
            Arc::clone(&is_over),
        );
        tokio::spawn(async move {
            let kill = format!(
                "SELECT count(pg_terminate_backend(pid)) FROM (
                     SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'
                     ORDER BY random() LIMIT 1) one"
            );
            let mut killed = 0;
            while !is_over.load(Ordering::Relaxed) {
                killed += number(&url, &kill).await;
            }
            killed
        })
    };
    let mut writers = JoinSet::new();
    for writer in 0..6 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let mut expect = Expect::Absent;
            for revision in 1..=15 {
                let text = format!("writer{writer} revision{revision}");
                let made = document("docs", &format!("{writer}"), &[&text, "shared"]);
                let outcome = good(store.put_document(&made, &space(), expect).await);
                assert_eq!(outcome.revision, revision);
                let found = good(store.document(made.document.info.id).await);
                assert_eq!(found, Some(kept(&made, revision)));
                expect = Expect::Revision(revision);
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(killer.await.unwrap() > 10, "hardly anything was killed");
    let status = good(store.status().await);
    assert_eq!((status.document_count, status.chunk_count), (6, 12));
    assert_eq!(matching(&store, "shared", &anything()).await.len(), 6);
    assert_eq!(matching(&store, "revision15", &anything()).await.len(), 6);
    schema.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_is_told_or_found_out_serves_many_at_once() {
    for flag in ["", "?pgbouncer=true"] {
        let schema = Fresh::named_by("PGBOUNCER_TEST_URL").await;
        let options = PostgresOptions {
            url: format!("{}{flag}", variable("PGBOUNCER_TEST_URL")),
            ..schema.options()
        };
        // Two programs, each with more connections than the pooler has sessions.
        let stores: Vec<Arc<dyn Store>> = (0..2)
            .map(|_| Arc::new(PostgresStore::new(options.clone()).unwrap()) as Arc<dyn Store>)
            .collect();
        create(&stores[0], &["docs"]).await;
        let mut tasks = JoinSet::new();
        for task in 0..20 {
            let store = Arc::clone(&stores[task % 2]);
            tasks.spawn(async move {
                for round in 0..5 {
                    let text = format!("t{task}r{round}");
                    let made = document("docs", &format!("{task}"), &[&text, "shared"]);
                    put(&store, &made).await;
                    assert_eq!(matching(&store, &text, &anything()).await.len(), 1);
                    let query = &made.chunks[0].vector;
                    let nearest = store.nearest(&space(), query, &anything(), 1).await;
                    assert_eq!(good(nearest).len(), 1);
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert_eq!(good(stores[1].status().await).chunk_count, 40);
        schema.remove().await;
    }
}
