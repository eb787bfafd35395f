//! Local embedding beside ONNX Runtime in Python, on the same int8 model and
//! the same texts: one after the other in new processes, round after round, so
//! that both see the same machine.
//!
//! ONNX Runtime can share two cores between texts in several ways. Which is
//! best depends on the machine, so all are measured, and the best one counts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rag_core::model::ContentHash;
use rag_core::port::{Embedder, Purpose};
use rag_embed::LocalEmbedder;
use serde::{Deserialize, Serialize};

use crate::judged::{corpus, json_lines, text_of};
use crate::process::Process;
use crate::sample::percentile;
use crate::table::Table;

/// Tokens of a text, 175 on average.
const TOKENS: std::ops::RangeInclusive<usize> = 160..=190;
/// Words that often come to as many tokens.
const WORDS: usize = 130;
/// How many texts, and how many queries.
const TEXTS: usize = 120;
const QUERIES: usize = 100;
/// Texts embedded before the clock starts.
const WARM_UP: usize = 8;
/// Other programs' ways of using two cores; see the reference.
const REFERENCE_WAYS: [&str; 3] = ["threads", "batches", "sessions"];

/// What is measured, and with what it is compared.
#[derive(Debug, clap::Args)]
pub(crate) struct EmbedArgs {
    /// Folders of judged sets, whose texts and queries are used
    #[arg(required = true)]
    sets: Vec<PathBuf>,
    /// A Python with the packages of bench/requirements.txt; without it there is no comparison
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// The program to compare with
    #[arg(
        long,
        default_value = "bench/onnxruntime_reference.py",
        value_name = "FILE"
    )]
    reference: PathBuf,
    /// The folder of the bundled model
    #[arg(long, default_value = "assets/all-MiniLM-L6-v2", value_name = "DIR")]
    model: PathBuf,
    /// How often each is measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[derive(Serialize, Deserialize)]
struct Task {
    texts: Vec<String>,
    queries: Vec<String>,
}

/// What one process found out. The reference prints the same.
#[derive(Serialize, Deserialize)]
struct Figures {
    /// Until the first vector.
    load_ms: f64,
    /// For all texts.
    texts_s: f64,
    /// The processor time of it.
    texts_cpu_s: Option<f64>,
    /// Each query.
    query_ms: Vec<f64>,
    /// At the end, which is its highest.
    resident_bytes: Option<u64>,
}

/// Measures and prints one table.
pub(crate) fn measure(args: &EmbedArgs) -> anyhow::Result<()> {
    crate::conditions::print("Local embedding");
    let (task, tokens) = task(&args.sets)?;
    println!(
        "{} texts of {tokens:.0} tokens on average, {} queries; the median of {} rounds.\n",
        task.texts.len(),
        task.queries.len(),
        args.rounds
    );
    let mut file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&mut file, &task)?;
    let mut ours = Vec::new();
    let mut theirs: Vec<Vec<Figures>> = REFERENCE_WAYS.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.rounds.max(1) {
        let mut probe = Command::new(std::env::current_exe()?);
        ours.push(figures(probe.arg("embed-probe").arg(file.path()))?);
        if let Some(python) = &args.python {
            for (way, figures_of_way) in REFERENCE_WAYS.iter().zip(&mut theirs) {
                let mut reference = Command::new(python);
                let reference = reference
                    .arg(&args.reference)
                    .arg(file.path())
                    .arg(&args.model)
                    .arg(way);
                figures_of_way.push(figures(reference)?);
            }
        }
    }
    let texts = task.texts.len() as f64;
    let mut table = Table::new(&[
        "embedder",
        "texts/s",
        "texts/CPU-s",
        "query p50 ms",
        "query p95 ms",
        "first vector ms",
        "MB",
    ]);
    let ours = Summary::of(&ours, texts);
    table.row(ours.row("rag-memory (rten)"));
    let mut best: Option<Summary> = None;
    for (way, figures) in REFERENCE_WAYS
        .iter()
        .zip(&theirs)
        .filter(|(_, figures)| !figures.is_empty())
    {
        let summary = Summary::of(figures, texts);
        table.row(summary.row(&format!("ONNX Runtime, {way}")));
        best = Some(best.map_or(summary, |best| best.better_of(summary)));
    }
    println!("{table}");
    if let Some(best) = best {
        println!(
            "Against the best of ONNX Runtime: {:.2} × the texts/s, {:.2} × the texts/CPU-s, \
             {:.2} × the query time.\n",
            ours.per_second / best.per_second,
            ours.per_cpu_second / best.per_cpu_second,
            ours.query_p50_ms / best.query_p50_ms,
        );
    }
    Ok(())
}

