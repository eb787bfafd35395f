//! The program itself: how fast it starts, what it takes at rest and at work,
//! and how fast it answers over stdio and HTTP.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cached::{CacheArgs, CachedEmbedder};
use crate::connection::Connection;
use crate::judged::corpus;
use crate::location::Location;
use crate::material::{Growing, Material, queries};
use crate::memory::collection;
use crate::process::Resident;
use crate::program::{Agent, Program, Server};
use crate::sample::{Sample, or_dash};
use crate::table::Table;

/// How often the program is started.
const STARTS: usize = 20;
/// Chunks put in over HTTP before memory is read.
const INGESTED_CHUNKS: usize = 200;
/// Searches at each size.
const QUERIES: usize = 200;
/// Connections at a time, and how long they keep asking.
const CONNECTIONS: usize = 10;
const ASKING: Duration = Duration::from_secs(5);

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// Folders of judged sets, whose texts and queries are used
    #[arg(required = true)]
    sets: Vec<PathBuf>,
    #[command(flatten)]
    cache: CacheArgs,
    /// The program
    #[arg(long, default_value = "target/release/rag", value_name = "FILE")]
    program: PathBuf,
    /// The numbers of chunks to search, rising
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    chunks: Vec<usize>,
}

/// Measures and prints a table for each part.
pub(crate) async fn measure(args: &ServerArgs) -> anyhow::Result<()> {
    crate::conditions::print("The program");
    let program = Program::new(&args.program)?;
    println!(
        "The program is {:.1} MB with the model.\n",
        program.bytes()? as f64 / 1e6
    );
    println!("{}", starts(&program)?);
    println!("{}", memory(&program, &args.sets).await?);
    println!("{}", searches(&program, args).await?);
    println!("{}", plain_calls(&program).await?);
    println!("{}", directory(&program, &args.sets[0])?);
    Ok(())
}

/// From the start of the process to its first answer over stdio.
fn starts(program: &Program) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    // The first makes the store.
    drop(Agent::start(program, folder.path())?);
    let mut walls = Vec::new();
    let mut cpu = Some(Duration::ZERO);
    let mut resident = None;
    let started = Instant::now();
    for _ in 0..STARTS {
        let before = Instant::now();
        let agent = Agent::start(program, folder.path())?;
        walls.push(before.elapsed());
        cpu = cpu.zip(agent.process().cpu()).map(|(sum, cpu)| sum + cpu);
        resident = agent.process().resident();
    }
    let sample = Sample::of(&walls, started.elapsed(), cpu);
    let mut table = Table::new(&[
        "start to first answer, stdio",
        "p50 ms",
        "p95 ms",
        "CPU ms",
        "MB (own)",
    ]);
    table.row([
        format!("{STARTS} starts"),
        format!("{:.1}", sample.percentile_ms(50)),
        format!("{:.1}", sample.percentile_ms(95)),
        or_dash(sample.cpu_ms(), 1),
        Resident::in_megabytes(resident),
    ]);
    Ok(table)
}

/// Resident memory from rest to work.
async fn memory(program: &Program, sets: &[PathBuf]) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(program, &["--data-dir".as_ref(), folder.path().as_os_str()])?;
    let mut connection = Connection::open(server.address).await?;
    connection.get("/health").await?;
    let mut table = Table::new(&["resident, over HTTP", "MB (own)"]);
    let mut row = |what: String| {
        table.row([what, Resident::in_megabytes(server.process().resident())]);
    };
    row("at rest".to_owned());

    let name = collection().to_string();
    let new = json!({ "name": name, "description": "What is measured" });
    connection.call("create_collection", new).await?;
    let text = json!({ "content": "The cache is warm.", "collection_name": name });
    connection.call("ingest_text", text).await?;
    connection
        .call("search_documents", json!({ "query": "Is the cache warm?" }))
        .await?;
    row("after the first search".to_owned());

    let mut chunks = 0;
    for document in sets
        .iter()
        .map(|set| corpus(set))
        .collect::<Result<Vec<_>, _>>()?
        .concat()
    {
        let text = json!({ "content": document.text, "collection_name": name });
        // Sets have blank and repeated documents, which are refused.
        if let Ok(ingested) = connection.call("ingest_text", text).await {
            chunks += ingested["num_chunks"]
                .as_u64()
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(0);
        }
        if chunks >= INGESTED_CHUNKS {
            break;
        }
    }
    row(format!("after putting {chunks} chunks in"));
    Ok(table)
}

