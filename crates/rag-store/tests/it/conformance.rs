//! The suite on each store.

use std::sync::Arc;

use rag_store::conformance::checks;
use rag_store::embedded::EmbeddedStore;

use crate::double::{Names, test_server};
use crate::postgres::database::Fresh;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_conforms() {
    for check in checks() {
        eprintln!("{}", check.name);
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(&folder.path().join("store.db")).unwrap();
        check.run(Arc::new(store)).await;
    }
}

/// Runs the suite on the database that the variable `name` names, each check in
/// a schema of its own.
async fn the_postgres_store_conforms(name: &str) {
    for check in checks() {
        eprintln!("{}", check.name);
        let schema = Fresh::named_by(name).await;
        check.run(Arc::new(schema.store())).await;
        schema.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_conforms_on_16() {
    the_postgres_store_conforms("POSTGRES_TEST_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_conforms_on_18() {
    the_postgres_store_conforms("POSTGRES18_TEST_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_conforms_through_a_pooler() {
    the_postgres_store_conforms("PGBOUNCER_TEST_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_qdrant_store_conforms() {
    let url = test_server();
    for check in checks() {
        eprintln!("{}", check.name);
        let names = Names::on(&url);
        check.run(Arc::new(names.store())).await;
        names.remove().await;
    }
}
