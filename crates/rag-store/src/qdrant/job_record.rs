//! Jobs as they are recorded, and the record that says which job of a key is
//! unfinished.

use qdrant_client::qdrant::{Condition, Filter, PointId, Value};
use rag_core::model::{ContentHash, ItemCounts, Job, JobId, JobKind, JobState, NewJob, Timestamp};

use super::failure::Failure;
use super::home::{self, Home};
use super::row::{Payload, Row, number, optional, payload, time};
use super::server::Server;
use super::{record, token};

/// The fields that a listing of jobs is ordered and thinned out by.
pub(super) const LISTED_FIELDS: [&str; 8] = [
    "id",
    "created_at",
    "state",
    "job_kind",
    "subject",
    "owner",
    "version",
    "opened",
];

/// A job as it is recorded.
#[derive(Clone, Debug)]
pub(super) struct KeptJob {
    /// The job; its counts are those it ended with.
    pub(super) job: Job,
    /// The home of its collection.
    pub(super) home: String,
    /// The name that its items carry.
    pub(super) owner: String,
    /// Who has it.
    pub(super) worker: Option<String>,
    /// What opened it last (see [`Slot`]); nothing while nobody may see it.
    pub(super) opened: String,
    /// Its record as it was read.
    pub(super) seen: Payload,
}

impl KeptJob {
    /// A job that nobody may see before it is opened.
    pub(super) fn asked_for(new: &NewJob, home: &Home) -> Self {
        let job = Job {
            id: JobId::derive(&new.key, new.created_at),
            new: new.clone(),
            state: JobState::Queued,
            error: None,
            notes: serde_json::json!({}),
            started_at: None,
            finished_at: None,
            leased_until: None,
            cancel_requested: false,
            counts: ItemCounts::default(),
        };
        KeptJob {
            job,
            home: home.key.clone(),
            owner: token::new(),
            worker: None,
            opened: String::new(),
            seen: Payload::new(),
        }
    }

    /// The job in a record, unless it was removed.
    pub(super) fn read(seen: &Payload) -> Result<Option<Self>, Failure> {
        let row = Row(seen);
        if row.text("kind")? != "job" {
            return Ok(None);
        }
        let id = JobId::from_i64(row.number("id")?)
            .ok_or_else(|| Failure::Damaged("a job has a negative id".to_owned()))?;
        let job = Job {
            id,
            new: NewJob {
                kind: row.named("job_kind", JobKind::from_name)?,
                collection: row.name("collection")?,
                subject: row.text("subject")?.to_owned(),
                key: row.hash("key")?,
                request: row.json("request")?,
                created_at: row.time("created_at")?,
            },
            state: row.named("state", JobState::from_name)?,
            error: row.maybe_text("error").map(str::to_owned),
            notes: row.json("notes")?,
            started_at: row.maybe_time("started_at")?,
            finished_at: row.maybe_time("finished_at")?,
            leased_until: row.maybe_time("leased_until")?,
            cancel_requested: row.flag("cancel_requested"),
            counts: counts(row)?,
        };
        Ok(Some(KeptJob {
            job,
            home: row.text("home")?.to_owned(),
            owner: row.text("owner")?.to_owned(),
            worker: row.maybe_text("worker").map(str::to_owned),
            opened: row.text("opened")?.to_owned(),
            seen: seen.clone(),
        }))
    }

    fn fields(&self) -> Payload {
        let job = &self.job;
        let moment = |at: Option<Timestamp>| optional(at.map(time));
        payload([
            ("kind", Value::from("job")),
            ("id", number(job.id.as_i64())),
            ("home", Value::from(self.home.as_str())),
            ("owner", Value::from(self.owner.as_str())),
            ("opened", Value::from(self.opened.as_str())),
            ("worker", optional(self.worker.as_deref())),
            ("job_kind", Value::from(job.new.kind.as_str())),
            ("collection", Value::from(job.new.collection.as_str())),
            ("subject", Value::from(job.new.subject.as_str())),
            ("key", Value::from(job.new.key.to_string())),
            ("request", Value::from(job.new.request.to_string())),
            ("created_at", time(job.new.created_at)),
            ("state", Value::from(job.state.as_str())),
            ("error", optional(job.error.as_deref())),
            ("notes", Value::from(job.notes.to_string())),
            ("started_at", moment(job.started_at)),
            ("finished_at", moment(job.finished_at)),
            ("leased_until", moment(job.leased_until)),
            ("cancel_requested", Value::from(job.cancel_requested)),
            ("pending", number(job.counts.pending)),
            ("ingested", number(job.counts.ingested)),
            ("unchanged", number(job.counts.unchanged)),
            ("skipped", number(job.counts.skipped)),
            ("failed", number(job.counts.failed)),
            ("removed", number(job.counts.removed)),
            ("chunks", number(job.counts.chunks)),
        ])
    }

