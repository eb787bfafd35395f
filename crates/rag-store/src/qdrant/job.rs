//! Adding, leasing, ending and listing jobs.
//!
//! A job is changed only from the state it was seen in, so of several workers
//! that want it one gets it, whichever processes they are in.

use std::cmp::Reverse;
use std::collections::HashSet;

use qdrant_client::qdrant::{Condition, Filter, PointId, RetrievedPoint};
use rag_core::model::{Job, JobId, JobKind, JobState, NewJob, Timestamp};
use rag_core::port::{FINISHED_JOBS_KEPT, JobFilter, JobPage, Lease};

use super::failure::Failure;
use super::home::{self, Home, TRIES_MAX, busy};
use super::job_item;
use super::job_record::{self, KeptJob, LISTED_FIELDS, Slot, any, one};
use super::points::Fields;
use super::record;
use super::row::{Payload, Row};
use super::server::Server;

/// Adds a job or finds the one to join, and says whether it was added.
pub(super) async fn add(server: &Server, new: &NewJob) -> Result<(Job, bool), Failure> {
    let home = home::one(server, &new.collection).await?;
    let _alone = server.locks.one(new.key).await;
    for _ in 0..TRIES_MAX {
        let slot = Slot::read(server, &home.key, &new.key).await?;
        if let Some(unfinished) = unfinished(server, slot.as_ref()).await? {
            if !unfinished.is_unattended(new.created_at) {
                return Ok((counted(server, unfinished).await?, false));
            }
            // What joined it would never be done.
            cancelled(server, unfinished, new.created_at).await?;
        }
        // The very same request once more, though its job has come to its end.
        let id = JobId::derive(&new.key, new.created_at);
        let present = any(server, id).await?;
        if let Some(same) = present.filter(KeptJob::is_open) {
            if same.job.new.key != new.key {
                return Err(Failure::Stuck(format!("`{id}` is another job already")));
            }
            return Ok((counted(server, same).await?, false));
        }
        let asked = KeptJob::asked_for(new, &home);
        let before = server.record(&job_record::point(id)).await?;
        if !asked.write(server, before.as_ref()).await? {
            continue;
        }
        if !Slot::take(server, &asked, slot.as_ref()).await? {
            job_record::forget(server, &asked).await?;
            continue;
        }
        let slot = Slot::read(server, &home.key, &new.key).await?;
        let Some(opened) = unfinished(server, slot.as_ref()).await? else {
            continue;
        };
        let is_ours = opened.owner == asked.owner;
        if is_ours {
            prune(server, &home).await?;
        }
        return Ok((counted(server, opened).await?, is_ours));
    }
    Err(busy(&format!("a job about `{}`", new.subject)))
}

/// The unfinished job that a slot names. One that its record does not say is
/// open is opened here.
async fn unfinished(server: &Server, slot: Option<&Slot>) -> Result<Option<KeptJob>, Failure> {
    let Some(slot) = slot else { return Ok(None) };
    for _ in 0..TRIES_MAX {
        let Some(mut job) = any(server, slot.job).await? else {
            return Ok(None);
        };
        if job.opened == slot.opened {
            return Ok((!job.job.state.is_final()).then_some(job));
        }
        let before = job.seen.clone();
        job_item::retry_failed(server, &job.owner).await?;
        job.opened.clone_from(&slot.opened);
        job.job.state = JobState::Queued;
        job.job.error = None;
        job.job.cancel_requested = false;
        job.job.finished_at = None;
        job.write(server, Some(&before)).await?;
    }
    Err(busy(&format!("job `{}`", slot.job)))
}

pub(super) async fn read(server: &Server, id: JobId) -> Result<Option<Job>, Failure> {
    match one(server, id).await? {
        Some(job) => Ok(Some(counted(server, job).await?)),
        None => Ok(None),
    }
}

/// A job with its counts: those it ended with, or those of its items now.
async fn counted(server: &Server, kept: KeptJob) -> Result<Job, Failure> {
    let mut job = kept.job;
    if !job.state.is_final() {
        job.counts = job_item::counts(server, &kept.owner).await?;
    }
    Ok(job)
}

