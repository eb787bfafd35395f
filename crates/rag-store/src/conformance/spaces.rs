//! Two embedding spaces: staging, switching there and back, dropping.

use std::sync::Arc;

use rag_core::model::{DocumentId, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{Expect, StagedSpace, Store, StoreError, WholeDocument};

use super::fixture::{
    anything, assert_no_collection, chunk_ref, create, document, good, kept, matching, name, put,
    ranked, space, vector,
};

/// The space that collections move to.
fn other_space() -> EmbeddingSpace {
    EmbeddingSpace {
        model: "other".to_owned(),
        dimensions: 12,
    }
}

/// A document of the suite cut into `texts`, whose vectors are of [`other_space`].
fn in_other_space(source_uri: &str, texts: &[&str], revision: u64) -> EmbeddedDocument {
    let mut made = document("docs", source_uri, texts);
    made.document.info.revision = revision;
    for chunk in &mut made.chunks {
        chunk.vector = vector(&chunk.chunk.text, other_space().dimensions);
    }
    made
}

async fn stage(store: &Arc<dyn Store>, document: &EmbeddedDocument) -> bool {
    good(store.stage_document(document, &other_space()).await)
}

async fn unstaged(store: &Arc<dyn Store>, space: &EmbeddingSpace) -> Vec<DocumentId> {
    let docs = name("docs");
    good(store.unstaged_documents(&docs, space, None, 100).await)
}

async fn switch(store: &Arc<dyn Store>, space: &EmbeddingSpace) -> bool {
    good(store.switch_space(&name("docs"), space).await)
}

async fn staged(store: &Arc<dyn Store>) -> Vec<StagedSpace> {
    good(store.staged_spaces(&name("docs")).await)
}

fn staged_in(space: EmbeddingSpace, document_count: u64) -> Vec<StagedSpace> {
    vec![StagedSpace {
        space,
        document_count,
    }]
}

/// What `whole_document` gives of `document` in `space` at `revision`.
fn whole(document: &EmbeddedDocument, space: EmbeddingSpace, revision: u64) -> WholeDocument {
    let chunks = document.chunks.iter();
    WholeDocument {
        document: kept(document, revision),
        space,
        chunks: chunks
            .map(|chunk| (chunk.chunk.clone(), chunk.vector.clone()))
            .collect(),
    }
}

/// How many chunks are found in `space`, by nearness.
async fn found_in(store: &Arc<dyn Store>, space: &EmbeddingSpace) -> usize {
    let query = vector("query", space.dimensions);
    good(store.nearest(space, &query, &anything(), 100).await).len()
}

pub(super) async fn what_is_staged_is_not_found(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let made = document("docs", "a", &["apple pear", "plum"]);
    put(&store, &made).await;
    let recut = in_other_space("a", &["apple pear\nplum"], 1);
    assert_eq!(unstaged(&store, &other_space()).await, [recut_id(&recut)]);
    // Twice is once.
    for _ in 0..2 {
        assert!(stage(&store, &recut).await);
        assert_eq!(staged(&store).await, staged_in(other_space(), 1));
        assert_eq!(unstaged(&store, &other_space()).await, []);
        let id = recut_id(&recut);
        let found = good(store.whole_document(id).await);
        assert_eq!(found, Some(whole(&made, space(), 1)));
        let found = matching(&store, "plum", &anything()).await;
        assert_eq!(ranked(&found), [chunk_ref(&made, 1)]);
        assert_eq!(found_in(&store, &space()).await, 2);
        assert_eq!(found_in(&store, &other_space()).await, 0);
        let info = good(store.collection(&name("docs")).await);
        assert_eq!((info.document_count, info.chunk_count), (1, 2));
        let staged = chunk_ref(&made, 0);
        let query = vector("apple", other_space().dimensions);
        let similar = store.similarities(&other_space(), &query, &[staged]).await;
        assert_eq!(good(similar), [None]);
    }
    // Vectors are known by their space, wherever they are.
    let hashes = [recut.chunks[0].hash, made.chunks[0].hash];
    let expected = [Some(recut.chunks[0].vector.clone()), None];
    assert_eq!(good(store.vectors(&other_space(), &hashes).await), expected);
    let expected = [None, Some(made.chunks[0].vector.clone())];
    assert_eq!(good(store.vectors(&space(), &hashes).await), expected);
}

fn recut_id(document: &EmbeddedDocument) -> DocumentId {
    document.document.info.id
}

pub(super) async fn are_switched_when_all_is_staged(store: Arc<dyn Store>) {
    create(&store, &["docs", "others"]).await;
    let made = [
        document("docs", "a", &["apple pear", "plum"]),
        document("docs", "b", &["cherry"]),
        document("docs", "empty", &[]),
    ];
    for document in &made {
        put(&store, document).await;
    }
    put(&store, &document("others", "a", &["apple"])).await;
    let recut = [
        in_other_space("a", &["apple pear\nplum"], 1),
        in_other_space("b", &["cherry"], 1),
        in_other_space("empty", &[], 1),
    ];
    for document in &recut {
        assert!(!switch(&store, &other_space()).await, "not all is staged");
        assert_eq!(found_in(&store, &space()).await, 4);
        assert!(stage(&store, document).await);
    }
    // Before a search and after it, for stores that keep an index in memory;
    // there and back, and there again.
    for round in 0..2 {
        assert!(switch(&store, &other_space()).await);
        assert!(switch(&store, &other_space()).await, "it is there already");
        assert_eq!(staged(&store).await, staged_in(space(), 3));
        assert_eq!(found_in(&store, &other_space()).await, 2);
        assert_eq!(found_in(&store, &space()).await, 1, "round {round}");
        let plums = matching(&store, "plum", &anything()).await;
        assert_eq!(ranked(&plums), [chunk_ref(&recut[0], 0)]);
        for document in &recut {
            let found = good(store.whole_document(recut_id(document)).await);
            assert_eq!(found, Some(whole(document, other_space(), 1)));
        }
        let info = good(store.collection(&name("docs")).await);
        assert_eq!((info.document_count, info.chunk_count), (3, 2));
        assert_eq!(info.collection.space, other_space());

        assert!(switch(&store, &space()).await);
        assert_eq!(staged(&store).await, staged_in(other_space(), 3));
        assert_eq!(found_in(&store, &space()).await, 4);
        assert_eq!(found_in(&store, &other_space()).await, 0);
        let plums = matching(&store, "plum", &anything()).await;
        assert_eq!(ranked(&plums), [chunk_ref(&made[0], 1)]);
        for document in &made {
            let found = good(store.whole_document(recut_id(document)).await);
            assert_eq!(found, Some(whole(document, space(), 1)));
        }
        let info = good(store.collection(&name("docs")).await);
        assert_eq!((info.document_count, info.chunk_count), (3, 3));
    }
    assert!(switch(&store, &other_space()).await);
    let refused = store.put_document(&made[0], &space(), Expect::Any).await;
    assert!(
        matches!(refused, Err(StoreError::WrongSpace { .. })),
        "{refused:?}"
    );
}

pub(super) async fn are_put_into_after_a_switch(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    put(&store, &document("docs", "a", &["apple"])).await;
    assert!(stage(&store, &in_other_space("a", &["apple"], 1)).await);
    assert!(switch(&store, &other_space()).await);
    let new = in_other_space("new", &["quince", "grape"], 0);
    let outcome = store
        .put_document(&new, &other_space(), Expect::Absent)
        .await;
    assert_eq!(good(outcome).revision, 1);
    assert_eq!(found_in(&store, &other_space()).await, 3);
    // What was put in since has no chunks to switch back to.
    assert_eq!(unstaged(&store, &space()).await, [recut_id(&new)]);
    assert!(!switch(&store, &space()).await);
    let mut back = document("docs", "new", &["quince", "grape"]);
    back.document.info.revision = 1;
    assert!(good(store.stage_document(&back, &space()).await));
    assert!(switch(&store, &space()).await);
    assert_eq!(found_in(&store, &space()).await, 3);
    assert_eq!(matching(&store, "grape", &anything()).await.len(), 1);
}

pub(super) async fn lose_what_is_staged_of_changed_documents(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    put(&store, &document("docs", "a", &["apple", "pear"])).await;
    put(&store, &document("docs", "b", &["plum"])).await;
    for (source, texts) in [("a", &["apple", "pear"][..]), ("b", &["plum"])] {
        assert!(stage(&store, &in_other_space(source, texts, 1)).await);
    }
    let replaced = document("docs", "a", &["quince"]);
    put(&store, &replaced).await;
    assert_eq!(staged(&store).await, staged_in(other_space(), 1));
    assert_eq!(
        unstaged(&store, &other_space()).await,
        [recut_id(&replaced)]
    );
    assert!(!switch(&store, &other_space()).await);
    // What was made of the revision before comes too late.
    assert!(!stage(&store, &in_other_space("a", &["apple", "pear"], 1)).await);
    assert!(stage(&store, &in_other_space("a", &["quince"], 2)).await);

    let gone = recut_id(&document("docs", "b", &["plum"]));
    good(store.delete_document(gone).await);
    assert_eq!(staged(&store).await, staged_in(other_space(), 1));
    assert!(!stage(&store, &in_other_space("b", &["plum"], 1)).await);
    assert!(switch(&store, &other_space()).await);
    assert_eq!(found_in(&store, &other_space()).await, 1);
    assert_eq!(matching(&store, "plum", &anything()).await, []);

    good(store.delete_collection(&name("docs")).await);
    create(&store, &["docs"]).await;
    assert_eq!(staged(&store).await, []);
    let hash = replaced.chunks[0].hash;
    assert_eq!(good(store.vectors(&space(), &[hash]).await), [None]);
}

pub(super) async fn are_dropped(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let made = document("docs", "a", &["apple", "pear"]);
    put(&store, &made).await;
    assert_eq!(good(store.drop_staged(&name("docs")).await), 0);
    let recut = in_other_space("a", &["apple\npear"], 1);
    assert!(stage(&store, &recut).await);
    assert_eq!(good(store.drop_staged(&name("docs")).await), 1);
    assert_eq!(staged(&store).await, []);
    assert!(!switch(&store, &other_space()).await);
    let hash = recut.chunks[0].hash;
    assert_eq!(good(store.vectors(&other_space(), &[hash]).await), [None]);

    // After a switch, what was found before is what is dropped.
    assert!(stage(&store, &recut).await);
    assert!(switch(&store, &other_space()).await);
    assert_eq!(good(store.drop_staged(&name("docs")).await), 1);
    assert!(!switch(&store, &space()).await);
    assert_eq!(found_in(&store, &other_space()).await, 1);
    let found = good(store.whole_document(recut_id(&made)).await);
    assert_eq!(found, Some(whole(&recut, other_space(), 1)));
}

pub(super) async fn refuse_what_does_not_fit(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let made = document("docs", "a", &["apple"]);
    put(&store, &made).await;
    let refused = store.stage_document(&made, &other_space()).await;
    assert!(
        matches!(&refused, Err(StoreError::WrongSpace { expected, got, .. })
            if *expected == other_space() && got.dimensions == space().dimensions),
        "{refused:?}"
    );
    // Its own space needs no staging, and nothing is missing in it.
    let mut own = made.clone();
    own.document.info.revision = 1;
    assert!(!good(store.stage_document(&own, &space()).await));
    assert_eq!(unstaged(&store, &space()).await, []);
    assert!(switch(&store, &space()).await);

    let missing = name("missing");
    let stray = EmbeddedDocument {
        document: document("missing", "a", &["apple"]).document,
        chunks: Vec::new(),
    };
    assert_no_collection(store.stage_document(&stray, &space()).await, "missing");
    assert_no_collection(store.staged_spaces(&missing).await, "missing");
    let unstaged = store.unstaged_documents(&missing, &space(), None, 1).await;
    assert_no_collection(unstaged, "missing");
    assert_no_collection(store.switch_space(&missing, &space()).await, "missing");
    assert_no_collection(store.drop_staged(&missing).await, "missing");
    // A collection without documents has nothing to stage.
    create(&store, &["empty"]).await;
    assert!(good(
        store.switch_space(&name("empty"), &other_space()).await
    ));
}

pub(super) async fn name_documents_by_id(store: Arc<dyn Store>) {
    create(&store, &["docs", "others"]).await;
    let mut ids: Vec<DocumentId> = Vec::new();
    for number in 0..25 {
        let made = document("docs", &number.to_string(), &["text"]);
        ids.push(recut_id(&made));
        put(&store, &made).await;
    }
    put(&store, &document("others", "a", &["text"])).await;
    ids.sort_unstable();
    let docs = name("docs");
    let mut named = Vec::new();
    loop {
        let after = named.last().copied();
        let page = good(store.document_ids(&docs, after, 10).await);
        let missing = store
            .unstaged_documents(&docs, &other_space(), after, 10)
            .await;
        assert_eq!(good(missing), page);
        if page.is_empty() {
            break;
        }
        named.extend(page);
    }
    assert_eq!(named, ids);
    assert_eq!(good(store.document_ids(&docs, None, 0).await), []);
    assert_no_collection(
        store.document_ids(&name("missing"), None, 1).await,
        "missing",
    );
    assert_eq!(good(store.whole_document(missing_id()).await), None);
}

fn missing_id() -> DocumentId {
    recut_id(&document("docs", "nowhere", &[]))
}