/// Hybrid search over HTTP, embedding included, at each size.
async fn searches(program: &Program, args: &ServerArgs) -> anyhow::Result<Table> {
    let embedder = CachedEmbedder::open(&args.cache)?;
    let count = args.chunks.iter().copied().max().unwrap_or(0);
    let material = Material::new(&args.sets, count, &embedder).await?;
    let queries = queries(&args.sets, QUERIES)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("memory.sqlite");
    let mut growing =
        Growing::create(&Location::Embedded { path: path.clone() }, &embedder).await?;
    let mut table = Table::new(&[
        "hybrid search over HTTP",
        "first ms",
        "p50 ms",
        "p95 ms",
        "server CPU ms",
        "MB (own)",
    ]);
    for &chunks in &args.chunks {
        growing.grow(&material, &embedder, chunks).await?;
        let url = format!("sqlite:{}", path.display());
        let server = Server::start(program, &["--database-url".as_ref(), url.as_ref()])?;
        let mut connection = Connection::open(server.address).await?;
        let first = Instant::now();
        connection
            .call("search_documents", json!({ "query": "What is measured?" }))
            .await?;
        let first = first.elapsed();
        let (before, started) = (server.process().cpu(), Instant::now());
        let mut walls = Vec::new();
        for query in &queries {
            let asked = Instant::now();
            connection
                .call("search_documents", json!({ "query": query }))
                .await?;
            walls.push(asked.elapsed());
        }
        let cpu = server
            .process()
            .cpu()
            .zip(before)
            .map(|(after, before)| after - before);
        let sample = Sample::of(&walls, started.elapsed(), cpu);
        table.row([
            format!("{chunks} chunks"),
            format!("{:.0}", first.as_secs_f64() * 1e3),
            format!("{:.1}", sample.percentile_ms(50)),
            format!("{:.1}", sample.percentile_ms(95)),
            or_dash(sample.cpu_ms(), 1),
            Resident::in_megabytes(server.process().resident()),
        ]);
    }
    Ok(table)
}

/// A call that touches no model, from several connections at once.
async fn plain_calls(program: &Program) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(program, &["--data-dir".as_ref(), folder.path().as_os_str()])?;
    let mut connection = Connection::open(server.address).await?;
    let new = json!({ "name": "notes", "description": "Notes of the team" });
    connection.call("create_collection", new).await?;

    let (before, started) = (server.process().cpu(), Instant::now());
    let asking = (0..CONNECTIONS).map(|_| tokio::spawn(keep_asking(server.address)));
    let mut walls = Vec::new();
    for asking in asking.collect::<Vec<_>>() {
        walls.extend(asking.await??);
    }
    let cpu = server
        .process()
        .cpu()
        .zip(before)
        .map(|(after, before)| after - before);
    let sample = Sample::of(&walls, started.elapsed(), cpu);
    let mut table = Table::new(&[
        "`list_collections` over HTTP",
        "calls/s",
        "p50 ms",
        "p99 ms",
        "server CPU ms",
    ]);
    table.row([
        format!("{CONNECTIONS} connections"),
        format!("{:.0}", sample.per_second()),
        format!("{:.2}", sample.percentile_ms(50)),
        format!("{:.2}", sample.percentile_ms(99)),
        or_dash(sample.cpu_ms(), 3),
    ]);
    Ok(table)
}

async fn keep_asking(address: std::net::SocketAddr) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let started = Instant::now();
    let mut walls = Vec::new();
    while started.elapsed() < ASKING {
        let asked = Instant::now();
        connection.call("list_collections", json!({})).await?;
        walls.push(asked.elapsed());
    }
    Ok(walls)
}

/// A folder of files, put in by the command line.
fn directory(program: &Program, set: &Path) -> anyhow::Result<Table> {
    let (data, files) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for (number, document) in corpus(set)?.into_iter().enumerate() {
        std::fs::write(files.path().join(format!("{number}.md")), document.text)?;
    }
    let run = |args: &[&str]| program.run(data.path(), args);
    run(&[
        "collection",
        "create",
        "files",
        "--description",
        "What is measured",
    ])?;
    let started = Instant::now();
    let folder = files.path().display().to_string();
    let ingested: Value = run(&[
        "ingest",
        "directory",
        &folder,
        "--collection",
        "files",
        "--json",
    ])?;
    let seconds = started.elapsed().as_secs_f64();
    let count = |name: &str| ingested[name].as_f64().unwrap_or(f64::NAN);
    let (documents, chunks) = (count("files_ingested"), count("total_chunks"));
    let mut table = Table::new(&[
        "`rag ingest directory`",
        "seconds",
        "documents/s",
        "chunks/s",
        "failed",
    ]);
    table.row([
        format!("{documents} documents, {chunks} chunks"),
        format!("{seconds:.1}"),
        format!("{:.1}", documents / seconds),
        format!("{:.1}", chunks / seconds),
        count("files_failed").to_string(),
    ]);
    Ok(table)
}
