//! What is left of a web page: word F1, kept and leaked snippets of the whole
//! extraction, as it ends up stored, per page type; beside `dom_smoothie` and
//! Python's `trafilatura` on the same pages in the same run.
//!
//! All three give Markdown or text, which is made words in the same way. F1 is
//! over the words of a page as a multiset, in lower case, a mean over pages. A
//! snippet counts as there when its words stand in the output in a row.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use flate2::read::GzDecoder;
use rag_extract::{Limits, extract_page};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::table::Table;

/// What is measured, and with what it is compared.
#[derive(Debug, clap::Args)]
pub(crate) struct WebArgs {
    /// The folder: html/*.html.gz and ground-truth/*.json
    #[arg(long, value_name = "DIR")]
    eval: PathBuf,
    /// A Python with the packages of bench/requirements.txt; without it trafilatura is left out
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// The program that runs trafilatura
    #[arg(
        long,
        default_value = "bench/trafilatura_reference.py",
        value_name = "FILE"
    )]
    reference: PathBuf,
    /// A folder to write each page's Markdown and F1 to
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// A page and what is to be found in it.
struct Judged {
    name: String,
    url: Url,
    kind: String,
    html: Vec<u8>,
    words: Words,
    kept: Vec<Words>,
    avoided: Vec<Words>,
    code: Vec<Words>,
    rows: Vec<Words>,
}

#[derive(Deserialize)]
struct Judgement {
    url: String,
    ground_truth: Truth,
    #[serde(rename = "_internal")]
    internal: Internal,
}

#[derive(Deserialize)]
struct Truth {
    main_content: String,
    main_content_markdown: Option<String>,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
}

#[derive(Deserialize)]
struct Internal {
    page_type: PageType,
}

#[derive(Deserialize)]
struct PageType {
    primary: String,
}

/// What the reference is given, and what it prints.
#[derive(Serialize, Deserialize)]
struct Exchange<Page> {
    pages: Vec<Page>,
}

#[derive(Serialize)]
struct ReferencePage<'a> {
    url: &'a str,
    html: String,
}

/// What one way made of a page.
#[derive(Deserialize)]
struct Output {
    markdown: String,
    ms: f64,
}

/// Measures and prints the tables.
pub(crate) fn measure(args: &WebArgs) -> anyhow::Result<()> {
    crate::conditions::print("Web pages");
    let pages = read(&args.eval)?;
    println!("{} pages; one after the other.\n", pages.len());
    let mut ways = vec![
        ("rag-memory", pages.iter().map(ours).collect::<Vec<_>>()),
        ("dom_smoothie", pages.iter().map(smoothie).collect()),
    ];
    if let Some(python) = &args.python {
        ways.push((
            "trafilatura (Python)",
            reference(python, &args.reference, &pages)?,
        ));
    }
    if let Some(folder) = &args.keep {
        keep(folder, &pages, &ways[0].1)?;
    }
    let mut all = Table::new(&[
        "extraction",
        "F1",
        "precision",
        "recall",
        "kept",
        "leaked",
        "code kept",
        "rows kept",
        "empty",
        "ms p50",
        "ms mean",
        "ms max",
    ]);
    let mut by_kind = Table::new(&["page type", "pages", "extraction", "F1", "kept", "leaked"]);
    let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, page) in pages.iter().enumerate() {
        kinds.entry(&page.kind).or_default().push(place);
    }
    for (way, outputs) in &ways {
        let everything: Vec<usize> = (0..pages.len()).collect();
        let figures = Figures::of(&pages, outputs, &everything);
        all.row(figures.row(way));
    }
    for (kind, places) in &kinds {
        for (way, outputs) in &ways {
            let figures = Figures::of(&pages, outputs, places);
            by_kind.row([
                (*kind).to_owned(),
                places.len().to_string(),
                (*way).to_owned(),
                format!("{:.3}", figures.f1),
                share(figures.kept),
                share(figures.leaked),
            ]);
        }
    }
    println!("{all}\n{by_kind}");
    Ok(())
}

fn ours(page: &Judged) -> Output {
    timed(|| {
        let limits = Limits::default();
        let read = extract_page(&page.html, None, &page.url, None, &limits);
        read.map(|read| read.markdown).unwrap_or_default()
    })
}

