//! How a database gets its schema, and when it does not.

use std::sync::Arc;

use rag_core::port::{EntryKind, Store, StoreError};
use rag_store::conformance::fixture::{create, document, entry, good, kept, put, time};
use rag_store::postgres::{Migrated, PostgresOptions, PostgresStore};
use tokio::task::JoinSet;

use super::database::{Fresh, number, run, variable};

/// What an error says with all of its causes.
pub(super) fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn many_may_make_the_schema_at_once() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let store = schema.store();
        tasks.spawn(async move {
            if task % 2 == 0 {
                let migrated = good(store.migrate().await);
                return u32::from(migrated == Migrated { from: 0, to: 2 });
            }
            assert_eq!(good(store.collections().await), []);
            0
        });
    }
    let mut makers = 0;
    while let Some(made) = tasks.join_next().await {
        makers += made.unwrap();
    }
    assert!(makers <= 1, "{makers} made it");
    // Once more there is nothing to do.
    let migrated = good(schema.store().migrate().await);
    assert_eq!(migrated, Migrated { from: 2, to: 2 });
    schema.remove().await;
}

#[tokio::test]
async fn a_store_that_may_not_migrate_says_what_to_do() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let store = PostgresStore::new(PostgresOptions {
        migrate: false,
        ..schema.options()
    });
    let store = store.unwrap();
    let error = store.collections().await.unwrap_err();
    assert!(chain(&error).contains("run `rag migrate`"), "{error:?}");
    good(schema.store().migrate().await);
    assert_eq!(good(store.collections().await), []);
    schema.remove().await;
}

#[tokio::test]
async fn a_schema_of_the_first_version_keeps_what_is_in_it() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let store: Arc<dyn Store> = Arc::new(schema.store());
    create(&store, &["docs"]).await;
    let made = document("docs", "a", &["one", "two"]);
    put(&store, &made).await;
    drop(store);
    let name = &schema.name;
    let first = format!("DROP TABLE {name}.entry; UPDATE {name}.schema_version SET number = 1");
    run(&schema.url, &first).await;

    let store = PostgresStore::new(PostgresOptions {
        migrate: false,
        ..schema.options()
    });
    let store: Arc<dyn Store> = Arc::new(store.unwrap());
    let told = chain(&store.collections().await.unwrap_err());
    assert!(told.contains("version 1, this program needs 2"), "{told}");
    let migrated = good(schema.store().migrate().await);
    assert_eq!(migrated, Migrated { from: 1, to: 2 });
    let found = good(store.document(made.document.info.id).await);
    assert_eq!(found, Some(kept(&made, 1)));
    let token = entry(EntryKind::Token, "a");
    assert_eq!(good(store.add_entry(&token, time(1)).await), None);
    assert_eq!(good(store.add_entry(&token, time(1)).await), Some(token));
    schema.remove().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    good(schema.store().migrate().await);
    let newer = format!("UPDATE {}.schema_version SET number = 99", schema.name);
    run(&schema.url, &newer).await;
    for result in [
        schema.store().collections().await.map(drop),
        schema.store().migrate().await.map(drop),
    ] {
        assert!(
            matches!(
                result,
                Err(StoreError::TooNew {
                    found: 99,
                    known: 2,
                    ..
                })
            ),
            "{result:?}"
        );
    }
    schema.remove().await;
}

#[tokio::test]
async fn a_schema_of_others_is_refused() {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let name = &schema.name;
    let theirs = format!("CREATE SCHEMA {name}; CREATE TABLE {name}.collection (theirs text)");
    run(&schema.url, &theirs).await;
    let error = schema.store().collections().await.unwrap_err();
    assert!(chain(&error).contains("another program"), "{error:?}");
    schema.remove().await;
}

/// A database of its own, removed by the next run where a test fails.
async fn database(name: &str, owner: &str) -> String {
    let url = variable("POSTGRES_TEST_URL");
    run(
        &url,
        &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
    )
    .await;
    run(
        &url,
        &format!(
            "DO $$ BEGIN CREATE ROLE {owner} LOGIN PASSWORD 'plain';
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        ),
    )
    .await;
    run(&url, &format!("CREATE DATABASE {name} OWNER {owner}")).await;
    let (_, address) = url.split_once('@').unwrap();
    let (server, _) = address.split_once('/').unwrap();
    format!("{server}/{name}")
}

#[tokio::test]
async fn a_missing_extension_is_explained() {
    let address = database("rag_without_vector", "rag_plain").await;
    let plain = format!("postgres://rag_plain:plain@{address}");
    let store = PostgresStore::new(PostgresOptions::new(&plain)).unwrap();
    let error = store.collections().await.unwrap_err();
    let told = chain(&error);
    assert!(told.contains("CREATE EXTENSION vector;"), "{told}");
    assert!(!told.contains(":plain"), "{told}");
    // Nothing is left behind, and once it is there, no right but that to a schema
    // of one's own is needed.
    assert_eq!(
        number(
            &plain,
            "SELECT count(*) FROM pg_namespace WHERE nspname = 'rag'"
        )
        .await,
        0
    );
    let superuser = format!("postgres://postgres:postgres@{address}");
    run(
        &superuser,
        "CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions;
         GRANT USAGE ON SCHEMA extensions TO rag_plain",
    )
    .await;
    let store: Arc<dyn Store> = Arc::new(store);
    create(&store, &["docs"]).await;
    let made = document("docs", "a", &["one", "two"]);
    put(&store, &made).await;
    let found = good(store.document(made.document.info.id).await);
    assert_eq!(found, Some(kept(&made, 1)));
}

#[tokio::test]
async fn tables_of_others_stay_as_they_are() {
    let address = database("rag_beside_others", "rag_plain").await;
    let url = format!("postgres://postgres:postgres@{address}");
    // As the first prior system has them.
    run(
        &url,
        "CREATE EXTENSION vector;
         CREATE TABLE collections (id serial PRIMARY KEY, name text UNIQUE NOT NULL);
         CREATE TABLE source_documents (id serial PRIMARY KEY, content text, metadata jsonb);
         CREATE TABLE document_chunks (id serial PRIMARY KEY,
             source_document_id integer REFERENCES source_documents (id),
             content text, embedding vector(3));
         INSERT INTO collections (name) VALUES ('docs');
         INSERT INTO source_documents (content, metadata) VALUES ('text', '{}');
         INSERT INTO document_chunks (source_document_id, content, embedding)
         VALUES (1, 'text', '[1,2,3]')",
    )
    .await;
    // What is said of the tables, and what is in them.
    let seen = "SELECT hashtext(string_agg(t, ',' ORDER BY t))::bigint FROM (
         SELECT c.oid::text || c.relname || c.relfilenode::text FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace
         UNION ALL SELECT c::text FROM collections c
         UNION ALL SELECT d::text FROM source_documents d
         UNION ALL SELECT k::text FROM document_chunks k) s (t)";
    let before = number(&url, seen).await;
    let store: Arc<dyn Store> = Arc::new(PostgresStore::new(PostgresOptions::new(&url)).unwrap());
    create(&store, &["docs"]).await;
    put(&store, &document("docs", "a", &["one", "two"])).await;
    good(store.delete_collection(&"docs".parse().unwrap()).await);
    assert_eq!(number(&url, seen).await, before);
}
