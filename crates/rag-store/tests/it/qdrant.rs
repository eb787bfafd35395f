//! The Qdrant store when its server is killed, slow to come up, loses replies or
//! refuses, and when several processes use it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rag_core::model::{EmbeddedDocument, JobState};
use rag_core::port::{EntryKind, Expect, JobFilter, JobStore, Lease, Store, StoreError};
use rag_store::conformance::fixture::{
    anything, chunk_ref, collection, create, document, entry, good, kept, matching, name, new_job,
    put, ranked, space, time,
};
use rag_store::qdrant::{QdrantOptions, QdrantStore};
use tokio::task::JoinSet;

use crate::double::{Double, Names, free_port, test_server};

fn old() -> EmbeddedDocument {
    document("docs", "a", &["apple one", "apple two", "apple three"])
}

fn new() -> EmbeddedDocument {
    document(
        "docs",
        "a",
        &["pear one", "pear two", "pear three", "pear four"],
    )
}

/// Asserts that the document is there whole and alone, at one of its revisions;
/// says whether it is the new one.
async fn assert_whole(store: &Arc<dyn Store>) -> bool {
    let id = old().document.info.id;
    let found = good(store.document(id).await).expect("it is there");
    let is_new = found.info.revision == 2;
    let made = if is_new { new() } else { old() };
    assert_eq!(found, kept(&made, if is_new { 2 } else { 1 }));
    let texts: Vec<String> = made
        .chunks
        .iter()
        .map(|chunk| chunk.chunk.text.clone())
        .collect();
    let chunks = good(store.chunks(id, 0, u32::MAX).await);
    let found: Vec<String> = chunks.into_iter().map(|chunk| chunk.text).collect();
    assert_eq!(found, texts);
    let (word, other) = if is_new {
        ("pear", "apple")
    } else {
        ("apple", "pear")
    };
    assert_eq!(matching(store, word, &anything()).await.len(), texts.len());
    assert_eq!(matching(store, other, &anything()).await, []);
    let query = &new().chunks[0].vector;
    let nearest = good(store.nearest(&space(), query, &anything(), 10).await);
    assert_eq!(nearest.len(), texts.len());
    let info = good(store.collection(&name("docs")).await);
    assert_eq!(
        (info.document_count, info.chunk_count),
        (1, texts.len() as u64)
    );
    is_new
}