/// A page of the jobs that pass. The few jobs there are are gone through for it.
pub(super) async fn page(
    server: &Server,
    filter: &JobFilter,
    offset: usize,
    limit: usize,
) -> Result<JobPage, Failure> {
    let homes = match &filter.collection {
        Some(name) => vec![home::one(server, name).await?.key],
        None => home::all(server)
            .await?
            .into_iter()
            .map(|home| home.key)
            .collect(),
    };
    let mut listed = listed(server, homes, &filter.states).await?;
    listed.sort_unstable_by_key(|job| (Reverse(job.created_at), job.id));
    let total = listed.len() as u64;
    let wanted: Vec<PointId> = listed
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|job| job_record::point(job.id))
        .collect();
    let found = server.get(server.records(), &wanted, Fields::All, &[]);
    let mut found = record::by_id(found.await?);
    let mut jobs = Vec::with_capacity(wanted.len());
    for id in &wanted {
        let job = found.remove(id).map(|seen| KeptJob::read(&seen));
        if let Some(job) = job.transpose()?.flatten() {
            jobs.push(counted(server, job).await?);
        }
    }
    Ok(JobPage { jobs, total })
}

/// A job in a listing.
struct Listed {
    id: JobId,
    created_at: Timestamp,
    state: JobState,
    kind: JobKind,
    subject: String,
    owner: String,
    /// Its record, as far as it was read.
    seen: Payload,
}

async fn listed(
    server: &Server,
    homes: Vec<String>,
    states: &[JobState],
) -> Result<Vec<Listed>, Failure> {
    if homes.is_empty() {
        return Ok(Vec::new());
    }
    let mut conditions = vec![
        Condition::matches("kind", "job".to_owned()),
        Condition::matches("home", homes),
    ];
    if !states.is_empty() {
        let names = states.iter().map(|state| state.as_str().to_owned());
        conditions.push(Condition::matches("state", names.collect::<Vec<_>>()));
    }
    let filter = Filter::must(conditions);
    let found = server.scroll(
        server.records(),
        &filter,
        None,
        usize::MAX,
        Fields::Only(&LISTED_FIELDS),
    );
    let mut listed = Vec::new();
    for RetrievedPoint { payload, .. } in found.await? {
        let row = Row(&payload);
        if row.text("opened")?.is_empty() {
            continue;
        }
        listed.push(Listed {
            id: JobId::from_i64(row.number("id")?)
                .ok_or_else(|| Failure::Damaged("a job has a negative id".to_owned()))?,
            created_at: row.time("created_at")?,
            state: row.named("state", JobState::from_name)?,
            kind: row.named("job_kind", JobKind::from_name)?,
            subject: row.text("subject")?.to_owned(),
            owner: row.text("owner")?.to_owned(),
            seen: payload,
        });
    }
    Ok(listed)
}

/// Changes a job as `decide` says, which gives nothing when it stays as it is,
/// and what is to be told. Tried again while others come before.
async fn change<T>(
    server: &Server,
    id: JobId,
    absent: T,
    decide: impl Fn(&mut KeptJob) -> (bool, T),
) -> Result<T, Failure> {
    let _alone = server.locks.one(id).await;
    for _ in 0..TRIES_MAX {
        let Some(mut job) = one(server, id).await? else {
            return Ok(absent);
        };
        let before = job.seen.clone();
        let was_final = job.job.state.is_final();
        let (is_changed, told) = decide(&mut job);
        if !is_changed {
            return Ok(told);
        }
        if job.job.state.is_final() && !was_final {
            job.job.counts = job_item::counts(server, &job.owner).await?;
        }
        if job.write(server, Some(&before)).await? {
            return Ok(told);
        }
    }
    Err(busy(&format!("job `{id}`")))
}

