//! Collections: adding, listing, describing and removing them.

use std::sync::Arc;

use rag_core::model::{Collection, EmbeddingSpace, Filter};
use rag_core::port::{DeletedCollection, Expect, Store, StoreError};

use super::fixture::{
    ODD_TEXT, anything, assert_no_collection, chunk_ref, collection, create, document, good,
    matching, metadata, name, put, space, time, vector, within,
};

pub(super) async fn that_are_not_there_are_named(store: Arc<dyn Store>) {
    create(&store, &["there"]).await;
    let (missing, nowhere) = (name("missing"), within(&["there", "missing"]));
    assert_no_collection(store.collection(&missing).await, "missing");
    assert_no_collection(store.describe_collection(&missing, "x").await, "missing");
    assert_no_collection(store.delete_collection(&missing).await, "missing");
    assert_no_collection(store.document_of_source(&missing, "a").await, "missing");
    assert_no_collection(store.documents(&nowhere, 0, 10).await, "missing");
    assert_no_collection(
        store.matching(&["a".to_owned()], &nowhere, 10).await,
        "missing",
    );
    let query = vector("a", space().dimensions);
    assert_no_collection(
        store.nearest(&space(), &query, &nowhere, 10).await,
        "missing",
    );
    let stray = document("missing", "a", &["a"]);
    assert_no_collection(
        store.put_document(&stray, &space(), Expect::Any).await,
        "missing",
    );
}

pub(super) async fn are_kept_whole(store: Arc<dyn Store>) {
    let whole = Collection {
        name: name("whole_1-x"),
        description: ODD_TEXT.to_owned(),
        metadata_schema: Some(metadata(r#"{"type": "object", "ü": [1, 2.5, null]}"#)),
        space: EmbeddingSpace {
            model: ODD_TEXT.to_owned(),
            dimensions: 3_072,
        },
        created_at: time(1_700_000_000),
    };
    good(store.create_collection(&whole).await);
    let found = good(store.collection(&whole.name).await);
    assert_eq!(found.collection, whole);
    assert_eq!((found.document_count, found.chunk_count), (0, 0));

    let other = Collection {
        description: "other".to_owned(),
        ..whole.clone()
    };
    let again = store.create_collection(&other).await;
    assert!(
        matches!(&again, Err(StoreError::CollectionExists(taken)) if *taken == whole.name),
        "{again:?}"
    );
    assert_eq!(good(store.collection(&whole.name).await).collection, whole);
}

pub(super) async fn are_listed_newest_first(store: Arc<dyn Store>) {
    assert_eq!(good(store.collections().await), []);
    for (name, seconds) in [
        ("old", 10),
        ("b", 20),
        ("new", 30),
        ("a", 20),
        ("ancient", -5),
    ] {
        let made = Collection {
            created_at: time(seconds),
            ..collection(name)
        };
        good(store.create_collection(&made).await);
    }
    let listed = good(store.collections().await);
    let names: Vec<&str> = listed
        .iter()
        .map(|info| info.collection.name.as_str())
        .collect();
    assert_eq!(names, ["new", "a", "b", "old", "ancient"]);
}

pub(super) async fn are_described_anew(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    good(store.describe_collection(&name("docs"), ODD_TEXT).await);
    let described = Collection {
        description: ODD_TEXT.to_owned(),
        ..collection("docs")
    };
    assert_eq!(
        good(store.collection(&name("docs")).await).collection,
        described
    );
    assert_eq!(
        good(store.collection(&name("other")).await).collection,
        collection("other")
    );
}

pub(super) async fn count_their_documents(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    let two = document("docs", "two", &["a", "b"]);
    let steps = [
        (Some(two.clone()), (1, 2)),
        (Some(document("docs", "three", &["c", "d", "e"])), (2, 5)),
        (Some(document("docs", "two", &["f"])), (2, 4)),
        (Some(document("other", "two", &["g"])), (2, 4)),
        (None, (1, 3)),
    ];
    for (step, expected) in steps {
        match step {
            Some(document) => {
                put(&store, &document).await;
            }
            None => {
                good(store.delete_document(two.document.info.id).await);
            }
        }
        let info = good(store.collection(&name("docs")).await);
        assert_eq!((info.document_count, info.chunk_count), expected);
        assert!(good(store.collections().await).contains(&info));
    }
    let status = good(store.status().await);
    let counts = (
        status.collection_count,
        status.document_count,
        status.chunk_count,
    );
    assert_eq!(counts, (2, 2, 4));
    assert!(!status.location.is_empty());
}

pub(super) async fn go_with_everything_in_them(store: Arc<dyn Store>) {
    create(&store, &["gone", "stays"]).await;
    let gone = [
        document("gone", "1", &["apple", "pear"]),
        document("gone", "2", &["plum"]),
    ];
    let stays = document("stays", "1", &["apple"]);
    for document in gone.iter().chain([&stays]) {
        put(&store, document).await;
    }
    // A search before, so that a store with an index in memory has it.
    assert_eq!(matching(&store, "apple plum", &anything()).await.len(), 3);

    let deleted = good(store.delete_collection(&name("gone")).await);
    assert_eq!(
        deleted,
        DeletedCollection {
            document_count: 2,
            chunk_count: 3
        }
    );
    assert_no_collection(store.collection(&name("gone")).await, "gone");
    for document in &gone {
        let id = document.document.info.id;
        assert_eq!(good(store.document(id).await), None);
        assert_eq!(good(store.chunks(id, 0, u32::MAX).await), []);
        assert_eq!(good(store.passages(&[chunk_ref(document, 0)]).await), []);
    }
    assert_eq!(
        good(store.vectors(&space(), &[gone[0].chunks[1].hash]).await),
        [None]
    );
    assert_eq!(matching(&store, "pear plum", &anything()).await, []);
    let query = vector("pear", space().dimensions);
    let nearest = good(
        store
            .nearest(&space(), &query, &Filter::default(), 10)
            .await,
    );
    assert_eq!(nearest.len(), 1, "only `stays` has a chunk left");
    assert_eq!(good(store.documents(&anything(), 0, 10).await).total, 1);

    // The name is free again, for another space too, and nothing is left in it.
    let space = EmbeddingSpace {
        model: "another".to_owned(),
        dimensions: 3,
    };
    let anew = Collection {
        space,
        ..collection("gone")
    };
    good(store.create_collection(&anew).await);
    let info = good(store.collection(&name("gone")).await);
    assert_eq!((info.collection, info.document_count), (anew, 0));
    assert_eq!(
        good(store.documents(&within(&["gone"]), 0, 10).await).total,
        0
    );
}
