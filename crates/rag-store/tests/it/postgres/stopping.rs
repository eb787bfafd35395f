//! A server that stops, crashes, starts late, and runs out of disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rag_core::port::{Expect, Store, StoreError};
use rag_store::conformance::fixture::{
    anything, create, document, good, kept, matching, put, space,
};
use rag_store::postgres::{PostgresOptions, PostgresStore};

use super::database::run;
use super::migrating::chain;
use super::server::Server;

fn patient(url: &str) -> Arc<dyn Store> {
    let options = PostgresOptions {
        retry_for: Duration::from_secs(60),
        ..PostgresOptions::new(url)
    };
    Arc::new(PostgresStore::new(options).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_stops_and_crashes() {
    let server = Server::start();
    server.stop("fast");
    // It starts while the database is away.
    let store = patient(&server.url());
    let waiting = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { create(&store, &["docs"]).await })
    };
    server.start_again();
    waiting.await.unwrap();

    let acknowledged = Arc::new(AtomicU64::new(0));
    let writer = {
        let (store, acknowledged) = (Arc::clone(&store), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            let mut expect = Expect::Absent;
            for revision in 1..=120 {
                let text = format!("revision{revision}");
                let made = document("docs", "a", &[text.as_str(); 40]);
                let outcome = good(store.put_document(&made, &space(), expect).await);
                assert_eq!(outcome.revision, revision);
                acknowledged.store(revision, Ordering::Relaxed);
                expect = Expect::Revision(revision);
            }
        })
    };
    let id = document("docs", "a", &[]).document.info.id;
    let reader = {
        let (store, acknowledged) = (Arc::clone(&store), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            while acknowledged.load(Ordering::Relaxed) < 120 {
                let known = acknowledged.load(Ordering::Relaxed);
                let found = good(store.document(id).await);
                let revision = found.as_ref().map_or(0, |found| found.info.revision);
                assert!(revision >= known, "{revision} after {known}");
                let chunks = good(store.chunks(id, 0, u32::MAX).await);
                assert!(chunks.is_empty() || chunks.len() == 40, "{}", chunks.len());
                assert!(chunks.iter().all(|chunk| chunk.text == chunks[0].text));
            }
        })
    };
    for (number, mode) in ["fast", "immediate", "fast", "immediate"]
        .into_iter()
        .enumerate()
    {
        // Each time something was written since.
        while acknowledged.load(Ordering::Relaxed) < 10 + 20 * number as u64 {
            tokio::task::yield_now().await;
        }
        server.stop(mode);
        server.start_again();
    }
    writer.await.unwrap();
    reader.await.unwrap();
    let last = document("docs", "a", &["revision120"; 40]);
    assert_eq!(good(store.document(id).await), Some(kept(&last, 120)));
    assert_eq!(good(store.status().await).chunk_count, 40);
    assert_eq!(matching(&store, "revision120", &anything()).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_gets_over() {
    let mut server = Server::start();
    let disk = server.disk(64);
    let space_of_disk = format!("CREATE TABLESPACE small LOCATION '{}'", disk.display());
    run(&server.url(), &space_of_disk).await;
    run(&server.url(), "CREATE DATABASE small TABLESPACE small").await;
    let store: Arc<dyn Store> =
        Arc::new(PostgresStore::new(PostgresOptions::new(server.url_of("small"))).unwrap());
    create(&store, &["docs"]).await;
    let small = document("docs", "small", &["apple pear", "plum"]);
    put(&store, &small).await;

    let ballast = server.fill(&disk);
    let filler = "filler ".repeat(300);
    let texts: Vec<String> = (0..500)
        .map(|number| format!("w{number} {filler}"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut large = document("docs", "large", &texts);
    // Nothing that could be made shorter.
    for (number, chunk) in (0..).zip(&mut large.chunks) {
        let odd: String = (0..400u64)
            .map(|step| format!("{:x}", (number * 7 + step) * 0x9e37_79b9_7f4a))
            .collect();
        chunk.chunk.text = odd;
    }
    let error = store.put_document(&large, &space(), Expect::Any).await;
    let Err(error @ StoreError::NotWritable { .. }) = error else {
        panic!("a full disk was told as {error:?}");
    };
    assert!(chain(&error).contains("hint: make room"), "{error:?}");

    // What was there is there, and nothing else.
    assert_eq!(good(store.document(large.document.info.id).await), None);
    assert_eq!(
        good(store.document(small.document.info.id).await),
        Some(kept(&small, 1))
    );
    assert_eq!(matching(&store, "pear w1", &anything()).await.len(), 1);
    assert_eq!(good(store.status().await).chunk_count, 2);

    server.remove(&ballast);
    put(&store, &large).await;
    assert_eq!(good(store.status().await).chunk_count, 502);
    drop(store);
}
