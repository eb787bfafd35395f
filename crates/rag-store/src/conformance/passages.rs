//! Chunks that are named, and vectors by the hash of their text.

use std::sync::Arc;

use rag_core::model::{ChunkRef, ContentHash, DocumentId, EmbeddingSpace};
use rag_core::port::Store;

use super::fixture::{
    DIMENSIONS, chunk_ref, create, document, good, kept, metadata, name, put, space, vector,
};

pub(super) async fn come_in_the_order_asked(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let mut one = document("docs", "one", &["a", "b", "c"]);
    one.document.info.metadata = metadata(r#"{"k": ["v"]}"#);
    one.chunks[2].chunk.heading_path = vec!["Top".to_owned(), "Sub".to_owned()];
    let two = document("docs", "two", &["d"]);
    put(&store, &one).await;
    put(&store, &two).await;
    let nobody = DocumentId::derive(&name("docs"), "nobody", 0);
    let asked = [
        chunk_ref(&one, 2),
        ChunkRef {
            document: nobody,
            index: 0,
        },
        chunk_ref(&two, 0),
        chunk_ref(&one, 3),
        chunk_ref(&one, 0),
        chunk_ref(&one, u32::MAX),
        chunk_ref(&one, 2),
    ];
    let passages = good(store.passages(&asked).await);
    let expected = [(&one, 2), (&two, 0), (&one, 0), (&one, 2)];
    assert_eq!(passages.len(), expected.len());
    for (passage, (document, index)) in passages.into_iter().zip(expected) {
        assert_eq!(passage.document, kept(document, 1).info);
        assert_eq!(passage.chunk, document.chunks[index].chunk);
    }
}

pub(super) async fn similarities_come_in_the_order_asked(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let one = document("docs", "one", &["a", "b"]);
    let two = document("docs", "two", &["c"]);
    put(&store, &one).await;
    put(&store, &two).await;
    let asked = [
        chunk_ref(&two, 0),
        chunk_ref(&one, 7),
        chunk_ref(&one, 1),
        chunk_ref(&one, 0),
    ];
    let query = vector("b", DIMENSIONS);
    let found = good(store.similarities(&space(), &query, &asked).await);
    let dot = |text: &str| -> f32 {
        query
            .iter()
            .zip(vector(text, DIMENSIONS))
            .map(|(a, b)| a * b)
            .sum()
    };
    let expected = [Some(dot("c")), None, Some(1.0), Some(dot("a"))];
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.into_iter().zip(expected) {
        match (found, expected) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-5),
            (found, expected) => assert_eq!(found, expected),
        }
    }
}

pub(super) async fn vectors_are_found_by_hash(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    put(&store, &document("docs", "one", &["a", "b"])).await;
    put(&store, &document("other", "two", &["b", "c"])).await;
    let asked = ["c", "nowhere", "a", "b", "a"].map(ContentHash::of);
    let found = good(store.vectors(&space(), &asked).await);
    let expected = [Some("c"), None, Some("a"), Some("b"), Some("a")];
    let expected = expected.map(|text| text.map(|text| vector(text, DIMENSIONS)));
    assert_eq!(found, expected);
    for other in [
        EmbeddingSpace {
            model: "another".to_owned(),
            ..space()
        },
        EmbeddingSpace {
            dimensions: 9,
            ..space()
        },
    ] {
        assert_eq!(
            good(store.vectors(&other, &asked).await),
            [const { None::<Vec<f32>> }; 5]
        );
    }
    // One document that has the text is enough.
    good(store.delete_collection(&name("docs")).await);
    let found = good(store.vectors(&space(), &asked).await);
    let known: Vec<bool> = found.iter().map(Option::is_some).collect();
    assert_eq!(known, [true, false, false, true, false]);
}
