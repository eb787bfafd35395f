//! Whether the right documents are found: nDCG@10 and recall@10 on sets with
//! judgements, for each way of ranking.
//!
//! Documents are ranked by their best passage. One that was folded into a
//! nearly identical passage stands right behind it, as it does for a reader.
//! Both figures are means over queries; gains are the grades themselves,
//! discounted by the logarithm of the rank, as `trec_eval` has it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use rag_core::fuse::Fusion;
use rag_core::model::DocumentId;
use rag_core::port::Embedder;
use rag_core::search::{Answer, Mode, Query, search};

use crate::cached::{CacheArgs, CachedEmbedder};
use crate::judged::{Judged, JudgedQuery};
use crate::location::StoreUrl;
use crate::memory::{Filled, fill, query};
use crate::sample::Sample;
use crate::table::Table;

/// Ranks that count.
const CUT: usize = 10;

/// The ways of ranking that are compared.
const WAYS: [(&str, Mode, Fusion); 4] = [
    ("vector", Mode::Vector, Fusion::Convex),
    ("keyword", Mode::Keyword, Fusion::Convex),
    ("hybrid, convex", Mode::Hybrid, Fusion::Convex),
    ("hybrid, rrf", Mode::Hybrid, Fusion::ReciprocalRank),
];

/// Measures each set and prints one table.
pub(crate) async fn measure(
    sets: &[PathBuf],
    cache: &CacheArgs,
    limit: usize,
    queries_max: usize,
    store: &StoreUrl,
) -> anyhow::Result<()> {
    crate::conditions::print("Retrieval");
    println!(
        "The {} store; {limit} passages asked for, one of each document; vectors may come from a \
         cache.\n",
        store.kind()
    );
    let embedder: Arc<dyn Embedder> = Arc::new(CachedEmbedder::open(cache)?);
    let mut table = Table::new(&[
        "set",
        "documents",
        "chunks",
        "queries",
        "ranking",
        "nDCG@10",
        "recall@10",
        "ms p50",
        "ms p95",
    ]);
    let mut sums = [(0.0, 0.0); WAYS.len()];
    for folder in sets {
        let mut set = Judged::read(folder)?;
        set.queries.truncate(queries_max);
        let sources = sources(&set);
        let filled = fill(store, &embedder, std::mem::take(&mut set.documents)).await?;
        let texts: Vec<String> = set.queries.iter().map(|query| query.text.clone()).collect();
        embedder
            .embed(&texts, rag_core::port::Purpose::Query)
            .await?;
        for ((way, mode, fusion), sum) in WAYS.into_iter().zip(&mut sums) {
            let plain = Query {
                per_document_max: 1,
                ..query("", mode, fusion, limit)
            };
            let (sample, figures) = Sample::take(&set.queries, async |asked| {
                let query = Query {
                    text: asked.text.clone(),
                    ..plain.clone()
                };
                let answer = search(&*filled.store, &*embedder, &query).await?;
                Ok(figures(&ranking(&answer, &sources), asked))
            })
            .await?;
            let count = figures.len().max(1) as f64;
            let gain = figures.iter().map(|(gain, _)| gain).sum::<f64>() / count;
            let recall = figures.iter().map(|(_, recall)| recall).sum::<f64>() / count;
            *sum = (sum.0 + gain, sum.1 + recall);
            table.row(row(&set, &filled, way, (gain, recall), &sample));
        }
        filled.fresh.remove().await?;
    }
    for ((way, ..), (gain, recall)) in WAYS.into_iter().zip(sums) {
        let [none, mean] = [String::new(), "mean of sets".to_owned()];
        let of_sets = |sum: f64| format!("{:.4}", sum / sets.len() as f64);
        let cells = [
            mean,
            none.clone(),
            none.clone(),
            none.clone(),
            way.to_owned(),
            of_sets(gain),
            of_sets(recall),
            none.clone(),
            none,
        ];
        table.row(cells);
    }
    println!("{table}");
    Ok(())
}

fn row(
    set: &Judged,
    filled: &Filled,
    way: &str,
    (gain, recall): (f64, f64),
    sample: &Sample,
) -> [String; 9] {
    [
        set.name.clone(),
        filled.document_count.to_string(),
        filled.chunk_count.to_string(),
        set.queries.len().to_string(),
        way.to_owned(),
        format!("{gain:.4}"),
        format!("{recall:.4}"),
        format!("{:.2}", sample.percentile_ms(50)),
        format!("{:.2}", sample.percentile_ms(95)),
    ]
}

/// The ids in the judgements by the ids in the store.
fn sources(set: &Judged) -> HashMap<DocumentId, String> {
    let uris = set
        .documents
        .iter()
        .filter_map(|document| document.source_uri.clone());
    uris.map(|uri| {
        (
            DocumentId::derive(&crate::memory::collection(), &uri, 0),
            uri,
        )
    })
    .collect()
}

/// The documents of an answer, best first, each once.
fn ranking<'a>(answer: &Answer, sources: &'a HashMap<DocumentId, String>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    let documents = answer.passages.iter().flat_map(|passage| {
        std::iter::once(passage.document.id).chain(passage.also_in.iter().copied())
    });
    documents
        .filter(|&document| seen.insert(document))
        .filter_map(|document| sources.get(&document).map(String::as_str))
        .collect()
}

/// nDCG and recall of a ranking's first [`CUT`] documents.
fn figures(ranking: &[&str], query: &JudgedQuery) -> (f64, f64) {
    let discounted = |grades: &mut dyn Iterator<Item = f64>| -> f64 {
        grades
            .take(CUT)
            .zip(2u32..)
            .map(|(grade, place)| grade / f64::from(place).log2())
            .sum()
    };
    let grade = |document: &&str| query.relevant.get(*document).copied().unwrap_or(0.0);
    let mut ideal: Vec<f64> = query.relevant.values().copied().collect();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let gain = discounted(&mut ranking.iter().map(grade));
    let found = ranking
        .iter()
        .take(CUT)
        .filter(|document| grade(document) > 0.0)
        .count();
    (
        gain / discounted(&mut ideal.into_iter()),
        found as f64 / query.relevant.len().max(1) as f64,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_book() {
        let relevant = [("a", 3.0), ("b", 1.0)]
            .map(|(id, grade)| (id.to_owned(), grade))
            .into();
        let query = JudgedQuery {
            text: String::new(),
            relevant,
        };
        let second = 1.0 / 3f64.log2();
        let ideal = 3.0 + second;
        let beyond: Vec<&str> = ["x"; 10].into_iter().chain(["a"]).collect();
        for (ranking, gain, recall) in [
            (&["a", "b"][..], 1.0, 1.0),
            (&["b", "a"], (1.0 + 3.0 * second) / ideal, 1.0),
            (&["x", "b"], second / ideal, 0.5),
            (&[], 0.0, 0.0),
            (&beyond, 0.0, 0.0),
        ] {
            let got = figures(ranking, &query);
            assert!(
                (got.0 - gain).abs() < 1e-12 && (got.1 - recall).abs() < 1e-12,
                "{got:?}"
            );
        }
    }
}
