//! `rag-bench`: measures what the memory finds, how fast, and what it takes.
//!
//! One subcommand for each measurement, in the file of its name; `README.md`
//! says what they mean. Nothing here is part of the product: it is used the
//! way the program uses it, through the crates' public doors and the binary.

#![expect(
    clippy::print_stdout,
    reason = "a measurement's results are its output"
)]

mod cached;
mod chunking;
mod conditions;
mod connection;
mod crawl;
mod documents;
mod embed;
mod judged;
mod load;
mod location;
mod material;
mod memory;
mod process;
mod program;
mod retrieval;
mod sample;
mod server;
mod soak;
mod store;
mod stores;
mod table;
mod traffic;
mod web;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measures rag-memory.
#[derive(Debug, Parser)]
#[command(name = "rag-bench", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Debug, Subcommand)]
enum Measurement {
    /// nDCG@10 and recall@10 on judged sets (corpus.jsonl, queries.jsonl, qrels.tsv)
    Retrieval {
        /// Folders, one for each set
        #[arg(required = true)]
        sets: Vec<PathBuf>,
        #[command(flatten)]
        cache: cached::CacheArgs,
        /// Passages asked for, one for each document
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// The store: `sqlite:FOLDER`, postgres://… or qdrant://HOST:PORT
        #[arg(long, default_value = "sqlite:")]
        store: location::StoreUrl,
        /// Queries asked at most, the first of each set
        #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
        queries: usize,
    },
    /// How much of the passages that answer a question the chunks found cover
    Chunking {
        /// The folder: questions.jsonl and the texts it refers to
        set: PathBuf,
        #[command(flatten)]
        cache: cached::CacheArgs,
    },
    /// The embedded store at several sizes: speed, recall, memory, space
    Store(store::StoreArgs),
    /// All stores side by side: putting, searching, space
    Stores(stores::StoresArgs),
    /// Local embedding beside ONNX Runtime: speed and memory
    Embed(embed::EmbedArgs),
    /// The program: start, memory, search and calls over HTTP, ingest
    Server(server::ServerArgs),
    /// The program with 10 and 100 clients at once: speed, right answers, memory
    Load(load::LoadArgs),
    /// The program at work for an hour: speed, right answers, memory that stays
    Soak(soak::SoakArgs),
    /// A crawl by the program: pages per second and memory
    Crawl(crawl::CrawlArgs),
    /// Text out of PDF and Office files: speed and memory
    Documents(documents::DocumentsArgs),
    /// Main content of web pages: word F1 and speed, beside others
    Web(web::WebArgs),
    /// Used by `documents`
    #[command(hide = true)]
    DocumentsProbe { task: PathBuf },
    /// Used by `embed`
    #[command(hide = true)]
    EmbedProbe { task: PathBuf },
    /// Used by `store`
    #[command(hide = true)]
    StoreProbe { task: PathBuf },
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // A thread that ends takes its processor time with it out of sight.
        .thread_keep_alive(std::time::Duration::from_secs(3600))
        .build()?;
    match Cli::parse().measurement {
        Measurement::Retrieval {
            sets,
            cache,
            limit,
            store,
            queries,
        } => runtime.block_on(retrieval::measure(&sets, &cache, limit, queries, &store)),
        Measurement::Chunking { set, cache } => runtime.block_on(chunking::measure(&set, &cache)),
        Measurement::Store(args) => runtime.block_on(store::measure(&args)),
        Measurement::Stores(args) => runtime.block_on(stores::measure(&args)),
        Measurement::Embed(args) => embed::measure(&args),
        Measurement::Web(args) => web::measure(&args),
        Measurement::Server(args) => runtime.block_on(server::measure(&args)),
        Measurement::Load(args) => runtime.block_on(load::measure(&args)),
        Measurement::Soak(args) => runtime.block_on(soak::measure(&args)),
        Measurement::Crawl(args) => crawl::measure(&args),
        Measurement::Documents(args) => documents::measure(&args),
        Measurement::DocumentsProbe { task } => documents::probe(&task),
        Measurement::EmbedProbe { task } => runtime.block_on(embed::probe(&task)),
        Measurement::StoreProbe { task } => runtime.block_on(store::probe::run(&task)),
    }
}
