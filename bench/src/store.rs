//! The embedded store at several sizes: how fast it takes chunks in, starts
//! and searches, how exact it is, and what memory and space it takes.
//!
//! What is read is measured in a fresh process ([`probe`]), which holds nothing
//! but the store.

pub(crate) mod probe;

use std::path::PathBuf;

use rag_core::model::{Filter, Metadata};
use rag_core::port::{Embedder, Purpose};

use crate::cached::{CacheArgs, CachedEmbedder};
use crate::location::{Location, StoreUrl};
use crate::material::{Growing, Material, ONE_IN, Place, queries, small_collection};
use crate::process::Resident;
use crate::sample::or_dash;
use crate::table::Table;
use probe::{Outcome, Question, Task};

/// How many queries are asked.
const QUERIES: usize = 200;

/// What is measured on.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// Folders of judged sets, whose sentences and queries are used
    #[arg(required = true)]
    sets: Vec<PathBuf>,
    #[command(flatten)]
    cache: CacheArgs,
    /// The numbers of chunks to measure at, rising
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    chunks: Vec<usize>,
}

/// Which chunks a search is narrowed to.
#[derive(Clone, Copy)]
enum Narrowing {
    None,
    Collection,
    Metadata,
}

impl Narrowing {
    const ALL: [Narrowing; 3] = [Narrowing::None, Narrowing::Collection, Narrowing::Metadata];

    fn name(self) -> String {
        match self {
            Narrowing::None => "none".to_owned(),
            Narrowing::Collection => format!("collection, 1 in {ONE_IN}"),
            Narrowing::Metadata => format!("metadata, 1 in {ONE_IN}"),
        }
    }

    fn filter(self) -> Filter {
        let mut filter = Filter::default();
        match self {
            Narrowing::None => {}
            Narrowing::Collection => filter.collections = vec![small_collection()],
            Narrowing::Metadata => {
                filter.metadata = Metadata::from_iter([("part".to_owned(), 0.into())]);
            }
        }
        filter
    }

    fn allows(self, chunk: usize) -> bool {
        match self {
            Narrowing::None => true,
            Narrowing::Collection => Place::of_chunk(chunk).collection == small_collection(),
            Narrowing::Metadata => Place::of_chunk(chunk).part == 0,
        }
    }
}

/// Measures at each size and prints two tables.
pub(crate) async fn measure(args: &StoreArgs) -> anyhow::Result<()> {
    crate::conditions::print("Embedded store");
    let embedder = CachedEmbedder::open(&args.cache)?;
    let count = args.chunks.iter().copied().max().unwrap_or(0);
    let material = Material::new(&args.sets, count, &embedder).await?;
    let questions = questions(&args.sets, &embedder).await?;
    let fresh = StoreUrl::Sqlite(None).fresh()?;
    let mut growing = Growing::create(&fresh.location, &embedder).await?;
    let mut sizes = Table::new(&[
        "chunks",
        "put chunks/s",
        "open ms",
        "first search ms",
        "its CPU ms",
        "MB opened (own)",
        "MB after searches (own)",
        "MB on disk",
        "bytes/chunk",
    ]);
    let mut searches = Table::new(&[
        "chunks",
        "filter",
        "what",
        "p50 ms",
        "p95 ms",
        "CPU ms",
        "recall@10",
    ]);
    for &chunks in &args.chunks {
        let (put, took) = growing.grow(&material, &embedder, chunks).await?;
        let task = task(
            &fresh.location,
            &embedder,
            &questions,
            &material.vectors[..chunks],
        );
        let outcome = probe::in_new_process(&task)?;
        let bytes = fresh.location.size().await?.unwrap_or(0);
        sizes.row([
            chunks.to_string(),
            format!("{:.0}", put as f64 / took.as_secs_f64()),
            format!("{:.2}", outcome.open_ms),
            format!("{:.1}", outcome.first_ms),
            or_dash(outcome.first_cpu_ms, 1),
            Resident::in_megabytes(outcome.opened),
            Resident::in_megabytes(outcome.searched),
            format!("{:.1}", bytes as f64 / 1e6),
            format!("{:.0}", bytes as f64 / chunks as f64),
        ]);
        search_rows(&mut searches, chunks, &outcome);
    }
    println!(
        "{} queries one after the other; vectors of queries are known beforehand. A put is of \
         10 chunks. The files are in the page cache.\n",
        questions.len()
    );
    println!("{sizes}\n{searches}");
    Ok(())
}

/// What is asked, with vectors.
pub(crate) async fn questions(
    sets: &[PathBuf],
    embedder: &CachedEmbedder,
) -> anyhow::Result<Vec<Question>> {
    let texts = queries(sets, QUERIES)?;
    let vectors = embedder.embed(&texts, Purpose::Query).await?;
    let questions = texts.into_iter().zip(vectors);
    Ok(questions
        .map(|(text, vector)| Question { text, vector })
        .collect())
}

fn search_rows(table: &mut Table, chunks: usize, outcome: &Outcome) {
    for row in &outcome.rows {
        table.row([
            chunks.to_string(),
            row.filter.clone(),
            row.what.clone(),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p95_ms),
            or_dash(row.cpu_ms, 2),
            or_dash(row.recall, 4),
        ]);
    }
}

/// What the new process is to do, with the truth it is compared with.
pub(crate) fn task(
    location: &Location,
    embedder: &CachedEmbedder,
    questions: &[Question],
    vectors: &[Vec<f32>],
) -> Task {
    let narrowed = |narrowing: Narrowing| probe::Narrowed {
        name: narrowing.name(),
        collections: narrowing
            .filter()
            .collections
            .iter()
            .map(ToString::to_string)
            .collect(),
        metadata: narrowing.filter().metadata,
        tenth: questions
            .iter()
            .map(|question| tenth(narrowing, &question.vector, vectors))
            .collect(),
    };
    Task {
        location: location.clone(),
        model: embedder.space().model.clone(),
        questions: questions.to_vec(),
        narrowed: Narrowing::ALL.map(narrowed).into(),
    }
}

/// The similarity of the tenth nearest chunk, or of the last when there are
/// fewer: what a chunk must have to be among the true ten.
fn tenth(narrowing: Narrowing, query: &[f32], vectors: &[Vec<f32>]) -> f32 {
    let dot = |vector: &[f32]| {
        // Sixteen sums at a time let the compiler use wide registers.
        let mut sums = [0.0f32; 16];
        for (a, b) in vector.chunks_exact(16).zip(query.chunks_exact(16)) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
        sums.iter().sum::<f32>()
    };
    let allowed = vectors
        .iter()
        .enumerate()
        .filter(|&(chunk, _)| narrowing.allows(chunk));
    let mut similarities: Vec<f32> = allowed.map(|(_, vector)| dot(vector)).collect();
    similarities.sort_unstable_by(|a, b| b.total_cmp(a));
    similarities.truncate(10);
    similarities.last().copied().unwrap_or(1.0)
}
