//! The suite on the embedded store.

use std::sync::Arc;

use rag_store::conformance::checks;
use rag_store::embedded::EmbeddedStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_conforms() {
    for check in checks() {
        eprintln!("{}", check.name);
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(&folder.path().join("store.db")).unwrap();
        check.run(Arc::new(store)).await;
    }
}