fn impatient(mut names: Names) -> Names {
    names.options.retry_for = Duration::from_millis(200);
    names.options.startup_wait = Duration::from_secs(20);
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing() {
    let port = free_port();
    let mut kills = 0;
    let mut is_new = false;
    // Killed at every write of a replace, until it gets through.
    for writes in 0.. {
        assert!(writes < 40, "a replace has no end");
        let folder = tempfile::tempdir().unwrap();
        let path = ["--path", folder.path().to_str().unwrap()];
        let mut double = Double::start(port, &path);
        let names = impatient(Names::on(&double.url));
        let store: Arc<dyn Store> = Arc::new(names.store());
        create(&store, &["docs"]).await;
        put(&store, &old()).await;
        double.kill();

        let writes = writes.to_string();
        let dying = [&path[..], &["--die-after", &writes]].concat();
        let mut double = Double::start(port, &dying);
        let replaced = store.put_document(&new(), &space(), Expect::Any).await;
        double.kill();

        let _double = Double::start(port, &path);
        // The same store goes on as if nothing had been.
        is_new = assert_whole(&store).await;
        let swept = names.store().sweep_older(Duration::ZERO).await;
        good(swept);
        assert_eq!(
            assert_whole(&store).await,
            is_new,
            "the sweep took too much"
        );
        // A schema, a space, a collection, a document and its text, its chunks.
        let chunks = if is_new { 4 } else { 3 };
        assert_eq!(
            names.point_count().await,
            5 + chunks,
            "after {writes} writes"
        );
        match replaced {
            Ok(outcome) => {
                assert_eq!(outcome.revision, 2);
                assert!(is_new, "a put that was acknowledged is lost");
                if kills > 0 {
                    break;
                }
            }
            Err(StoreError::Unavailable { .. }) => kills += 1,
            Err(error) => panic!("{error:?}"),
        }
        // It can be put in again.
        let revision = put(&store, &new()).await.revision;
        assert_eq!(revision, if is_new { 3 } else { 2 });
    }
    assert!(is_new && kills >= 3, "killed {kills} times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_replies_change_nothing() {
    // Each of the first writes is done, said to be unavailable, and done again.
    let double = Double::start(0, &["--lose-replies", "7"]);
    let names = Names::on(&double.url);
    let patient: Arc<dyn Store> = Arc::new(names.store());
    create(&patient, &["docs"]).await;
    put(&patient, &old()).await;
    assert_eq!(put(&patient, &new()).await.revision, 2);
    assert!(assert_whole(&patient).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_that_pass_are_not_noticed() {
    let double = Double::start(0, &["--fail-first", "12"]);
    let names = Names::on(&double.url);
    let store: Arc<dyn Store> = Arc::new(names.store());
    create(&store, &["docs"]).await;
    put(&store, &old()).await;
    assert!(!assert_whole(&store).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_writes_is_told() {
    let double = Double::start(0, &["--fail-after", "40"]);
    let names = impatient(Names::on(&double.url));
    let store: Arc<dyn Store> = Arc::new(names.store());
    create(&store, &["docs"]).await;
    let mut number = 0;
    let error = loop {
        number += 1;
        let made = document("docs", &format!("{number}"), &["apple"]);
        match store.put_document(&made, &space(), Expect::Any).await {
            Ok(_) => assert!(number < 40, "it takes all writes"),
            Err(error) => break error,
        }
    };
    let StoreError::Unavailable { action, source } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(action, "put a document");
    let source = source.to_string();
    assert!(source.contains("hint: "), "{source}");
    assert!(source.contains("qdrant://127.0.0.1:"), "{source}");
    // What is there is found all the same.
    assert_eq!(
        matching(&store, "apple", &anything()).await.len(),
        number - 1
    );
    assert_eq!(good(store.status().await).document_count, number as u64 - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_up_late_is_waited_for() {
    let port = free_port();
    let names = Names::on(&format!("http://127.0.0.1:{port}"));
    let store = names.store();
    let first = tokio::spawn(async move {
        let listed = store.collections().await;
        (store, listed)
    });
    tokio::task::yield_now().await;
    let _double = tokio::task::spawn_blocking(move || Double::start(port, &[]))
        .await
        .unwrap();
    let (store, listed) = first.await.unwrap();
    assert_eq!(good(listed), []);
    good(store.create_collection(&collection("docs")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_told() {
    let mut options = QdrantOptions::new(format!("http://127.0.0.1:{}", free_port()));
    options.startup_wait = Duration::from_millis(300);
    options.api_key = Some("very secret".to_owned());
    let store = QdrantStore::new(options.clone()).unwrap();
    let begun = Instant::now();
    let error = store.status().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10));
    let StoreError::Unavailable { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(source.to_string().contains("`QDRANT_URL`"), "{source}");
    for text in [
        format!("{error:?}"),
        format!("{store:?}"),
        format!("{options:?}"),
    ] {
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_explained() {
    let double = Double::start(0, &["--api-key", "right"]);
    for (key, is_right) in [(None, false), (Some("wrong"), false), (Some("right"), true)] {
        let mut options = QdrantOptions::new(&double.url);
        options.api_key = key.map(str::to_owned);
        let begun = Instant::now();
        let answer = QdrantStore::new(options).unwrap().status().await;
        match answer {
            Ok(status) => {
                assert!(is_right);
                assert_eq!(status.location, double.url.replace("http", "qdrant"));
            }
            Err(StoreError::Unavailable { source, .. }) => {
                assert!(!is_right && source.to_string().contains("`QDRANT_API_KEY`"));
                assert!(
                    begun.elapsed() < Duration::from_secs(5),
                    "it was tried again"
                );
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_told() {
    let double = Double::start(0, &[]);
    let mut options = QdrantOptions::new(double.url.replace("http:", "https:"));
    options.startup_wait = Duration::from_millis(300);
    let error = QdrantStore::new(options).unwrap().status().await;
    assert!(
        matches!(&error, Err(StoreError::Unavailable { .. })),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_are_none_are_refused() {
    for url in ["", "localhost:6334", "ftp://localhost", "http://"] {
        let refused = QdrantStore::new(QdrantOptions::new(url)).map(drop);
        assert!(
            matches!(&refused, Err(StoreError::Unavailable { source, .. })
                if source.to_string().contains("hint: ")),
            "{url}: {refused:?}"
        );
    }
}

/// As many processes as this use one server.
const PROCESSES: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_processes_one_wins() {
    let names = Names::on(&test_server());
    let stores: Vec<Arc<dyn Store>> = (0..PROCESSES)
        .map(|_| Arc::new(names.store()) as Arc<dyn Store>)
        .collect();
    // Making what a store needs is the first thing they compete about.
    let mut tasks = JoinSet::new();
    for store in &stores {
        let store = Arc::clone(store);
        tasks.spawn(async move { store.create_collection(&collection("docs")).await });
    }
    let made = tasks.join_all().await;
    assert_eq!(
        made.iter().filter(|made| made.is_ok()).count(),
        1,
        "{made:?}"
    );

    for (expect, revision) in [(Expect::Absent, 1), (Expect::Revision(1), 2)] {
        let mut tasks = JoinSet::new();
        for (number, store) in stores.iter().enumerate() {
            let store = Arc::clone(store);
            tasks.spawn(async move {
                let made = document("docs", "a", &[&format!("writer {number}")]);
                (
                    made.clone(),
                    store.put_document(&made, &space(), expect).await,
                )
            });
        }
        let mut winners = Vec::new();
        for (made, outcome) in tasks.join_all().await {
            match outcome {
                Ok(outcome) => {
                    assert_eq!(outcome.revision, revision);
                    winners.push(made);
                }
                Err(StoreError::Conflict { found }) => assert_eq!(found, Some(revision)),
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "{expect:?}");
        for store in &stores {
            let found = good(store.document(winners[0].document.info.id).await);
            assert_eq!(found, Some(kept(&winners[0], revision)));
            let found = matching(store, "writer", &anything()).await;
            assert_eq!(ranked(&found), [chunk_ref(&winners[0], 0)]);
        }
    }
    names.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_in_many_processes_do_not_lose_each_other() {
    let names = Names::on(&test_server());
    let first: Arc<dyn Store> = Arc::new(names.store());
    create(&first, &["docs"]).await;
    let mut tasks = JoinSet::new();
    for _ in 0..PROCESSES {
        let store: Arc<dyn Store> = Arc::new(names.store());
        tasks.spawn(async move {
            for _ in 0..5 {
                put(&store, &new()).await;
            }
        });
    }
    tasks.join_all().await;
    let found = good(first.document(new().document.info.id).await).unwrap();
    assert_eq!(found.info.revision, 5 * PROCESSES as u64);
    assert_eq!(matching(&first, "pear", &anything()).await.len(), 4);
    assert_eq!(names.point_count().await, 5 + 4, "something is left over");
    names.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_go_to_one_of_many_processes() {
    let names = Names::on(&test_server());
    let stores: Vec<Arc<QdrantStore>> = (0..PROCESSES).map(|_| Arc::new(names.store())).collect();
    good(stores[0].create_collection(&collection("docs")).await);
    for round in 0..3 {
        let mut tasks = JoinSet::new();
        for (number, store) in (0..).zip(&stores) {
            let store = Arc::clone(store);
            let new = new_job("docs", "a", 100 * round + number);
            tasks.spawn(async move { good(store.add_job(&new).await) });
        }
        let added = tasks.join_all().await;
        let id = added[0].0.id;
        assert!(added.iter().all(|(job, _)| job.id == id), "{added:?}");
        assert_eq!(
            added.iter().filter(|(_, is_new)| *is_new).count(),
            1,
            "{added:?}"
        );

        let mut tasks = JoinSet::new();
        for (number, store) in stores.iter().enumerate() {
            let store = Arc::clone(store);
            tasks.spawn(async move {
                let worker = format!("worker {number}");
                let lease = store.lease_job(id, &worker, time(10), time(20)).await;
                (worker, good(lease))
            });
        }
        let leases = tasks.join_all().await;
        let mut held = leases.iter().filter(|(_, lease)| *lease == Lease::Held);
        let (worker, _) = held.next().expect("one of them has it");
        assert!(held.next().is_none(), "{leases:?}");
        let ended = stores[1].release_job(id, worker, JobState::Done, None, time(15));
        assert!(good(ended.await));
    }
    let all = good(stores[0].jobs(&JobFilter::default(), 0, 10).await);
    assert_eq!(all.total, 3, "a job that was not opened is seen");
    names.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_takes_only_what_is_nobodys() {
    let names = Names::on(&test_server());
    let store: Arc<dyn Store> = Arc::new(names.store());
    create(&store, &["docs", "gone"]).await;
    put(&store, &old()).await;
    put(&store, &document("gone", "a", &["plum"])).await;
    good(store.add_job(&new_job("docs", "a", 1)).await);
    let token = entry(EntryKind::Token, "a");
    good(store.add_entry(&token, time(1)).await);
    let before = names.point_count().await;
    let sweeper = names.store();
    assert_eq!(good(sweeper.sweep().await), 0);
    assert_eq!(good(sweeper.sweep_older(Duration::ZERO).await), 0);
    assert_eq!(names.point_count().await, before);
    assert!(!assert_one(&store).await);
    good(store.delete_collection(&name("gone")).await);
    assert_eq!(good(sweeper.sweep_older(Duration::ZERO).await), 0);
    assert_eq!(good(store.entries(token.kind, time(1)).await), [token]);
    names.remove().await;
}

/// [`assert_whole`] beside another collection.
async fn assert_one(store: &Arc<dyn Store>) -> bool {
    let id = old().document.info.id;
    let found = good(store.document(id).await).expect("it is there");
    assert_eq!(found, kept(&old(), 1));
    assert_eq!(matching(store, "apple", &anything()).await.len(), 3);
    found.info.revision == 2
}
