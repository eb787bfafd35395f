//! Listings: their order, their pages and what they are narrowed to.

use std::sync::Arc;

use rag_core::model::{DocumentId, EmbeddedDocument, Filter, contains};
use rag_core::port::{LISTING_LIMIT_MAX, Store};

use super::fixture::{
    anything, create, document, good, kept, matching, metadata, put, space, time, vector, within,
};

/// The ids of a page.
async fn ids(
    store: &Arc<dyn Store>,
    filter: &Filter,
    offset: usize,
    limit: usize,
) -> Vec<DocumentId> {
    let page = good(store.documents(filter, offset, limit).await);
    page.documents.iter().map(|document| document.id).collect()
}

pub(super) async fn is_ordered_and_has_no_gaps(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    let mut documents = Vec::new();
    for number in 0..23 {
        let collection = if number % 4 == 0 { "other" } else { "docs" };
        let mut made = document(collection, &format!("{number}"), &["text"]);
        // Several share a time, and the newest are not the last put in.
        made.document.info.updated_at = time(number * 7 % 5);
        put(&store, &made).await;
        documents.push(kept(&made, 1).info);
    }
    documents.sort_by_key(|info| (std::cmp::Reverse(info.updated_at), info.id));
    let all = good(store.documents(&anything(), 0, LISTING_LIMIT_MAX).await);
    assert_eq!((all.documents, all.total), (documents.clone(), 23));

    for size in [1, 2, 5, 22, 23, 24, 1_000, usize::MAX] {
        let mut paged = Vec::new();
        let mut offset = 0;
        while offset < 23 {
            let page = good(store.documents(&anything(), offset, size).await);
            assert_eq!(page.total, 23);
            paged.extend(page.documents);
            offset = offset.saturating_add(size);
        }
        assert_eq!(paged, documents, "pages of {size}");
    }
    for (offset, limit) in [
        (0, 0),
        (23, 10),
        (5, 0),
        (usize::MAX, 10),
        (usize::MAX, usize::MAX),
    ] {
        let page = good(store.documents(&anything(), offset, limit).await);
        assert_eq!(
            (page.documents, page.total),
            (vec![], 23),
            "{offset}, {limit}"
        );
    }
}

pub(super) async fn is_narrowed_to_collections(store: Arc<dyn Store>) {
    create(&store, &["a", "b", "c"]).await;
    for (number, collection) in ["a", "a", "b", "c"].into_iter().enumerate() {
        put(
            &store,
            &document(collection, &format!("{number}"), &["text"]),
        )
        .await;
    }
    for (collections, expected) in [
        (&[][..], 4),
        (&["a"], 2),
        (&["b"], 1),
        (&["a", "c"], 3),
        (&["a", "a"], 2),
        (&["a", "b", "c"], 4),
    ] {
        let filter = within(collections);
        let page = good(store.documents(&filter, 0, 10).await);
        assert_eq!(page.total, expected, "{collections:?}");
        assert_eq!(page.documents.len() as u64, expected, "{collections:?}");
        let allowed = |text: &str| collections.is_empty() || collections.contains(&text);
        assert!(
            page.documents
                .iter()
                .all(|found| allowed(found.collection.as_str()))
        );
    }
}

/// Metadata that documents have, and that filters ask for.
const HAVE: [&str; 14] = [
    r"{}",
    r#"{"lang": "de"}"#,
    r#"{"lang": "en", "year": 2024}"#,
    r#"{"lang": ["de", "en"], "year": 2024.0}"#,
    r#"{"lang": null}"#,
    r#"{"lang": "null", "year": "2024"}"#,
    r#"{"tags": ["x", "y"], "on": true}"#,
    r#"{"tags": [["x"], "y"], "on": false}"#,
    r#"{"tags": [], "on": "true"}"#,
    r#"{"deep": {"a": {"b": 1}, "l": [{"k": 1, "m": "v"}, {"k": 2}]}}"#,
    r#"{"deep": {"a": {"b": [1, 2]}, "l": {"k": 1}}}"#,
    r#"{"deep": {"a": {}}, "lang": {"de": true}}"#,
    r#"{"a.b": "dot", "a": {"b": "nested"}, "": "empty", "[]": "brackets"}"#,
    r#"{"ü": "日本", "quote\"'": "%_\\", "big": 9007199254740993, "zero": -0.0}"#,
];

