//! The part of the store's measurement that runs in a process of its own, so
//! that what is resident there is the store's.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use rag_core::analyse::query_terms;
use rag_core::fuse::Fusion;
use rag_core::model::{ChunkRef, EmbeddingSpace, Filter, Metadata};
use rag_core::port::{ChunkScore, EmbedError, Embedder, Purpose, Store, TokenLimits};
use rag_core::search::{Mode, Query, search};
use serde::{Deserialize, Serialize};

use crate::location::Location;
use crate::memory::query;
use crate::process::{Process, Resident};
use crate::sample::Sample;

/// What the program asks for by default: passages, and passages of one document.
const PASSAGES: usize = 5;
const PASSAGES_OF_DOCUMENT: usize = 3;
/// What a search for [`PASSAGES`] asks each ranking for.
const RANKING: usize = 200;
/// The passages that a search for [`PASSAGES`] reads.
const READ: usize = 10;
/// Similarities closer than this are the same but for rounding.
const ROUNDING: f32 = 1e-5;

/// What is to be measured.
#[derive(Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) location: Location,
    pub(crate) model: String,
    pub(crate) questions: Vec<Question>,
    pub(crate) narrowed: Vec<Narrowed>,
}

/// A question and its vector.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) vector: Vec<f32>,
}

/// A filter and what is true under it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Narrowed {
    pub(crate) name: String,
    pub(crate) collections: Vec<String>,
    pub(crate) metadata: Metadata,
    /// The similarity of the tenth nearest chunk, for each question.
    pub(crate) tenth: Vec<f32>,
}

/// What was measured.
#[derive(Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) open_ms: f64,
    pub(crate) first_ms: f64,
    pub(crate) first_cpu_ms: Option<f64>,
    pub(crate) opened: Option<Resident>,
    pub(crate) searched: Option<Resident>,
    pub(crate) rows: Vec<Row>,
}

/// One kind of search.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) filter: String,
    pub(crate) what: String,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) cpu_ms: Option<f64>,
    pub(crate) server_cpu_ms: Option<f64>,
    pub(crate) recall: Option<f64>,
}