fn figures(command: &mut Command) -> anyhow::Result<Figures> {
    let output = command.stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "{command:?} failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The medians of several rounds.
#[derive(Clone, Copy)]
struct Summary {
    per_second: f64,
    per_cpu_second: f64,
    query_p50_ms: f64,
    query_p95_ms: f64,
    load_ms: f64,
    megabytes: f64,
}

impl Summary {
    fn of(rounds: &[Figures], texts: f64) -> Self {
        let median = |value: &dyn Fn(&Figures) -> f64| percentile(rounds.iter().map(value), 50);
        Summary {
            per_second: median(&|round| texts / round.texts_s),
            per_cpu_second: median(&|round| texts / round.texts_cpu_s.unwrap_or(f64::NAN)),
            query_p50_ms: median(&|round| percentile(round.query_ms.iter().copied(), 50)),
            query_p95_ms: median(&|round| percentile(round.query_ms.iter().copied(), 95)),
            load_ms: median(&|round| round.load_ms),
            megabytes: median(&|round| {
                round
                    .resident_bytes
                    .map_or(f64::NAN, |bytes| bytes as f64 / 1e6)
            }),
        }
    }

    /// The better figure of both, one by one.
    fn better_of(self, other: Self) -> Self {
        Summary {
            per_second: self.per_second.max(other.per_second),
            per_cpu_second: self.per_cpu_second.max(other.per_cpu_second),
            query_p50_ms: self.query_p50_ms.min(other.query_p50_ms),
            query_p95_ms: self.query_p95_ms.min(other.query_p95_ms),
            load_ms: self.load_ms.min(other.load_ms),
            megabytes: self.megabytes.min(other.megabytes),
        }
    }

    fn row(&self, name: &str) -> [String; 7] {
        [
            name.to_owned(),
            format!("{:.1}", self.per_second),
            format!("{:.1}", self.per_cpu_second),
            format!("{:.1}", self.query_p50_ms),
            format!("{:.1}", self.query_p95_ms),
            format!("{:.0}", self.load_ms),
            format!("{:.0}", self.megabytes),
        ]
    }
}

/// The beginnings of the sets' documents, cut to the right size, and their mean
/// size in tokens.
fn task(sets: &[PathBuf]) -> anyhow::Result<(Task, f64)> {
    let model = LocalEmbedder::bundled();
    let mut texts = Vec::new();
    let mut queries = Vec::new();
    for set in sets {
        for document in corpus(set)? {
            let words: Vec<&str> = document.text.split_whitespace().take(WORDS).collect();
            let text = words.join(" ");
            let tokens = model.count_tokens(&text)?;
            if words.len() == WORDS && TOKENS.contains(&tokens) {
                texts.push((text, tokens));
            }
        }
        let asked = json_lines(&set.join("queries.jsonl"))?;
        queries.extend(asked.iter().map(|query| text_of(query, "text").to_owned()));
    }
    anyhow::ensure!(
        texts.len() >= TEXTS && queries.len() >= QUERIES,
        "name more sets"
    );
    texts.sort_by_cached_key(|(text, _)| ContentHash::of(text));
    texts.truncate(TEXTS);
    queries.sort_by_cached_key(|query| ContentHash::of(query));
    queries.truncate(QUERIES);
    let tokens = texts.iter().map(|(_, tokens)| *tokens as f64).sum::<f64>() / TEXTS as f64;
    let texts = texts.into_iter().map(|(text, _)| text).collect();
    Ok((Task { texts, queries }, tokens))
}

/// Embeds a task in this process and prints the figures as JSON.
pub(crate) async fn probe(task: &Path) -> anyhow::Result<()> {
    let task: Task = serde_json::from_str(&std::fs::read_to_string(task)?)?;
    let process = Process::this();
    let started = Instant::now();
    let model = LocalEmbedder::bundled();
    model.embed(&task.queries[..1], Purpose::Query).await?;
    let load_ms = started.elapsed().as_secs_f64() * 1e3;
    model
        .embed(&task.texts[..WARM_UP], Purpose::Passage)
        .await?;

    let (started, before) = (Instant::now(), process.cpu());
    model.embed(&task.texts, Purpose::Passage).await?;
    let texts_s = started.elapsed().as_secs_f64();
    let texts_cpu = process
        .cpu()
        .zip(before)
        .map(|(after, before)| after - before);

    let mut query_ms = Vec::new();
    for query in &task.queries {
        let before = Instant::now();
        model
            .embed(std::slice::from_ref(query), Purpose::Query)
            .await?;
        query_ms.push(before.elapsed().as_secs_f64() * 1e3);
    }
    let figures = Figures {
        load_ms,
        texts_s,
        texts_cpu_s: texts_cpu.map(|cpu| cpu.as_secs_f64()),
        query_ms,
        resident_bytes: process.resident().map(|resident| resident.all),
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
