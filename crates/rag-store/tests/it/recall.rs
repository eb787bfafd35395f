//! Searches that read only some of the vectors find the nearest all the same.

use std::sync::Arc;

use rag_core::model::{Collection, EmbeddedDocument, EmbeddingSpace, Filter};
use rag_core::port::{Expect, Store};
use rag_store::conformance::fixture::{
    anything, chunk_ref, collection, document, good, metadata, unit, vector, within,
};
use rag_store::embedded::EmbeddedStore;

/// How many vectors of a ranking have to be among the true ones.
const RECALL_MIN: f64 = 0.995;

/// So few that each has more vectors than a search reads.
const CLUSTERS: usize = 24;

/// A vector in the cloud around one of a few centres, all of which lean the
/// same way, as the vectors of language models do.
fn clustered(name: &str, cluster: usize, dimensions: usize) -> Vec<f32> {
    let lean = vector("lean", dimensions);
    let centre = vector(&format!("centre {cluster}"), dimensions);
    let own = vector(name, dimensions);
    let parts = lean.iter().zip(&centre).zip(&own);
    unit(
        parts
            .map(|((lean, centre), own)| 0.5 * lean + 0.6 * centre + 0.8 * own)
            .collect(),
    )
}

fn made(number: usize, dimensions: usize) -> EmbeddedDocument {
    let collection = if number.is_multiple_of(2) {
        "even"
    } else {
        "odd"
    };
    let mut made = document(collection, &format!("{number}"), &[""; 100]);
    for (index, chunk) in made.chunks.iter_mut().enumerate() {
        chunk.vector = clustered(&format!("{number} {index}"), index % CLUSTERS, dimensions);
    }
    let half = if number % 4 < 2 { "low" } else { "high" };
    made.document.info.metadata = metadata(&format!(r#"{{"half": "{half}"}}"#));
    made
}

async fn check(dimensions: usize, document_count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> =
        Arc::new(good(EmbeddedStore::open(&folder.path().join("store.db"))));
    let space = EmbeddingSpace {
        model: "m".to_owned(),
        dimensions,
    };
    for name in ["even", "odd"] {
        good(
            store
                .create_collection(&Collection {
                    space: space.clone(),
                    ..collection(name)
                })
                .await,
        );
    }
    let documents: Vec<_> = (0..document_count)
        .map(|number| made(number, dimensions))
        .collect();
    for made in &documents {
        good(store.put_document(made, &space, Expect::Any).await);
    }
    let half = Filter {
        metadata: metadata(r#"{"half": "low"}"#),
        ..anything()
    };
    for (filter, limit) in [
        (anything(), 10),
        (within(&["odd"]), 10),
        (half, 10),
        (anything(), 300),
    ] {
        let (mut found, mut asked) = (0, 0);
        for question in 0..25 {
            let query = clustered(
                &format!("question {question}"),
                question % CLUSTERS,
                dimensions,
            );
            let mut truth = Vec::new();
            for made in &documents {
                let info = &made.document.info;
                let is_within =
                    filter.collections.is_empty() || filter.collections.contains(&info.collection);
                if !is_within || !rag_core::model::contains(&info.metadata, &filter.metadata) {
                    continue;
                }
                for (index, chunk) in (0..).zip(&made.chunks) {
                    let pairs = query.iter().zip(&chunk.vector);
                    let score: f32 = pairs.map(|(a, b)| a * b).sum();
                    truth.push((score, chunk_ref(made, index)));
                }
            }
            assert!(truth.len() > 2_000, "so few are compared one by one");
            truth.sort_by(|a, b| b.0.total_cmp(&a.0));
            let ranking = good(store.nearest(&space, &query, &filter, limit).await);
            assert_eq!(ranking.len(), limit);
            for score in ranking.iter().take(10) {
                let place = truth
                    .iter()
                    .position(|(_, chunk)| *chunk == score.chunk)
                    .unwrap();
                assert!(
                    (truth[place].0 - score.score).abs() < 1e-5,
                    "a score is not exact"
                );
                found += usize::from(place < 10);
            }
            asked += 10;
        }
        let recall = found as f64 / f64::from(asked);
        assert!(
            recall >= RECALL_MIN,
            "{dimensions} dimensions, {filter:?}: recall {recall}"
        );
    }
}

#[tokio::test]
async fn most_of_the_nearest_are_found_at_384_dimensions() {
    check(384, 60).await;
}

#[tokio::test]
async fn most_of_the_nearest_are_found_at_1536_dimensions() {
    check(1_536, 46).await;
}
