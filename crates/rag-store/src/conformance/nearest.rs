//! The ranking by vectors.

use std::sync::Arc;

use rag_core::model::{Collection, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{ChunkScore, Store};

use super::fixture::{
    DIMENSIONS, anything, collection, create, document, good, put, ranked, space, vector, within,
};

/// Twelve documents in two collections; two chunks of each have the same text
/// as two of the next, so that scores tie.
async fn filled(store: &Arc<dyn Store>) -> Vec<EmbeddedDocument> {
    create(store, &["even", "odd"]).await;
    let mut documents = Vec::new();
    for number in 0..12 {
        let collection = if number % 2 == 0 { "even" } else { "odd" };
        let texts: Vec<String> = (0..8)
            .map(|text| format!("text {}", number * 6 + text))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let made = document(collection, &format!("{number}"), &texts);
        put(store, &made).await;
        documents.push(made);
    }
    documents
}

/// The ranking as a loop over everything gives it.
fn brute_force<'a>(
    documents: impl Iterator<Item = &'a EmbeddedDocument>,
    query: &[f32],
) -> Vec<ChunkScore> {
    let mut scores = Vec::new();
    for document in documents {
        for (index, chunk) in (0..).zip(&document.chunks) {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let lengths = (dot(query, query) * dot(&chunk.vector, &chunk.vector)).sqrt();
            let chunk_ref = super::fixture::chunk_ref(document, index);
            scores.push(ChunkScore {
                chunk: chunk_ref,
                score: dot(query, &chunk.vector) / lengths,
            });
        }
    }
    scores.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
    scores
}

#[track_caller]
fn assert_same(found: &[ChunkScore], expected: &[ChunkScore]) {
    assert_eq!(ranked(found), ranked(expected));
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found.score - expected.score).abs() < 1e-5,
            "{found:?} is not {expected:?}"
        );
    }
}

pub(super) async fn is_exact_for_few(store: Arc<dyn Store>) {
    let documents = filled(&store).await;
    for text in ["text 1", "text 40", "elsewhere", "x"] {
        let query = vector(text, DIMENSIONS);
        let expected = brute_force(documents.iter(), &query);
        for limit in [0, 1, 7, 96, 1_000] {
            let found = good(store.nearest(&space(), &query, &anything(), limit).await);
            assert_same(&found, &expected[..limit.min(expected.len())]);
        }
        // How long the query is does not matter.
        let long: Vec<f32> = query.iter().map(|number| number * 1_000.0).collect();
        assert_same(
            &good(store.nearest(&space(), &long, &anything(), 7).await),
            &expected[..7],
        );
    }
}

pub(super) async fn keeps_to_the_filter(store: Arc<dyn Store>) {
    let documents = filled(&store).await;
    let query = vector("a question", DIMENSIONS);
    for name in ["even", "odd"] {
        let inside = documents.iter();
        let inside = inside.filter(|made| made.document.info.collection.as_str() == name);
        let expected = brute_force(inside, &query);
        let found = good(store.nearest(&space(), &query, &within(&[name]), 20).await);
        assert_same(&found, &expected[..20]);
    }
    let both = good(
        store
            .nearest(&space(), &query, &within(&["odd", "even"]), 1_000)
            .await,
    );
    assert_same(&both, &brute_force(documents.iter(), &query));
}

pub(super) async fn keeps_to_its_space(store: Arc<dyn Store>) {
    create(&store, &["near"]).await;
    let model = EmbeddingSpace {
        model: "another".to_owned(),
        ..space()
    };
    let wide = EmbeddingSpace {
        dimensions: 16,
        ..space()
    };
    for (name, space) in [("model", &model), ("wide", &wide)] {
        good(
            store
                .create_collection(&Collection {
                    space: space.clone(),
                    ..collection(name)
                })
                .await,
        );
    }
    let mut refs = Vec::new();
    for (name, space) in [("near", &space()), ("model", &model), ("wide", &wide)] {
        let mut made = document(name, "a", &["one"]);
        made.chunks[0].vector = vector("one", space.dimensions);
        good(
            store
                .put_document(&made, space, rag_core::port::Expect::Any)
                .await,
        );
        refs.push((space.clone(), super::fixture::chunk_ref(&made, 0)));
    }
    let all: Vec<_> = refs.iter().map(|(_, chunk)| *chunk).collect();
    for (space, chunk) in &refs {
        let query = vector("one", space.dimensions);
        let found = good(store.nearest(space, &query, &anything(), 10).await);
        assert_eq!(ranked(&found), [*chunk], "{space}");
        let similarities = good(store.similarities(space, &query, &all).await);
        let known: Vec<bool> = similarities.iter().map(Option::is_some).collect();
        let expected: Vec<bool> = all.iter().map(|other| other == chunk).collect();
        assert_eq!(known, expected, "{space}");
    }
    // A collection of another space has nothing to offer, and a space that
    // nobody uses is empty.
    let query = vector("one", DIMENSIONS);
    assert_eq!(
        good(
            store
                .nearest(&space(), &query, &within(&["model"]), 10)
                .await
        ),
        []
    );
    let nobodys = EmbeddingSpace {
        model: "nobody's".to_owned(),
        ..space()
    };
    assert_eq!(
        good(store.nearest(&nobodys, &query, &anything(), 10).await),
        []
    );
    assert_eq!(
        good(store.similarities(&nobodys, &query, &all).await),
        [None; 3]
    );
}

pub(super) async fn has_no_odd_numbers(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let mut made = document("docs", "a", &["one", "zero", "two"]);
    made.chunks[1].vector = vec![0.0; DIMENSIONS];
    put(&store, &made).await;
    for query in [
        vec![0.0; DIMENSIONS],
        vector("one", DIMENSIONS),
        vec![1e-30; DIMENSIONS],
    ] {
        let found = good(store.nearest(&space(), &query, &anything(), 10).await);
        assert_eq!(found.len(), 3);
        let is_cosine = |score: &ChunkScore| (-1.0..=1.0).contains(&score.score);
        assert!(found.iter().all(is_cosine), "{found:?}");
    }
}
