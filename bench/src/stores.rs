//! The stores side by side, on the same material: how fast they take documents
//! in and search, how exact they are, what that costs their server and
//! ourselves, and what space they take.
//!
//! Searches are measured as those of the embedded store are ([`crate::store`]).

use std::path::PathBuf;
use std::time::Duration;

use crate::cached::{CacheArgs, CachedEmbedder};
use crate::location::StoreUrl;
use crate::material::{Growing, Material};
use crate::process::Process;
use crate::sample::or_dash;
use crate::store::probe::{self, Outcome, Question};
use crate::store::{questions, task};
use crate::table::Table;

/// What is measured on.
#[derive(Debug, clap::Args)]
pub(crate) struct StoresArgs {
    /// Folders of judged sets, whose sentences and queries are used
    #[arg(required = true)]
    sets: Vec<PathBuf>,
    #[command(flatten)]
    cache: CacheArgs,
    /// A store: `sqlite:FOLDER`, postgres://… or qdrant://HOST:PORT
    #[arg(long = "store", required = true)]
    stores: Vec<StoreUrl>,
    /// The numbers of chunks to measure at, rising
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    chunks: Vec<usize>,
}

/// The two tables.
struct Tables {
    puts: Table,
    searches: Table,
}

/// Measures one store after the other and prints two tables.
pub(crate) async fn measure(args: &StoresArgs) -> anyhow::Result<()> {
    crate::conditions::print("Stores");
    let embedder = CachedEmbedder::open(&args.cache)?;
    let count = args.chunks.iter().copied().max().unwrap_or(0);
    let material = Material::new(&args.sets, count, &embedder).await?;
    let questions = questions(&args.sets, &embedder).await?;
    println!(
        "{} queries one after the other; vectors of queries are known beforehand. A put is of 10 \
         chunks, one after the other. CPU is of our own process and of the server with its \
         children, for each chunk and each search.\n",
        questions.len()
    );
    let mut tables = Tables::new();
    for url in &args.stores {
        measure_one(url, args, &embedder, &material, &questions, &mut tables).await?;
    }
    println!("{}\n{}", tables.puts, tables.searches);
    Ok(())
}

async fn measure_one(
    url: &StoreUrl,
    args: &StoresArgs,
    embedder: &CachedEmbedder,
    material: &Material,
    questions: &[Question],
    tables: &mut Tables,
) -> anyhow::Result<()> {
    let fresh = url.fresh()?;
    let location = &fresh.location;
    let server = location.server();
    let mut growing = Growing::create(location, embedder).await?;
    for &chunks in &args.chunks {
        let cpu = || {
            (
                Process::this().cpu(),
                server.and_then(Process::cpu_of_family),
            )
        };
        let before = cpu();
        let (put, took) = growing.grow(material, embedder, chunks).await?;
        let after = cpu();
        let each = |before: Option<Duration>, after: Option<Duration>| {
            let spent = after?.saturating_sub(before?);
            Some(spent.as_secs_f64() * 1e3 / put as f64)
        };
        location.settle().await?;
        let bytes = location.size().await?.map(|bytes| bytes as f64);
        tables.puts.row([
            url.kind().to_owned(),
            chunks.to_string(),
            format!("{:.0}", put as f64 / took.as_secs_f64()),
            or_dash(each(before.0, after.0), 2),
            or_dash(each(before.1, after.1), 2),
            or_dash(bytes.map(|bytes| bytes / 1e6), 1),
            or_dash(bytes.map(|bytes| bytes / chunks as f64), 0),
        ]);
        let task = task(location, embedder, questions, &material.vectors[..chunks]);
        tables.search(url, chunks, &probe::in_new_process(&task)?);
        eprintln!("{}\n{}", tables.puts, tables.searches);
    }
    drop(growing);
    fresh.remove().await
}

impl Tables {
    fn new() -> Self {
        Tables {
            puts: Table::new(&[
                "store",
                "chunks",
                "put chunks/s",
                "own CPU ms",
                "server CPU ms",
                "MB on disk",
                "bytes/chunk",
            ]),
            searches: Table::new(&[
                "store",
                "chunks",
                "filter",
                "what",
                "p50 ms",
                "p95 ms",
                "own CPU ms",
                "server CPU ms",
                "recall@10",
            ]),
        }
    }

    fn search(&mut self, url: &StoreUrl, chunks: usize, outcome: &Outcome) {
        for row in &outcome.rows {
            self.searches.row([
                url.kind().to_owned(),
                chunks.to_string(),
                row.filter.clone(),
                row.what.clone(),
                format!("{:.2}", row.p50_ms),
                format!("{:.2}", row.p95_ms),
                or_dash(row.cpu_ms, 2),
                or_dash(row.server_cpu_ms, 2),
                or_dash(row.recall, 4),
            ]);
        }
    }
}