fn smoothie(page: &Judged) -> Output {
    timed(|| {
        let html = String::from_utf8_lossy(&page.html);
        let config = dom_smoothie::Config {
            text_mode: dom_smoothie::TextMode::Markdown,
            ..Default::default()
        };
        dom_smoothie::Readability::new(&*html, Some(page.url.as_str()), Some(config))
            .and_then(|mut readability| readability.parse())
            .map(|article| article.text_content.to_string())
            .unwrap_or_default()
    })
}

fn timed(extract: impl FnOnce() -> String) -> Output {
    let started = Instant::now();
    let markdown = extract();
    let ms = started.elapsed().as_secs_f64() * 1e3;
    Output { markdown, ms }
}

fn reference(python: &Path, program: &Path, pages: &[Judged]) -> anyhow::Result<Vec<Output>> {
    let pages = pages.iter().map(|page| ReferencePage {
        url: page.url.as_str(),
        html: String::from_utf8_lossy(&page.html).into_owned(),
    });
    let mut task = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(
        &mut task,
        &Exchange {
            pages: pages.collect(),
        },
    )?;
    let output = Command::new(python)
        .arg(program)
        .arg(task.path())
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "the reference failed: {}",
        output.status
    );
    let answer: Exchange<Output> = serde_json::from_slice(&output.stdout)?;
    Ok(answer.pages)
}

fn keep(folder: &Path, pages: &[Judged], outputs: &[Output]) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let mut scores = String::new();
    for (page, output) in pages.iter().zip(outputs) {
        fs::write(folder.join(format!("{}.md", page.name)), &output.markdown)?;
        let (f1, precision, recall) = overlap(&Words::of(&output.markdown), &page.words);
        let (name, kind, url) = (&page.name, &page.kind, &page.url);
        scores.push_str(&format!(
            "{f1:.3} {precision:.3} {recall:.3} {name} {kind} {url}\n"
        ));
    }
    fs::write(folder.join("scores.txt"), scores)?;
    Ok(())
}

fn read(folder: &Path) -> anyhow::Result<Vec<Judged>> {
    let mut judgements: Vec<PathBuf> = fs::read_dir(folder.join("ground-truth"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    judgements.sort();
    let pages = judgements.iter().map(|path| {
        let judgement: Judgement = serde_json::from_slice(&fs::read(path)?)?;
        let name = path.file_stem().context("a judgement has a name")?;
        let name = name.to_string_lossy().into_owned();
        let file = File::open(folder.join("html").join(format!("{name}.html.gz")))?;
        let mut html = Vec::new();
        GzDecoder::new(file).read_to_end(&mut html)?;
        let truth = judgement.ground_truth;
        let markdown = truth.main_content_markdown.unwrap_or_default();
        let many = |texts: &[String]| texts.iter().map(|text| Words::of(text)).collect();
        Ok(Judged {
            name,
            url: Url::parse(&judgement.url)?,
            kind: judgement.internal.page_type.primary,
            html,
            words: Words::of(&truth.main_content),
            kept: many(&truth.with),
            avoided: many(&truth.without),
            code: fenced(&markdown),
            rows: rows(&markdown),
        })
    });
    pages.collect()
}

/// The words of a text in lower case, with one space before and after each.
struct Words(String);

impl Words {
    fn of(markdown: &str) -> Words {
        let text = without_addresses(markdown);
        let mut words = String::from(" ");
        for word in text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
        {
            words.push_str(&word.to_lowercase());
            words.push(' ');
        }
        Words(words)
    }

    fn counts(&self) -> HashMap<&str, usize> {
        let mut counts = HashMap::new();
        for word in self.0.split_ascii_whitespace() {
            *counts.entry(word).or_default() += 1;
        }
        counts
    }

    fn has(&self, snippet: &Words) -> bool {
        self.0.contains(&snippet.0)
    }
}

/// Markdown without the targets of its links and the names of its languages.
fn without_addresses(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            text.push('\n');
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            text.push_str(&rest[..at]);
            let target = &rest[at + 2..];
            rest = target.find(')').map_or("", |end| &target[end + 1..]);
        }
        text.push_str(rest);
        text.push('\n');
    }
    text
}