/// More that filters ask for.
const WANTED: [&str; 22] = [
    r#"{"lang": "en"}"#,
    r#"{"year": 2024}"#,
    r#"{"year": 2024, "lang": "en"}"#,
    r#"{"year": 2024.5}"#,
    r#"{"tags": "x"}"#,
    r#"{"tags": "y"}"#,
    r#"{"tags": ["y"]}"#,
    r#"{"tags": ["y", "x"]}"#,
    r#"{"tags": [["x"]]}"#,
    r#"{"tags": ["z"]}"#,
    r#"{"on": true}"#,
    r#"{"deep": {}}"#,
    r#"{"deep": {"a": {"b": 1}}}"#,
    r#"{"deep": {"a": {"b": 2}}}"#,
    r#"{"deep": {"l": [{"k": 1}]}}"#,
    r#"{"deep": {"l": [{"k": 2, "m": "v"}]}}"#,
    r#"{"deep": {"l": {"k": 1}}}"#,
    r#"{"missing": null}"#,
    r#"{"lang": {"de": true}}"#,
    r#"{"a": {"b": "dot"}}"#,
    r#"{"ü": "日本"}"#,
    r#"{"zero": 0}"#,
];

pub(super) async fn is_narrowed_by_metadata(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    let mut documents: Vec<EmbeddedDocument> = Vec::new();
    for (number, have) in (0..).zip(HAVE.iter().chain(&HAVE)) {
        let collection = if number < 14 { "docs" } else { "other" };
        let mut made = document(collection, &format!("{number}"), &["text one", "text two"]);
        made.document.info.metadata = metadata(have);
        made.document.info.updated_at = time(100 - number);
        put(&store, &made).await;
        documents.push(made);
    }
    // What a replaced document had no longer counts.
    documents[1].document.info.metadata = metadata(r#"{"lang": "fr"}"#);
    put(&store, &documents[1]).await;

    let query = vector("text", space().dimensions);
    for wanted in HAVE.iter().chain(&WANTED).map(|text| metadata(text)) {
        for collections in [&[][..], &["docs"], &["docs", "other"]] {
            let filter = Filter {
                metadata: wanted.clone(),
                ..within(collections)
            };
            let passes = |made: &&EmbeddedDocument| {
                let info = &made.document.info;
                let is_within =
                    collections.is_empty() || filter.collections.contains(&info.collection);
                is_within && contains(&info.metadata, &wanted)
            };
            let expected: Vec<DocumentId> = documents
                .iter()
                .filter(passes)
                .map(|made| made.document.info.id)
                .collect();
            assert_eq!(ids(&store, &filter, 0, 100).await, expected, "{filter:?}");
            let some: Vec<_> = expected.iter().copied().skip(1).take(2).collect();
            assert_eq!(ids(&store, &filter, 1, 2).await, some, "{filter:?}");
            let total = good(store.documents(&filter, 0, 0).await).total;
            assert_eq!(total, expected.len() as u64, "{filter:?}");

            let mut expected = expected.clone();
            expected.sort_unstable();
            let nearest = good(store.nearest(&space(), &query, &filter, 1_000).await);
            for found in [nearest, matching(&store, "text", &filter).await] {
                assert_eq!(found.len(), 2 * expected.len(), "{filter:?}");
                let mut found: Vec<_> = found.iter().map(|score| score.chunk.document).collect();
                found.sort_unstable();
                found.dedup();
                assert_eq!(found, expected, "{filter:?}");
            }
        }
    }
}
