//! A crawl by the program: pages per second, and memory from the first page to
//! the last. The site is the tests' own, in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use crate::process::{Process, Resident};
use crate::table::Table;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct CrawlArgs {
    /// Pages of the site that is crawled over plain HTTP
    #[arg(long, default_value_t = 5_000)]
    pages: usize,
    /// Pages of the site that is rendered
    #[arg(long, default_value_t = 60)]
    rendered: usize,
    /// The program
    #[arg(long, default_value = "target/release/rag", value_name = "FILE")]
    program: PathBuf,
    /// The site
    #[arg(long, default_value = "target/release/testsite", value_name = "FILE")]
    site: PathBuf,
}

/// Measures and prints a table.
pub(crate) fn measure(args: &CrawlArgs) -> anyhow::Result<()> {
    crate::conditions::print("Crawling a site");
    let mut table = Table::new(&[
        "crawl, embedding included",
        "pages",
        "chunks",
        "failed",
        "pages/s",
        "CPU ms/page",
        "MB at a quarter",
        "half",
        "peak",
    ]);
    let folder = tempfile::tempdir()?;
    let site = Site::start(args, args.pages)?;
    let crawls = [
        ("plain HTTP", "ingest", args.pages, "never"),
        ("the same again, unchanged", "recrawl", args.pages, "never"),
    ];
    let create = [
        "collection",
        "create",
        "measured",
        "--description",
        "What is measured",
    ];
    let created = program(args, &folder, &site).args(create).status()?;
    anyhow::ensure!(created.success(), "the collection was not made");
    for (name, command, pages, render) in crawls {
        table.row(crawl(args, &folder, &site, name, command, pages, render)?);
    }
    let folder = tempfile::tempdir()?;
    let site = Site::start(args, args.rendered)?;
    let created = program(args, &folder, &site).args(create).status()?;
    anyhow::ensure!(created.success(), "the collection was not made");
    table.row(crawl(
        args,
        &folder,
        &site,
        "rendered",
        "ingest",
        args.rendered,
        "always",
    )?);
    println!("{table}");
    println!("Memory is the program's own; a browser's comes on top.\n");
    Ok(())
}

/// The tests' site, which ends with this.
struct Site {
    process: Child,
    address: String,
}

impl Site {
    fn start(args: &CrawlArgs, pages: usize) -> anyhow::Result<Self> {
        let mut process = Command::new(&args.site)
            .arg(pages.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", args.site.display()))?;
        let output = process.stdout.take().context("it has an output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let address = address.trim().to_owned();
        Ok(Site { process, address })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended by itself, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program(args: &CrawlArgs, folder: &tempfile::TempDir, site: &Site) -> Command {
    let host = site
        .address
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let mut command = Command::new(&args.program);
    command
        .env("RAG_DATA_DIR", folder.path())
        .env("RAG_ALLOW_PRIVATE_HOSTS", host)
        .stdout(Stdio::null());
    command
}

fn crawl(
    args: &CrawlArgs,
    folder: &tempfile::TempDir,
    site: &Site,
    name: &str,
    command: &str,
    pages: usize,
    render: &str,
) -> anyhow::Result<[String; 9]> {
    let mut crawl = program(args, folder, site);
    match command {
        "ingest" => crawl.args(["ingest", "url"]),
        _ => crawl.arg("recrawl"),
    };
    crawl.args([
        &site.address,
        "--collection",
        "measured",
        "--follow-links",
        "--json",
    ]);
    crawl.args(["--max-depth", "10", "--render", render]);
    crawl.args(["--max-pages", &pages.to_string()]);
    let started = Instant::now();
    let mut running = crawl.stdout(Stdio::piped()).spawn()?;
    let output = running.stdout.take().context("it has an output")?;
    let reading = thread::spawn(move || serde_json::from_reader::<_, Value>(output));
    let process = Process(running.id());
    let mut looks: Vec<(Duration, Resident)> = Vec::new();
    let mut cpu = Duration::ZERO;
    while running.try_wait()?.is_none() {
        looks.extend(
            process
                .resident()
                .map(|resident| (started.elapsed(), resident)),
        );
        cpu = process.cpu().unwrap_or(cpu);
        thread::sleep(LOOK);
    }
    let wall = started.elapsed();
    let reply = reading.join().expect("it does not panic")?;
    let count = |name: &str| reply[name].as_u64().unwrap_or_default();
    let at = |part: u32| {
        let place = looks.iter().find(|(when, _)| *when >= wall * part / 4);
        Resident::in_megabytes(place.map(|(_, resident)| *resident))
    };
    let peak = looks
        .iter()
        .map(|(_, resident)| *resident)
        .max_by_key(|resident| resident.all);
    let crawled = count("pages_crawled");
    Ok([
        name.to_owned(),
        crawled.to_string(),
        count("total_chunks").to_string(),
        count("pages_failed").to_string(),
        format!("{:.1}", crawled as f64 / wall.as_secs_f64()),
        format!("{:.1}", cpu.as_secs_f64() * 1e3 / crawled.max(1) as f64),
        at(1),
        at(2),
        Resident::in_megabytes(peak),
    ])
}
