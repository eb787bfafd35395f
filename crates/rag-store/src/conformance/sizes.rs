//! Nothing, very much, and more than is allowed.

use std::sync::Arc;

use rag_core::port::{LISTING_LIMIT_MAX, RANKING_LIMIT_MAX, Store};

use super::fixture::{
    DIMENSIONS, anything, chunk_ref, create, document, good, kept, matching, metadata, put, ranked,
    space, vector,
};

pub(super) async fn nothing_is_no_error(store: Arc<dyn Store>) {
    let query = vector("a", DIMENSIONS);
    for _ in 0..2 {
        let page = good(store.documents(&anything(), 0, 10).await);
        assert_eq!((page.documents, page.total), (vec![], 0));
        assert_eq!(
            good(store.nearest(&space(), &query, &anything(), 10).await),
            []
        );
        assert_eq!(matching(&store, "a", &anything()).await, []);
        assert_eq!(matching(&store, "", &anything()).await, []);
        assert_eq!(good(store.similarities(&space(), &query, &[]).await), []);
        assert_eq!(good(store.passages(&[]).await), []);
        assert_eq!(
            good(store.vectors(&space(), &[]).await),
            Vec::<Option<Vec<f32>>>::new()
        );
        // Again with a collection that has nothing in it.
        if good(store.collections().await).is_empty() {
            create(&store, &["docs"]).await;
        }
    }
}

pub(super) async fn a_large_document_is_kept(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let filler = "ä".repeat(100);
    let texts: Vec<String> = (0..5_000)
        .map(|number| format!("w{number} {filler}"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut large = document("docs", "large", &texts);
    assert!(large.document.text.len() > 1_000_000);
    large.document.info.metadata = metadata(&format!(r#"{{"long": "{}"}}"#, "x".repeat(100_000)));
    put(&store, &document("docs", "small", &["w1"])).await;
    put(&store, &large).await;
    let id = large.document.info.id;
    assert_eq!(good(store.document(id).await), Some(kept(&large, 1)));
    let chunks = good(store.chunks(id, 0, u32::MAX).await);
    assert!(
        chunks
            .iter()
            .eq(large.chunks.iter().map(|chunk| &chunk.chunk))
    );
    let found = matching(&store, "w4999", &anything()).await;
    assert_eq!(ranked(&found), [chunk_ref(&large, 4_999)]);
    let nearest = store
        .nearest(&space(), &large.chunks[4_321].vector, &anything(), 1)
        .await;
    assert_eq!(ranked(&good(nearest)), [chunk_ref(&large, 4_321)]);
    // Thousands of terms in one query.
    let terms: Vec<String> = (0..2_000).map(|number| format!("w{number}")).collect();
    let found = good(store.matching(&terms, &anything(), usize::MAX).await);
    assert_eq!(found.len(), RANKING_LIMIT_MAX);
    put(&store, &document("docs", "large", &["tiny"])).await;
    assert_eq!(good(store.status().await).chunk_count, 2);
    assert_eq!(matching(&store, "w4999", &anything()).await, []);
}

pub(super) async fn limits_are_cut(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let texts: Vec<String> = (0..RANKING_LIMIT_MAX + 9)
        .map(|number| format!("w {number}"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    put(&store, &document("docs", "a", &texts)).await;
    let query = vector("w", DIMENSIONS);
    for limit in [RANKING_LIMIT_MAX, RANKING_LIMIT_MAX + 1, usize::MAX] {
        let nearest = good(store.nearest(&space(), &query, &anything(), limit).await);
        let matching = good(store.matching(&["w".to_owned()], &anything(), limit).await);
        for found in [nearest, matching] {
            assert_eq!(found.len(), RANKING_LIMIT_MAX);
        }
    }
    let page = good(store.documents(&anything(), 0, LISTING_LIMIT_MAX + 1).await);
    assert_eq!(page.documents.len(), 1);
}