    /// Whether readers may see it.
    pub(super) fn is_open(&self) -> bool {
        !self.opened.is_empty()
    }

    /// Whether it shall stop and nobody is at work on it.
    pub(super) fn is_unattended(&self, now: Timestamp) -> bool {
        let is_left = match self.job.state {
            JobState::Queued => true,
            JobState::Running => self.job.leased_until.is_some_and(|until| until <= now),
            _ => false,
        };
        self.job.cancel_requested && is_left
    }

    /// Brings it to its end.
    pub(super) fn end(&mut self, state: JobState, now: Timestamp) {
        self.job.state = state;
        self.job.finished_at = Some(now);
        self.job.leased_until = None;
        self.worker = None;
    }

    /// Writes it in place of `before`; `None` when it is new. Whether nobody
    /// else came before.
    pub(super) async fn write(
        &self,
        server: &Server,
        before: Option<&Payload>,
    ) -> Result<bool, Failure> {
        let id = point(self.job.id);
        let swapped = record::swap(server, &id, before, self.fields(), &[]).await?;
        Ok(swapped.is_done)
    }
}

/// The id of the record of a job.
pub(super) fn point(id: JobId) -> PointId {
    token::point(&["job", &id.as_i64().to_string()])
}

/// The job of that id, if readers may see it.
pub(super) async fn one(server: &Server, id: JobId) -> Result<Option<KeptJob>, Failure> {
    let found = any(server, id).await?;
    Ok(found.filter(KeptJob::is_open))
}

/// The job of that id, also one that nobody may see yet.
pub(super) async fn any(server: &Server, id: JobId) -> Result<Option<KeptJob>, Failure> {
    let found = match server.record(&point(id)).await? {
        Some(found) => KeptJob::read(&found)?,
        None => None,
    };
    let Some(found) = found else { return Ok(None) };
    let names = std::iter::once(&found.job.new.collection);
    let homes = home::named(server, names).await?;
    let is_there = homes.values().any(|home| home.key == found.home);
    Ok(is_there.then_some(found))
}

/// Takes a job that was never opened out of Qdrant.
pub(super) async fn forget(server: &Server, job: &KeptJob) -> Result<(), Failure> {
    let filter = Filter::must([
        Condition::matches("kind", "job".to_owned()),
        Condition::matches("owner", job.owner.clone()),
    ]);
    server.delete(server.records(), &filter).await
}

fn counts(row: Row<'_>) -> Result<ItemCounts, Failure> {
    Ok(ItemCounts {
        pending: row.number("pending")?,
        ingested: row.number("ingested")?,
        unchanged: row.number("unchanged")?,
        skipped: row.number("skipped")?,
        failed: row.number("failed")?,
        removed: row.number("removed")?,
        chunks: row.number("chunks")?,
    })
}

/// What says which job of a key is the one that was opened last. Only one of
/// several that want to open a job writes it, and that is when the job is open:
/// whoever comes across a slot sees to it that its job says so too.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) job: JobId,
    /// The name of that opening.
    pub(super) opened: String,
    /// Its record as it was read.
    pub(super) seen: Payload,
}

impl Slot {
    fn id(home: &str, key: &ContentHash) -> PointId {
        token::point(&["slot", home, &key.to_string()])
    }

    /// The slot of a key.
    pub(super) async fn read(
        server: &Server,
        home: &str,
        key: &ContentHash,
    ) -> Result<Option<Self>, Failure> {
        let Some(seen) = server.record(&Self::id(home, key)).await? else {
            return Ok(None);
        };
        let row = Row(&seen);
        let job = JobId::from_i64(row.number("job")?)
            .ok_or_else(|| Failure::Damaged("a slot has no job".to_owned()))?;
        Ok(Some(Slot {
            job,
            opened: row.text("opened")?.to_owned(),
            seen,
        }))
    }

    /// Makes `job` the one of its key, in place of the slot `before`. Whether
    /// nobody else came before.
    pub(super) async fn take(
        server: &Server,
        job: &KeptJob,
        before: Option<&Slot>,
    ) -> Result<bool, Failure> {
        let fields = payload([
            ("kind", Value::from("slot")),
            ("home", Value::from(job.home.as_str())),
            ("job", number(job.job.id.as_i64())),
            ("opened", Value::from(token::new())),
        ]);
        let id = Self::id(&job.home, &job.job.new.key);
        let before = before.map(|before| &before.seen);
        let swapped = record::swap(server, &id, before, fields, &[]).await?;
        Ok(swapped.is_done)
    }
}
