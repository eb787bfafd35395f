//! Text out of documents: milliseconds for each, for each page of a PDF, and
//! the highest memory. Each is read in a process of its own, several times.
//!
//! The small documents are those of rag-extract's tests. The large ones are
//! made here: pages of prose as PDF and as DOCX, rows of a table as XLSX.

mod made;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rag_extract::{About, Limits, extract_document};
use serde::{Deserialize, Serialize};

use crate::sample::percentile;
use crate::table::Table;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct DocumentsArgs {
    /// Further documents
    files: Vec<PathBuf>,
    /// The folder of the small documents
    #[arg(
        long,
        default_value = "crates/rag-extract/testdata/document",
        value_name = "DIR"
    )]
    samples: PathBuf,
    /// How often each is read
    #[arg(long, default_value_t = 9)]
    rounds: usize,
}

/// The small documents, one for each format.
const SAMPLES: &[&str] = &[
    "handbook.pdf",
    "keeper.docx",
    "keeper.doc",
    "keeper.odt",
    "keeper.rtf",
    "keeper.epub",
    "training.pptx",
    "stores.xlsx",
    "stores.ods",
    "wages.xls",
];
/// How many pages the large documents have.
const PAGES: [usize; 2] = [36, 1_000];
/// How many rows the large table has.
const ROWS: usize = 50_000;

#[derive(Serialize, Deserialize)]
struct Task {
    file: PathBuf,
    rounds: usize,
}

/// What one process found out.
#[derive(Serialize, Deserialize)]
struct Figures {
    ms: Vec<f64>,
    pages: Option<u64>,
    text_bytes: usize,
    peak_bytes: Option<u64>,
}

/// Measures and prints one table.
pub(crate) fn measure(args: &DocumentsArgs) -> anyhow::Result<()> {
    crate::conditions::print("Text out of documents");
    println!(
        "Each read {} times in a process of its own; the median. MB is the highest resident \
         memory of that process, the file included.\n",
        args.rounds
    );
    let folder = tempfile::tempdir()?;
    let mut files: Vec<PathBuf> = SAMPLES.iter().map(|name| args.samples.join(name)).collect();
    for pages in PAGES {
        files.push(write(
            folder.path(),
            &format!("{pages} pages.pdf"),
            &made::pdf(pages),
        )?);
        files.push(write(
            folder.path(),
            &format!("{pages} pages.docx"),
            &made::docx(pages)?,
        )?);
    }
    files.push(write(
        folder.path(),
        &format!("{ROWS} rows.xlsx"),
        &made::xlsx(ROWS)?,
    )?);
    files.extend(args.files.iter().cloned());
    let mut table = Table::new(&[
        "document",
        "KB",
        "pages",
        "KB of text",
        "ms",
        "ms a page",
        "MB",
    ]);
    for file in files {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let size = fs::metadata(&file)?.len();
        let figures = figures(&Task {
            file,
            rounds: args.rounds.max(1),
        })?;
        let ms = percentile(figures.ms.iter().copied(), 50);
        let missing = || "–".to_owned();
        table.row([
            name,
            format!("{:.0}", size as f64 / 1e3),
            figures
                .pages
                .map_or_else(missing, |pages| pages.to_string()),
            format!("{:.0}", figures.text_bytes as f64 / 1e3),
            format!("{ms:.1}"),
            figures
                .pages
                .map_or_else(missing, |pages| format!("{:.2}", ms / pages as f64)),
            figures
                .peak_bytes
                .map_or_else(missing, |bytes| format!("{:.0}", bytes as f64 / 1e6)),
        ]);
    }
    println!("{table}");
    Ok(())
}

fn write(folder: &Path, name: &str, content: &[u8]) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, content)?;
    Ok(path)
}

fn figures(task: &Task) -> anyhow::Result<Figures> {
    let mut file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&mut file, task)?;
    let output = Command::new(std::env::current_exe()?)
        .arg("documents-probe")
        .arg(file.path())
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "{} failed", task.file.display());
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Reads a document in this process and prints the figures as JSON.
pub(crate) fn probe(task: &Path) -> anyhow::Result<()> {
    let task: Task = serde_json::from_str(&fs::read_to_string(task)?)?;
    let bytes = fs::read(&task.file)?;
    let name = task.file.file_name().unwrap_or_default().to_string_lossy();
    let about = About {
        name: Some(&name),
        ..About::default()
    };
    let mut figures = Figures {
        ms: Vec::new(),
        pages: None,
        text_bytes: 0,
        peak_bytes: None,
    };
    for _ in 0..task.rounds {
        let bytes = bytes.clone();
        let started = Instant::now();
        let document = extract_document(bytes, &about, &Limits::default())?;
        figures.ms.push(started.elapsed().as_secs_f64() * 1e3);
        figures.text_bytes = document.text.len();
        let pages = document.metadata.get("page_count");
        figures.pages = pages.and_then(serde_json::Value::as_u64);
    }
    figures.peak_bytes = peak_bytes();
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// The highest resident memory of this process so far, where Linux tells it.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}
