//! Searches by an index of vectors find the nearest all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rag_core::model::{Collection, EmbeddedDocument, EmbeddingSpace, Filter, contains};
use rag_core::port::{Expect, Store};
use rag_store::conformance::fixture::{
    anything, chunk_ref, collection, document, good, metadata, ranked, unit, vector, within,
};

use super::database::{Fresh, number};

/// How many of the nearest have to be found.
const RECALL_MIN: f64 = 0.995;

/// So few that each has more vectors than a search looks at.
const CLUSTERS: usize = 24;

/// Just enough for an index, and for searches to use it.
const DOCUMENTS: usize = 80;
const CHUNKS: usize = 100;

/// How many vectors the nearest are looked for.
const QUESTIONS: usize = 15;

/// How long the server may take to say how often an index was read.
const COUNTED_WITHIN: Duration = Duration::from_secs(20);

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
    let mut made = document(collection, &format!("{number}"), &[""; CHUNKS]);
    for (index, chunk) in made.chunks.iter_mut().enumerate() {
        chunk.vector = clustered(&format!("{number} {index}"), index % CLUSTERS, dimensions);
    }
    let parts = ["most", "most", "most", "most", "few"];
    let part = parts[number / 2 % parts.len()];
    made.document.info.metadata = metadata(&format!(r#"{{"part": ["{part}"]}}"#));
    made
}

async fn check(dimensions: usize) {
    let schema = Fresh::named_by("POSTGRES_TEST_URL").await;
    let store: Arc<dyn Store> = Arc::new(schema.store());
    let space = EmbeddingSpace {
        model: "m".to_owned(),
        dimensions,
    };
    for name in ["even", "odd"] {
        let made = Collection {
            space: space.clone(),
            ..collection(name)
        };
        good(store.create_collection(&made).await);
    }
    let documents: Vec<_> = (0..DOCUMENTS)
        .map(|number| made(number, dimensions))
        .collect();
    for made in &documents {
        good(store.put_document(made, &space, Expect::Any).await);
    }
    let indexes = format!(
        "SELECT count(*) FROM pg_indexes
         WHERE schemaname = '{}' AND indexdef LIKE '%USING hnsw%'",
        schema.name
    );
    assert_eq!(number(&schema.url, &indexes).await, 1);
    let with_metadata = |json: &str| Filter {
        metadata: metadata(json),
        ..anything()
    };
    for (filter, limit) in [
        (anything(), 10),
        (anything(), 1_000),
        (within(&["odd"]), 10),
        (with_metadata(r#"{"part": "most"}"#), 10),
        (with_metadata(r#"{"part": "few"}"#), 10),
        (with_metadata(r#"{"part": ["most"]}"#), 10),
    ] {
        let (mut found, mut asked) = (0, 0);
        for question in 0..QUESTIONS {
            let name = format!("question {question}");
            let query = clustered(&name, question % CLUSTERS, dimensions);
            let mut truth = Vec::new();
            for made in &documents {
                let info = &made.document.info;
                let is_within =
                    filter.collections.is_empty() || filter.collections.contains(&info.collection);
                if !is_within || !contains(&info.metadata, &filter.metadata) {
                    continue;
                }
                for (index, chunk) in (0..).zip(&made.chunks) {
                    let pairs = query.iter().zip(&chunk.vector);
                    let score: f32 = pairs.map(|(a, b)| a * b).sum();
                    truth.push((score, chunk_ref(made, index)));
                }
            }
            truth.sort_by(|a, b| b.0.total_cmp(&a.0));
            let ranking = good(store.nearest(&space, &query, &filter, limit).await);
            assert_eq!(ranking.len(), limit.min(truth.len()), "{filter:?}");
            assert!(ranking.is_sorted_by(|one, other| one.score >= other.score));
            let nearest = ranked(&ranking);
            for (score, chunk) in &truth[..10] {
                asked += 1;
                if let Some(place) = nearest.iter().position(|found| found == chunk) {
                    found += 1;
                    assert!((ranking[place].score - score).abs() < 1e-5);
                }
            }
        }
        let recall = f64::from(found) / f64::from(asked);
        assert!(recall >= RECALL_MIN, "{dimensions}, {filter:?}: {recall}");
    }
    // Comparing all of them would have found the same, later.
    let reads = format!(
        "SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes
         WHERE schemaname = '{}' AND indexrelname LIKE '%_by_embedding'",
        schema.name
    );
    let asked_at = Instant::now();
    while number(&schema.url, &reads).await < i64::try_from(QUESTIONS).unwrap() {
        assert!(
            asked_at.elapsed() < COUNTED_WITHIN,
            "{dimensions}: the index was not read"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    schema.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn most_of_the_nearest_are_found_at_384_dimensions() {
    check(384).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn most_of_the_nearest_are_found_at_3072_dimensions() {
    check(3_072).await;
}