/// The code blocks of Markdown.
fn fenced(markdown: &str) -> Vec<Words> {
    let parts = markdown.split("\n```").skip(1).step_by(2);
    let code = parts.filter_map(|part| part.split_once('\n'));
    code.map(|(_, code)| Words::of(code))
        .filter(|words| words.0.len() > 1)
        .collect()
}

/// The rows of its tables.
fn rows(markdown: &str) -> Vec<Words> {
    let rows = markdown.lines().filter(|line| line.starts_with('|'));
    rows.map(Words::of)
        .filter(|words| words.0.len() > 1)
        .collect()
}

/// F1, precision and recall of words.
fn overlap(found: &Words, expected: &Words) -> (f64, f64, f64) {
    let (found, expected) = (found.counts(), expected.counts());
    let total = |counts: &HashMap<&str, usize>| counts.values().sum::<usize>() as f64;
    let common = found
        .iter()
        .map(|(word, count)| expected.get(word).map_or(0, |other| *count.min(other)));
    let common = common.sum::<usize>() as f64;
    if common == 0.0 {
        return (0.0, 0.0, 0.0);
    }
    let (precision, recall) = (common / total(&found), common / total(&expected));
    (
        2.0 * precision * recall / (precision + recall),
        precision,
        recall,
    )
}

/// What one way comes to on some pages.
struct Figures {
    f1: f64,
    precision: f64,
    recall: f64,
    kept: (usize, usize),
    leaked: (usize, usize),
    code: (usize, usize),
    rows: (usize, usize),
    empty: usize,
    ms: Vec<f64>,
}

impl Figures {
    fn of(pages: &[Judged], outputs: &[Output], places: &[usize]) -> Figures {
        let mut figures = Figures {
            f1: 0.0,
            precision: 0.0,
            recall: 0.0,
            kept: (0, 0),
            leaked: (0, 0),
            code: (0, 0),
            rows: (0, 0),
            empty: 0,
            ms: Vec::new(),
        };
        for &place in places {
            let (page, output) = (&pages[place], &outputs[place]);
            let words = Words::of(&output.markdown);
            let (f1, precision, recall) = overlap(&words, &page.words);
            figures.f1 += f1 / places.len() as f64;
            figures.precision += precision / places.len() as f64;
            figures.recall += recall / places.len() as f64;
            let count = |(found, of): &mut (usize, usize), snippets: &[Words]| {
                *found += snippets.iter().filter(|snippet| words.has(snippet)).count();
                *of += snippets.len();
            };
            count(&mut figures.kept, &page.kept);
            count(&mut figures.leaked, &page.avoided);
            count(&mut figures.code, &page.code);
            count(&mut figures.rows, &page.rows);
            figures.empty += usize::from(output.markdown.trim().is_empty());
            figures.ms.push(output.ms);
        }
        figures.ms.sort_by(f64::total_cmp);
        figures
    }

    fn row(&self, way: &str) -> [String; 12] {
        let last = self.ms.last().copied().unwrap_or_default();
        [
            way.to_owned(),
            format!("{:.3}", self.f1),
            format!("{:.3}", self.precision),
            format!("{:.3}", self.recall),
            share(self.kept),
            share(self.leaked),
            share(self.code),
            share(self.rows),
            self.empty.to_string(),
            format!(
                "{:.1}",
                self.ms.get(self.ms.len() / 2).copied().unwrap_or_default()
            ),
            format!(
                "{:.1}",
                self.ms.iter().sum::<f64>() / self.ms.len().max(1) as f64
            ),
            format!("{last:.0}"),
        ]
    }
}

fn share((found, of): (usize, usize)) -> String {
    match of {
        0 => "–".to_owned(),
        _ => format!("{:.3}", found as f64 / of as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_a_reader_sees() {
        let words =
            Words::of("# A [Link](https://x.y/z), `snake_case`\n```rust\nlet\n```\n| a | b |");
        assert_eq!(words.0, " a link snake case let a b ");
        let (f1, precision, recall) = overlap(&Words::of("a b b c"), &Words::of("b b d"));
        assert!((precision - 0.5).abs() < 1e-12 && (recall - 2.0 / 3.0).abs() < 1e-12);
        assert!((f1 - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!(overlap(&Words::of(""), &Words::of("a")).0, 0.0);
        assert!(words.has(&Words::of("A link")) && !words.has(&Words::of("link let")));
    }
}