/// Runs this program again, for `task` alone.
pub(crate) fn in_new_process(task: &Task) -> anyhow::Result<Outcome> {
    let mut file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&mut file, task)?;
    let mut command = Command::new(std::env::current_exe()?);
    let output = command
        .arg("store-probe")
        .arg(file.path())
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "the measuring process failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Measures and prints the outcome as JSON.
pub(crate) async fn run(task: &std::path::Path) -> anyhow::Result<()> {
    let task: Task = serde_json::from_str(&std::fs::read_to_string(task)?)?;
    let process = Process::this();
    let started = Instant::now();
    let store = task.location.open()?;
    let open_ms = started.elapsed().as_secs_f64() * 1e3;
    let opened = process.resident();

    let dimensions = task
        .questions
        .first()
        .map_or(0, |question| question.vector.len());
    let space = EmbeddingSpace {
        model: task.model.clone(),
        dimensions,
    };
    let known = task
        .questions
        .iter()
        .map(|asked| (asked.text.clone(), asked.vector.clone()));
    let probe = Probe {
        store,
        server: task.location.server(),
        embedder: Known {
            space,
            vectors: known.collect(),
        },
    };
    let (first, _) = Sample::take(task.questions.first(), async |asked| {
        probe.nearest(asked, &Filter::default(), 10).await
    })
    .await?;
    let mut rows = Vec::new();
    for narrowed in &task.narrowed {
        probe.measure(&task.questions, narrowed, &mut rows).await?;
    }
    let outcome = Outcome {
        open_ms,
        first_ms: first.percentile_ms(50),
        first_cpu_ms: first.cpu_ms(),
        opened,
        searched: process.resident(),
        rows,
    };
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

struct Probe {
    store: Arc<dyn Store>,
    server: Option<Process>,
    embedder: Known,
}

impl Probe {
    async fn measure(
        &self,
        questions: &[Question],
        narrowed: &Narrowed,
        rows: &mut Vec<Row>,
    ) -> anyhow::Result<()> {
        let names = narrowed.collections.iter().map(|name| name.parse());
        let filter = Filter {
            collections: names.collect::<Result<_, _>>()?,
            metadata: narrowed.metadata.clone(),
        };
        let mut row = |what: &str, sample: &Sample, recall| {
            rows.push(Row {
                filter: narrowed.name.clone(),
                what: what.to_owned(),
                p50_ms: sample.percentile_ms(50),
                p95_ms: sample.percentile_ms(95),
                cpu_ms: sample.cpu_ms(),
                server_cpu_ms: sample.server_cpu_ms(),
                recall,
            });
        };
        let (sample, found) = Sample::take_with(self.server, questions, async |asked| {
            self.nearest(asked, &filter, 10).await
        })
        .await?;
        row("nearest 10", &sample, Some(recall(&found, &narrowed.tenth)));
        let (sample, found) = Sample::take_with(self.server, questions, async |asked| {
            self.nearest(asked, &filter, RANKING).await
        })
        .await?;
        row(
            &format!("nearest {RANKING}"),
            &sample,
            Some(recall(&found, &narrowed.tenth)),
        );
        let (sample, found) = Sample::take_with(self.server, questions, async |asked| {
            Ok(self
                .store
                .matching(&query_terms(&asked.text), &filter, RANKING)
                .await?)
        })
        .await?;
        row(&format!("matching {RANKING}"), &sample, None);
        let found: Vec<Vec<ChunkRef>> = found
            .iter()
            .map(|ranking| ranking.iter().map(|hit| hit.chunk).collect())
            .collect();
        let (sample, _) = Sample::take_with(
            self.server,
            questions.iter().zip(&found),
            async |(asked, chunks)| {
                let space = &self.embedder.space;
                Ok(self
                    .store
                    .similarities(space, &asked.vector, chunks)
                    .await?)
            },
        )
        .await?;
        row(&format!("comparing {RANKING}"), &sample, None);
        let (sample, _) = Sample::take_with(self.server, &found, async |chunks| {
            Ok(self
                .store
                .passages(&chunks[..chunks.len().min(READ)])
                .await?)
        })
        .await?;
        row(&format!("reading {READ}"), &sample, None);
        let plain = Query {
            filter,
            per_document_max: PASSAGES_OF_DOCUMENT,
            ..query("", Mode::Hybrid, Fusion::Convex, PASSAGES)
        };
        let (sample, _) = Sample::take_with(self.server, questions, async |asked| {
            let query = Query {
                text: asked.text.clone(),
                ..plain.clone()
            };
            Ok(search(&*self.store, &self.embedder, &query).await?)
        })
        .await?;
        row("whole search", &sample, None);
        Ok(())
    }

    async fn nearest(
        &self,
        asked: &Question,
        filter: &Filter,
        limit: usize,
    ) -> anyhow::Result<Vec<ChunkScore>> {
        Ok(self
            .store
            .nearest(&self.embedder.space, &asked.vector, filter, limit)
            .await?)
    }
}

/// The share of the true ten that were found, over all questions. A chunk that
/// is as near as the tenth counts as one of them.
fn recall(found: &[Vec<ChunkScore>], tenth: &[f32]) -> f64 {
    let (mut right, mut all) = (0, 0);
    for (found, tenth) in found.iter().zip(tenth) {
        let ten = &found[..found.len().min(10)];
        right += ten
            .iter()
            .filter(|hit| hit.score >= tenth - ROUNDING)
            .count();
        all += ten.len();
    }
    right as f64 / all as f64
}

/// Knows the vectors of the questions beforehand.
struct Known {
    space: EmbeddingSpace,
    vectors: HashMap<String, Vec<f32>>,
}

#[async_trait]
impl Embedder for Known {
    fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    fn token_limits(&self) -> TokenLimits {
        TokenLimits {
            target: usize::MAX,
            max: usize::MAX,
        }
    }

    fn count_tokens(&self, text: &str) -> Result<usize, EmbedError> {
        Ok(text.len())
    }

    async fn embed(&self, texts: &[String], _: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        let vector = |text: &String| {
            self.vectors
                .get(text)
                .cloned()
                .ok_or_else(|| EmbedError::Unavailable {
                    action: "embed a text that was not announced".to_owned(),
                    source: text.as_str().into(),
                })
        };
        texts.iter().map(vector).collect()
    }
}