/// Takes a job, or renews the lease on it.
pub(super) async fn lease(
    server: &Server,
    id: JobId,
    worker: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Lease, Failure> {
    let decide = |kept: &mut KeptJob| {
        let is_free = match kept.job.state {
            JobState::Queued => true,
            JobState::Running => {
                kept.worker.as_deref() == Some(worker)
                    || kept.job.leased_until.is_none_or(|until| until <= now)
            }
            _ => false,
        };
        if !is_free {
            return (false, Lease::Refused);
        }
        kept.job.state = JobState::Running;
        kept.worker = Some(worker.to_owned());
        kept.job.leased_until = Some(until);
        kept.job.started_at.get_or_insert(now);
        let lease = match kept.job.cancel_requested {
            true => Lease::CancelRequested,
            false => Lease::Held,
        };
        (true, lease)
    };
    change(server, id, Lease::Refused, decide).await
}

/// Ends what `worker` does with a job, which has stopped when it was to be let
/// go but shall stop. `false` when it is not this worker's.
pub(super) async fn release(
    server: &Server,
    id: JobId,
    worker: &str,
    state: JobState,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool, Failure> {
    let decide = |kept: &mut KeptJob| {
        if kept.worker.as_deref() != Some(worker) {
            return (false, false);
        }
        if state.is_final() {
            kept.job.error = error.map(str::to_owned);
            kept.end(state, now);
        } else {
            // Without a worker nothing is running.
            kept.job.state = JobState::Queued;
            kept.job.error = None;
            kept.job.leased_until = None;
            kept.worker = None;
        }
        if kept.is_unattended(now) {
            kept.end(JobState::Cancelled, now);
        }
        (true, true)
    };
    change(server, id, false, decide).await
}

/// Keeps notes of `worker`. `false` when the job is not this worker's.
pub(super) async fn note(
    server: &Server,
    id: JobId,
    worker: &str,
    notes: &serde_json::Value,
) -> Result<bool, Failure> {
    let decide = |kept: &mut KeptJob| {
        let is_own = kept.worker.as_deref() == Some(worker);
        if is_own {
            kept.job.notes = notes.clone();
        }
        (is_own, is_own)
    };
    change(server, id, false, decide).await
}

/// Asks for a job to stop; one that nobody works on has stopped.
pub(super) async fn cancel(
    server: &Server,
    id: JobId,
    now: Timestamp,
) -> Result<Option<Job>, Failure> {
    let decide = |kept: &mut KeptJob| {
        if kept.job.state.is_final() {
            return (false, ());
        }
        kept.job.cancel_requested = true;
        if kept.is_unattended(now) {
            kept.end(JobState::Cancelled, now);
        }
        (true, ())
    };
    change(server, id, (), decide).await?;
    read(server, id).await
}

/// Ends an unattended job, if it still is.
async fn cancelled(server: &Server, kept: KeptJob, now: Timestamp) -> Result<(), Failure> {
    let before = kept.seen.clone();
    let mut kept = kept;
    kept.end(JobState::Cancelled, now);
    kept.job.counts = job_item::counts(server, &kept.owner).await?;
    kept.write(server, Some(&before)).await.map(drop)
}

/// Makes a finished job queued again. Where another of its key was added since
/// and is unfinished, that is the one to follow, and it is given instead.
pub(super) async fn reopen(server: &Server, id: JobId) -> Result<Option<Job>, Failure> {
    let Some(job) = one(server, id).await? else {
        return Ok(None);
    };
    let key = job.job.new.key;
    let _alone = server.locks.one(key).await;
    for _ in 0..TRIES_MAX {
        let Some(job) = one(server, id).await? else {
            return Ok(None);
        };
        let slot = Slot::read(server, &job.home, &key).await?;
        if let Some(unfinished) = unfinished(server, slot.as_ref()).await? {
            return Ok(Some(counted(server, unfinished).await?));
        }
        Slot::take(server, &job, slot.as_ref()).await?;
    }
    Err(busy(&format!("job `{id}`")))
}

/// Removes the finished jobs of a collection but for the newest, of all and of
/// each kind and subject.
async fn prune(server: &Server, home: &Home) -> Result<(), Failure> {
    let ends: Vec<JobState> = JobState::ALL
        .iter()
        .copied()
        .filter(|state| state.is_final())
        .collect();
    let mut finished = listed(server, vec![home.key.clone()], &ends).await?;
    finished.sort_unstable_by_key(|job| (Reverse(job.created_at), job.id));
    let mut subjects = HashSet::new();
    let mut done = HashSet::new();
    for (place, job) in finished.iter().enumerate() {
        let subject = (job.kind.as_str(), job.subject.as_str());
        let is_newest = subjects.insert(subject);
        let is_newest_done = job.state == JobState::Done && done.insert(subject);
        if place < FINISHED_JOBS_KEPT || is_newest || is_newest_done {
            continue;
        }
        let id = job_record::point(job.id);
        if record::remove(server, &id, &job.seen).await? {
            job_item::forget(server, &job.owner).await?;
        }
    }
    Ok(())
}
