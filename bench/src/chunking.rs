//! Whether the chunks found are the text that answers: how much of the
//! reference passages they cover (recall), how much of them is reference
//! (precision), and both at once (intersection over union), in characters.
//!
//! The measure and the set's layout are those of Smith and Troynikov,
//! "Evaluating Chunking Strategies for Retrieval" (2024), who count tokens. All
//! texts are searched together; the figures are means over questions.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rag_core::fuse::Fusion;
use rag_core::port::Embedder;
use rag_core::search::{Answer, Mode, search};
use serde_json::Value;

use crate::cached::{CacheArgs, CachedEmbedder};
use crate::judged::{extracted, json_lines, read, text_of};
use crate::location::StoreUrl;
use crate::memory::{fill, query};
use crate::table::Table;

/// How many chunks are asked for.
const LIMITS: [usize; 3] = [3, 5, 10];

/// A question and the passages that answer it, in characters of one text.
struct Question {
    text: String,
    corpus: String,
    references: Vec<Range<usize>>,
}

/// Measures the set in `folder` and prints one table.
pub(crate) async fn measure(folder: &Path, cache: &CacheArgs) -> anyhow::Result<()> {
    crate::conditions::print("Chunking");
    let embedder: Arc<dyn Embedder> = Arc::new(CachedEmbedder::open(cache)?);
    let questions: Vec<Question> = json_lines(&folder.join("questions.jsonl"))?
        .iter()
        .map(question)
        .collect::<anyhow::Result<_>>()?;
    let mut names: Vec<&str> = questions.iter().map(|question| &*question.corpus).collect();
    names.sort_unstable();
    names.dedup();
    let text = |name: &&str| {
        Ok(extracted(
            name,
            name,
            &read(&folder.join(format!("{name}.md")))?,
        ))
    };
    let filled = fill(
        &StoreUrl::Sqlite(None),
        &embedder,
        names.iter().map(text).collect::<anyhow::Result<_>>()?,
    )
    .await?;
    println!(
        "{} questions, {} texts, {} chunks, found in hybrid mode.\n",
        questions.len(),
        filled.document_count,
        filled.chunk_count
    );
    let mut table = Table::new(&[
        "chunks asked for",
        "recall",
        "precision",
        "IoU",
        "characters",
    ]);
    for limit in LIMITS {
        let mut sums = [0.0; 4];
        for question in &questions {
            let query = query(&question.text, Mode::Hybrid, Fusion::Convex, limit);
            let answer = search(&*filled.store, &*embedder, &query).await?;
            let figures = figures(&found(&answer, &question.corpus), question);
            sums.iter_mut()
                .zip(figures)
                .for_each(|(sum, figure)| *sum += figure);
        }
        let [recall, precision, union, characters] = sums.map(|sum| sum / questions.len() as f64);
        table.row([
            limit.to_string(),
            format!("{recall:.4}"),
            format!("{precision:.4}"),
            format!("{union:.4}"),
            format!("{characters:.0}"),
        ]);
    }
    println!("{table}");
    Ok(())
}

fn question(line: &Value) -> anyhow::Result<Question> {
    let references = line.get("references").and_then(Value::as_array);
    let references = references.context("a question has no references")?;
    let place = |reference: &Value, name: &str| {
        let place = reference.get(name).and_then(Value::as_u64);
        place
            .and_then(|place| usize::try_from(place).ok())
            .context("a reference has no place")
    };
    let range =
        |reference: &Value| Ok(place(reference, "start_index")?..place(reference, "end_index")?);
    Ok(Question {
        text: text_of(line, "text").to_owned(),
        corpus: text_of(line, "corpus_id").to_owned(),
        references: references
            .iter()
            .map(range)
            .collect::<anyhow::Result<_>>()?,
    })
}

/// What was found: in the question's text, and how many characters elsewhere.
struct Found {
    here: Vec<Range<usize>>,
    elsewhere: usize,
}

fn found(answer: &Answer, corpus: &str) -> Found {
    let mut found = Found {
        here: Vec::new(),
        elsewhere: 0,
    };
    for passage in &answer.passages {
        let span = passage.chunk.span.char_start..passage.chunk.span.char_end;
        match passage.document.source_uri == corpus {
            true => found.here.push(span),
            false => found.elsewhere += span.len(),
        }
    }
    found
}

/// Recall, precision, intersection over union, and the characters found.
fn figures(found: &Found, question: &Question) -> [f64; 4] {
    let wanted = merged(&question.references);
    let here = merged(&found.here);
    let size = |ranges: &[Range<usize>]| ranges.iter().map(ExactSizeIterator::len).sum::<usize>();
    let shared: usize = wanted
        .iter()
        .flat_map(|wanted| here.iter().map(move |here| overlap(wanted, here)))
        .sum();
    let (wanted, got) = (size(&wanted), size(&here) + found.elsewhere);
    let share = |of: usize| {
        if of == 0 {
            0.0
        } else {
            shared as f64 / of as f64
        }
    };
    [
        share(wanted),
        share(got),
        share(wanted + got - shared),
        got as f64,
    ]
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> usize {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

/// The same characters in ranges that do not touch each other.
fn merged(ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_once() {
        let question = Question {
            text: String::new(),
            corpus: String::new(),
            references: vec![10..20, 15..30],
        };
        let check = |here: &[(usize, usize)], elsewhere, expected: [f64; 4]| {
            let here = here.iter().map(|&(start, end)| start..end).collect();
            assert_eq!(figures(&Found { here, elsewhere }, &question), expected);
        };
        check(&[(10, 30)], 0, [1.0, 1.0, 1.0, 20.0]);
        check(&[(0, 20), (5, 20)], 0, [0.5, 0.5, 10.0 / 30.0, 20.0]);
        check(&[(20, 30)], 30, [0.5, 0.25, 0.2, 40.0]);
        check(&[], 0, [0.0; 4]);
    }
}
