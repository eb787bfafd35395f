//! What the work of a job has at hand: its items, its notes, and a place to
//! write down what becomes of them.

use std::sync::{Mutex as SyncMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rag_core::model::{ItemState, Job, JobItem};
use rag_core::port::JOB_LISTING_LIMIT_MAX;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, watch};

use crate::Error;
use crate::memory::{Memory, Progress};

/// How many items are written in one step at the most. What a crash loses of
/// them is seen to again, which changes nothing.
const UNWRITTEN_MAX: usize = 100;
/// How long an item waits to be written, while others follow.
const UNWRITTEN_FOR_MAX: Duration = Duration::from_millis(250);
/// How many warnings a job keeps.
const WARNINGS_MAX: usize = 100;

/// A job that this process works on.
pub(in crate::memory) struct JobRun {
    /// As it was when it was taken.
    pub(in crate::memory) job: Job,
    memory: Memory,
    ledger: Mutex<Ledger>,
    /// Apart from the ledger, and never held while waiting: whoever notes something
    /// may be one of several futures that are not polled while another waits.
    notes: SyncMutex<Notes>,
    progress: watch::Sender<Progress>,
}

struct Ledger {
    unwritten: Vec<JobItem>,
    written_at: Instant,
    /// The version of the notes that was written last.
    notes_written: u64,
}

struct Notes {
    values: Map<String, Value>,
    /// Counts the changes of them.
    version: u64,
}

impl JobRun {
    pub(super) fn new(memory: Memory, job: Job, progress: watch::Sender<Progress>) -> Self {
        progress.send_replace(Progress {
            done: job.counts.done(),
            total: job.counts.total(),
            message: job.new.subject.clone(),
        });
        let notes = match &job.notes {
            Value::Object(notes) => notes.clone(),
            _ => Map::new(),
        };
        JobRun {
            job,
            memory,
            ledger: Mutex::new(Ledger {
                unwritten: Vec::new(),
                written_at: Instant::now(),
                notes_written: 0,
            }),
            notes: SyncMutex::new(Notes {
                values: notes,
                version: 0,
            }),
            progress,
        }
    }

    /// All items that were written down, or those in one state, in their order.
    pub(in crate::memory) async fn items(
        &self,
        state: Option<ItemState>,
    ) -> Result<Vec<JobItem>, Error> {
        let mut items = Vec::new();
        loop {
            let page =
                self.memory
                    .store
                    .job_items(self.job.id, state, items.len(), JOB_LISTING_LIMIT_MAX);
            let page = page.await?;
            if page.is_empty() {
                return Ok(items);
            }
            items.extend(page);
        }
    }

    /// Says how many items there will be, where that is known before them.
    pub(in crate::memory) fn expect(&self, total: u64) {
        self.progress
            .send_modify(|progress| progress.total = progress.total.max(total));
    }

    /// Writes down items together: what became of one, and what it brought to
    /// be done.
    pub(in crate::memory) async fn settle(&self, items: Vec<JobItem>) -> Result<(), Error> {
        self.progress.send_modify(|progress| {
            for item in &items {
                match item.state {
                    ItemState::Pending => progress.total += 1,
                    _ => {
                        progress.done += 1;
                        progress.message.clone_from(&item.name);
                    }
                }
            }
            progress.total = progress.total.max(progress.done);
        });
        let mut ledger = self.ledger.lock().await;
        ledger.unwritten.extend(items);
        let due = ledger.unwritten.len() >= UNWRITTEN_MAX
            || ledger.written_at.elapsed() >= UNWRITTEN_FOR_MAX;
        match due {
            true => self.write(&mut ledger).await,
            false => Ok(()),
        }
    }

    /// Writes down what is not written yet. A worker that has lost its job
    /// writes nothing: the other one does.
    pub(in crate::memory) async fn flush(&self) -> Result<(), Error> {
        self.write(&mut *self.ledger.lock().await).await
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, ledger: &mut Ledger) -> Result<(), Error> {
        let (store, worker) = (&self.memory.store, &self.memory.jobs.worker);
        if !ledger.unwritten.is_empty() {
            store
                .put_job_items(self.job.id, worker, &ledger.unwritten)
                .await?;
            ledger.unwritten.clear();
        }
        let (version, unwritten) = {
            let notes = self.notes();
            let unwritten = notes.version != ledger.notes_written;
            (notes.version, unwritten.then(|| notes.values.clone()))
        };
        if let Some(notes) = unwritten {
            let notes = Value::Object(notes);
            store.note_job(self.job.id, worker, &notes).await?;
            ledger.notes_written = version;
        }
        ledger.written_at = Instant::now();
        Ok(())
    }

    /// Keeps a value for whoever takes the job over, or reads about it. Written
    /// with the next items.
    pub(in crate::memory) fn note(&self, name: &str, value: impl Into<Value>) {
        let mut notes = self.notes();
        notes.values.insert(name.to_owned(), value.into());
        notes.version += 1;
    }

    /// What was noted under `name`.
    pub(in crate::memory) fn noted(&self, name: &str) -> Option<Value> {
        self.notes().values.get(name).cloned()
    }

    /// Keeps a sentence about the job as a whole, for its reply; once.
    pub(in crate::memory) fn warn(&self, warning: String) {
        let mut notes = self.notes();
        let warnings = notes
            .values
            .entry("warnings")
            .or_insert(Value::Array(Vec::new()));
        if let Value::Array(warnings) = warnings
            && warnings.len() < WARNINGS_MAX
            && !warnings.iter().any(|known| *known == warning)
        {
            warnings.push(Value::from(warning));
            notes.version += 1;
        }
    }
}
