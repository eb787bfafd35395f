//! Words rank in Qdrant as they do in the embedded store.

use std::sync::Arc;

use rag_core::model::{EmbeddedDocument, Filter};
use rag_core::port::{ChunkScore, Store};
use rag_store::conformance::fixture::{anything, create, document, good, put, vector, within};
use rag_store::embedded::EmbeddedStore;

use crate::double::{Names, test_server};

/// How many of a ranking's first chunks are looked at.
const LOOKED_AT: usize = 10;

/// By how much scores may differ: sums of the same numbers in another order.
const EPSILON: f32 = 1e-3;

/// Numbers from 0 to 1 that look random, the same for the same name.
fn numbers(name: &str) -> impl Iterator<Item = f64> {
    let name = name.to_owned();
    (0..).flat_map(move |part| {
        let numbers = vector(&format!("{name} {part}"), 64);
        numbers.into_iter().map(|number| {
            let bits = number.to_bits().wrapping_mul(2_654_435_761) >> 8;
            f64::from(bits) / f64::from(1 << 24)
        })
    })
}

/// A text of words as frequent as those of a language: few are common, most are
/// rare, and a text has some of its words often.
fn text(name: &str, length: usize) -> String {
    let mut numbers = numbers(name);
    let mut words: Vec<String> = Vec::with_capacity(length);
    while words.len() < length {
        let (rank, again) = (numbers.next().unwrap(), numbers.next().unwrap());
        if again < 0.2 && !words.is_empty() {
            let place = (rank * words.len() as f64).floor();
            let word = words.iter().enumerate().find(|(at, _)| *at as f64 >= place);
            words.push(word.unwrap().1.clone());
        } else {
            words.push(format!("w{:.0}", 3_000f64.powf(rank)));
        }
    }
    words.join(" ")
}

fn made(collection: &str, number: usize) -> EmbeddedDocument {
    let texts: Vec<String> = (0..50)
        .map(|chunk| {
            // Of all lengths, and on average far from what is taken for granted.
            let length = 1 + (number * 50 + chunk) * 7_919 % 97;
            text(&format!("{collection} {number} {chunk}"), length)
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    document(collection, &format!("{number}"), &texts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_rank_as_in_the_embedded_store() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = EmbeddedStore::open(&folder.path().join("store.db")).unwrap();
    let names = Names::on(&test_server());
    let stores: [Arc<dyn Store>; 2] = [Arc::new(embedded), Arc::new(names.store())];
    for store in &stores {
        create(store, &["one", "other"]).await;
        for number in 0..24 {
            let collection = if number % 3 == 0 { "one" } else { "other" };
            put(store, &made(collection, number)).await;
        }
        // Replaced and removed ones count no more.
        for number in 1..5 {
            put(store, &made("other", number)).await;
        }
        let gone = made("one", 6);
        good(store.delete_document(gone.document.info.id).await);
    }
    let (mut same, mut all) = (0, 0);
    for number in 0..40 {
        let query = text(&format!("query {number}"), 1 + number % 7);
        let terms: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
        for filter in [anything(), within(&["one"])] {
            let expected = ranking(&stores[0], &terms, &filter).await;
            let found = ranking(&stores[1], &terms, &filter).await;
            assert_eq!(found.len(), expected.len(), "{query}");
            for (found, expected) in found.iter().zip(&expected) {
                all += 1;
                let is_as_good = (found.score - expected.score).abs() < EPSILON;
                same += usize::from(is_as_good);
            }
        }
    }
    assert!(all > 400, "only {all} chunks were found");
    assert_eq!(same, all, "{same} of {all} chunks are as good");
    names.remove().await;
}

async fn ranking(store: &Arc<dyn Store>, terms: &[String], filter: &Filter) -> Vec<ChunkScore> {
    good(store.matching(terms, filter, LOOKED_AT).await)
}
