//! Sets of documents, queries and judgements in the layout of BEIR.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use rag_core::ingest::UNNAMED_MEDIA_TYPE;
use rag_core::model::{Extracted, Metadata};
use serde_json::Value;

/// A judged set.
pub(crate) struct Judged {
    /// The name of its folder.
    pub(crate) name: String,
    /// Its documents; the source URI is the id.
    pub(crate) documents: Vec<Extracted>,
    /// Its queries that have a judgement.
    pub(crate) queries: Vec<JudgedQuery>,
}

/// A query and what answers it.
pub(crate) struct JudgedQuery {
    pub(crate) text: String,
    /// How relevant a document is, above 0, by its id.
    pub(crate) relevant: HashMap<String, f64>,
}

impl Judged {
    /// Reads a set's `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let name = folder
            .file_name()
            .unwrap_or(folder.as_os_str())
            .to_string_lossy()
            .into_owned();
        let mut relevant = judgements(&folder.join("qrels.tsv"))?;
        let queries = json_lines(&folder.join("queries.jsonl"))?
            .iter()
            .filter_map(|query| {
                let relevant = relevant.remove(text_of(query, "_id"))?;
                Some(JudgedQuery {
                    text: text_of(query, "text").to_owned(),
                    relevant,
                })
            })
            .collect();
        Ok(Judged {
            name,
            documents: corpus(folder)?,
            queries,
        })
    }
}

/// The documents of a set.
pub(crate) fn corpus(folder: &Path) -> anyhow::Result<Vec<Extracted>> {
    let document = |document: &Value| {
        extracted(
            text_of(document, "_id"),
            text_of(document, "title"),
            text_of(document, "text"),
        )
    };
    Ok(json_lines(&folder.join("corpus.jsonl"))?
        .iter()
        .map(document)
        .collect())
}

/// A document as a source would give it.
pub(crate) fn extracted(source_uri: &str, title: &str, text: &str) -> Extracted {
    Extracted {
        source_uri: Some(source_uri.to_owned()),
        title: title.to_owned(),
        media_type: UNNAMED_MEDIA_TYPE,
        text: text.to_owned(),
        metadata: Metadata::new(),
        warnings: Vec::new(),
    }
}

/// The JSON values of a file that has one in each line.
pub(crate) fn json_lines(path: &Path) -> anyhow::Result<Vec<Value>> {
    let text = read(path)?;
    let values: Result<_, _> = text.lines().map(serde_json::from_str).collect();
    values.with_context(|| format!("{} is not lines of JSON", path.display()))
}

/// A file's text.
pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A text in an object; empty when there is none.
pub(crate) fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// By query id, then by document id: lines of query, document and grade after
/// a line of headings.
fn judgements(path: &Path) -> anyhow::Result<HashMap<String, HashMap<String, f64>>> {
    let text = read(path)?;
    let mut judgements: HashMap<String, HashMap<String, f64>> = HashMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let &[query, document, grade] = &cells[..] else {
            anyhow::bail!("{} has the line `{line}`", path.display());
        };
        let grade: f64 = grade
            .trim()
            .parse()
            .with_context(|| format!("`{line}` has no grade"))?;
        if grade > 0.0 {
            judgements
                .entry(query.to_owned())
                .or_default()
                .insert(document.to_owned(), grade);
        }
    }
    Ok(judgements)
}
