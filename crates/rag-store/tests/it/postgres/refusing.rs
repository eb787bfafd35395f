//! What cannot be done is told: by whom, and what would help.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rag_core::model::{Collection, EmbeddingSpace, ItemState, JobItem};
use rag_core::port::{Expect, Lease, Store, StoreError};
use rag_store::conformance::fixture::{
    anything, collection, create, document, good, kept, matching, metadata, name, new_job, put,
    space, time,
};
use rag_store::postgres::{PostgresOptions, PostgresStore};

use super::database::{Fresh, connect, variable};
use super::migrating::chain;

#[tokio::test]
async fn a_wrong_address_is_told_at_once_and_without_secrets() {
    let url = variable("POSTGRES_TEST_URL");
    for (url, told) in [
        (
            url.replace("postgres:postgres@", "postgres:sesame@"),
            "hint: check user and password",
        ),
        (format!("{url}_nowhere"), "hint: create the database"),
    ] {
        let store = PostgresStore::new(PostgresOptions::new(url)).unwrap();
        let started = Instant::now();
        let error = store.status().await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(5));
        let chain = chain(&error);
        assert!(chain.contains(told), "{chain}");
        assert!(
            chain.contains("reach the database at postgres://127.0.0.1"),
            "{chain}"
        );
        for shown in [chain, format!("{error:?}"), format!("{store:?}")] {
            assert!(!shown.contains("sesame"), "{shown}");
            assert!(!shown.contains("postgres:postgres"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_waited_for_and_told() {
    // Nobody listens there.
    let store = PostgresStore::new(PostgresOptions {
        retry_for: Duration::from_millis(500),
        ..PostgresOptions::new("postgres://postgres@127.0.0.1:9/postgres")
    });
    let store = store.unwrap();
    let started = Instant::now();
    let told = chain(&store.status().await.unwrap_err());
    let waited = started.elapsed();
    assert!(
        told.contains("reach the database at postgres://127.0.0.1:9"),
        "{told}"
    );
    assert!(told.to_lowercase().contains("refused"), "{told}");
    assert!((100..5_000).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn too_few_connections_are_told_with_the_setting() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let store: Arc<dyn Store> = Arc::new(
        PostgresStore::new(PostgresOptions {
            connections_max: 1,
            acquire_timeout: Duration::from_millis(300),
            statement_timeout: Duration::from_secs(2),
            ..schema.options()
        })
        .unwrap(),
    );
    create(&store, &["docs"]).await;
    let mut holder = connect(&schema.url).await;
    let lock = format!("BEGIN; LOCK TABLE {}.document", schema.name);
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock))
        .execute(&mut holder)
        .await
        .unwrap();
    let waiting = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let made = document("docs", "a", &["one"]);
            store.put_document(&made, &space(), Expect::Any).await
        })
    };
    // Until the only connection waits for the lock.
    let told = loop {
        match store.collections().await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break chain(&error),
        }
    };
    assert!(told.contains("all 1 connections were in use"), "{told}");
    assert!(told.contains("RAG_DB_CONNECTIONS"), "{told}");
    // The lock is waited for as long as a statement may take, no longer.
    let told = chain(&waiting.await.unwrap().unwrap_err());
    assert!(told.contains("`statement_timeout`"), "{told}");
    drop(holder);
    put(&store, &document("docs", "a", &["one"])).await;
    schema.remove().await;
}

#[tokio::test]
async fn dimensions_that_cannot_be_kept_are_told() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let store = schema.store();
    for (dimensions, is_kept) in [(0, false), (1, true), (16_000, true), (16_001, false)] {
        let made = Collection {
            space: EmbeddingSpace {
                dimensions,
                ..space()
            },
            ..collection(&format!("c{dimensions}"))
        };
        match store.create_collection(&made).await {
            Ok(()) => assert!(is_kept, "{dimensions}"),
            Err(error) => {
                assert!(!is_kept, "{error:?}");
                assert!(chain(&error).contains("1 to 16000"), "{error:?}");
            }
        }
    }
    schema.remove().await;
}

#[tokio::test]
async fn texts_with_every_character_are_kept() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let store: Arc<dyn Store> = Arc::new(schema.store());
    create(&store, &["docs"]).await;
    let odd = "nul \0 and \u{10ffff} and \u{10ffff}0 end";
    let mut made = document("docs", odd, &[odd, "plain"]);
    made.document.info.title = odd.to_owned();
    made.document.info.metadata = metadata(r#"{"k\u0000": "v\u0000"}"#);
    made.chunks[0].chunk.heading_path = vec![odd.to_owned()];
    put(&store, &made).await;
    let id = made.document.info.id;
    assert_eq!(good(store.document(id).await), Some(kept(&made, 1)));
    let chunks = good(store.chunks(id, 0, 9).await);
    assert_eq!(chunks[0], made.chunks[0].chunk);
    let of_source = good(store.document_of_source(&name("docs"), odd).await);
    assert_eq!(of_source.map(|info| info.id), Some(id));
    good(store.describe_collection(&name("docs"), odd).await);
    assert_eq!(
        good(store.collection(&name("docs")).await)
            .collection
            .description,
        odd
    );

    let mut new = new_job("docs", odd, 1);
    new.request = serde_json::json!({ "odd": odd });
    let (job, _) = good(store.add_job(&new).await);
    assert_eq!(job.new, new);
    let lease = store.lease_job(job.id, odd, time(1), time(9)).await;
    assert_eq!(good(lease), Lease::Held);
    let item = JobItem {
        state: ItemState::Failed,
        reason: Some(odd.to_owned()),
        parent: Some(odd.to_owned()),
        ..JobItem::pending(odd)
    };
    let items = [item];
    assert!(good(store.put_job_items(job.id, odd, &items).await));
    assert_eq!(good(store.job_items(job.id, None, 0, 9).await), items);
    schema.remove().await;
}

#[tokio::test]
async fn a_source_longer_than_an_index_takes_is_kept() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let store: Arc<dyn Store> = Arc::new(schema.store());
    create(&store, &["docs"]).await;
    // Nothing that could be made shorter.
    let long: String = (0..5_000).map(|number| format!("{number:x}/")).collect();
    let made = document("docs", &format!("https://example.org/{long}"), &["one"]);
    put(&store, &made).await;
    let id = made.document.info.id;
    assert_eq!(good(store.document(id).await), Some(kept(&made, 1)));
    assert_eq!(matching(&store, "one", &anything()).await.len(), 1);
    let conflict = store.put_document(&made, &space(), Expect::Absent).await;
    assert!(
        matches!(conflict, Err(StoreError::Conflict { found: Some(1) })),
        "{conflict:?}"
    );
    schema.remove().await;
}
