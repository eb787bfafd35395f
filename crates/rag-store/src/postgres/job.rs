//! Jobs in the database: adding, leasing, ending and listing them.
//!
//! Each function is one transaction of its caller's. What changes a job's row
//! says in the same statement what must be so, so that of two programs that want
//! the same job one comes first. Adding and reopening depend on rows that are not
//! there: they have the lock of the job's key.

use rag_core::model::{ContentHash, Job, JobId, JobState, NewJob, Timestamp};
use rag_core::port::{FINISHED_JOBS_KEPT, JobFilter, JobPage, Lease};

use super::collection;
use super::error::Failure;
use super::job_item;
use super::job_row::{self, JOB_COLUMNS};
use super::row::{self, sql_number};
use super::session::{Session, built, sql};
use super::text::kept;

/// Adds a job or finds the one to join, and says whether it was added.
pub(super) async fn add(session: &mut Session, new: &NewJob) -> Result<(Job, bool), Failure> {
    let collection = collection::id_that_stays(session, &new.collection).await?;
    let id = JobId::derive(&new.key, new.created_at);
    lock(session, &new.key).await?;
    end_unattended(session, &new.key, new.created_at).await?;
    if let Some(unfinished) = unfinished(session, &new.key).await? {
        return Ok((there(session, unfinished).await?, false));
    }
    // The very same request once more, though its job has come to its end.
    let same = one(session, id).await?;
    if let Some(job) = same.filter(|job| job.new.key == new.key) {
        return Ok((job, false));
    }
    let insert = sql(
        "INSERT INTO job (id, collection_id, key, kind, state, created_at, subject, request, notes)
         VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7::text::json, '{}')",
    );
    let insert = insert
        .bind(id.as_i64())
        .bind(collection)
        .bind(new.key.0.to_vec())
        .bind(new.kind.as_str())
        .bind(new.created_at.as_microsecond())
        .bind(kept(&new.subject))
        .bind(new.request.to_string());
    session.execute(insert).await?;
    prune(session, collection).await?;
    Ok((there(session, id).await?, true))
}

pub(super) async fn one(session: &mut Session, id: JobId) -> Result<Option<Job>, Failure> {
    let select = built(format!(
        "SELECT {JOB_COLUMNS} FROM job j JOIN collection c ON c.id = j.collection_id
         WHERE j.id = $1"
    ));
    let found = session.row(select.bind(id.as_i64())).await?;
    found.as_ref().map(job_row::job).transpose()
}

pub(super) async fn page(
    session: &mut Session,
    filter: &JobFilter,
    offset: usize,
    limit: usize,
) -> Result<JobPage, Failure> {
    let collection = match &filter.collection {
        Some(name) => Some(collection::id(session, name).await?),
        None => None,
    };
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    // A condition that is not there must not keep the planner from an index.
    let of_collection = match collection {
        Some(_) => "j.collection_id = $1",
        None => "$1::bigint IS NULL",
    };
    let condition = format!("{of_collection} AND (cardinality($2) = 0 OR j.state = ANY ($2))");
    let count = built(format!("SELECT count(*) FROM job j WHERE {condition}"));
    let count = count.bind(collection).bind(states.clone());
    let total = row::number(&session.one(count).await?, 0)?;
    let select = built(format!(
        "SELECT {JOB_COLUMNS} FROM job j JOIN collection c ON c.id = j.collection_id
         WHERE {condition} ORDER BY j.created_at DESC, j.id LIMIT $3 OFFSET $4"
    ));
    let select = select
        .bind(collection)
        .bind(states)
        .bind(sql_number(limit))
        .bind(sql_number(offset));
    Ok(JobPage {
        jobs: session.each(select, job_row::job).await?,
        total,
    })
}

/// Takes a job, or renews the lease on it.
pub(super) async fn lease(
    session: &mut Session,
    id: JobId,
    worker: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Lease, Failure> {
    let update = sql("UPDATE job
         SET state = 'running', worker = $2, leased_until = $4,
             started_at = coalesce(started_at, $3)
         WHERE id = $1 AND (state = 'queued'
             OR state = 'running' AND (worker = $2 OR leased_until <= $3))
         RETURNING cancel_requested");
    let update = update
        .bind(id.as_i64())
        .bind(kept(worker))
        .bind(now.as_microsecond())
        .bind(until.as_microsecond());
    let shall_stop = session.row(update).await?;
    Ok(match shall_stop {
        Some(row) if row::get(&row, 0)? => Lease::CancelRequested,
        Some(_) => Lease::Held,
        None => Lease::Refused,
    })
}

/// Ends what `worker` does with a job, which has stopped when it was to be let
/// go but shall stop. `false` when it is not this worker's.
pub(super) async fn release(
    session: &mut Session,
    id: JobId,
    worker: &str,
    state: JobState,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool, Failure> {
    // What is not at its end is let go: without a worker nothing is running.
    let (state, error, finished_at) = match state.is_final() {
        true => (state, error, Some(now.as_microsecond())),
        false => (JobState::Queued, None, None),
    };
    let update = sql("UPDATE job
         SET state = $3, error = $4, finished_at = $5, worker = NULL, leased_until = NULL
         WHERE id = $1 AND worker = $2
         RETURNING key");
    let update = update
        .bind(id.as_i64())
        .bind(kept(worker))
        .bind(state.as_str())
        .bind(error.map(kept))
        .bind(finished_at);
    match session.row(update).await? {
        Some(row) => end_unattended(session, &row::hash(&row, 0)?, now).await?,
        None => return Ok(false),
    }
    Ok(true)
}

/// Keeps notes of `worker`. `false` when the job is not this worker's.
pub(super) async fn note(
    session: &mut Session,
    id: JobId,
    worker: &str,
    notes: &serde_json::Value,
) -> Result<bool, Failure> {
    let update = sql("UPDATE job SET notes = $3::text::json WHERE id = $1 AND worker = $2");
    let update = update
        .bind(id.as_i64())
        .bind(kept(worker))
        .bind(notes.to_string());
    Ok(session.execute(update).await? > 0)
}

/// Asks for a job to stop; one that nobody works on has stopped.
pub(super) async fn cancel(
    session: &mut Session,
    id: JobId,
    now: Timestamp,
) -> Result<Option<Job>, Failure> {
    let update = sql(
        "UPDATE job SET cancel_requested = true WHERE id = $1 AND finished_at IS NULL
         RETURNING key",
    );
    if let Some(row) = session.row(update.bind(id.as_i64())).await? {
        end_unattended(session, &row::hash(&row, 0)?, now).await?;
    }
    one(session, id).await
}

/// Ends the unfinished job of a key when it shall stop and nobody works on it:
/// what joined it would never be done.
async fn end_unattended(
    session: &mut Session,
    key: &ContentHash,
    now: Timestamp,
) -> Result<(), Failure> {
    let update = sql("UPDATE job
         SET state = 'cancelled', finished_at = $2, worker = NULL, leased_until = NULL
         WHERE key = $1 AND finished_at IS NULL AND cancel_requested
             AND (state = 'queued' OR leased_until <= $2)");
    let update = update.bind(key.0.to_vec()).bind(now.as_microsecond());
    session.execute(update).await?;
    Ok(())
}

/// Makes a finished job queued again. Where another of its key was added since
/// and is unfinished, that is the one to follow, and it is given instead.
pub(super) async fn reopen(session: &mut Session, id: JobId) -> Result<Option<Job>, Failure> {
    let select = sql("SELECT key FROM job WHERE id = $1");
    let Some(found) = session.row(select.bind(id.as_i64())).await? else {
        return Ok(None);
    };
    let key = row::hash(&found, 0)?;
    lock(session, &key).await?;
    if let Some(unfinished) = unfinished(session, &key).await? {
        return Ok(Some(there(session, unfinished).await?));
    }
    let update = sql("UPDATE job
         SET state = 'queued', error = NULL, cancel_requested = false, finished_at = NULL
         WHERE id = $1");
    session.execute(update.bind(id.as_i64())).await?;
    job_item::retry_failed(session, id).await?;
    one(session, id).await
}

/// Lets nobody else add or reopen a job of this key while the transaction lasts.
async fn lock(session: &mut Session, key: &ContentHash) -> Result<(), Failure> {
    let lock = key.head().cast_signed();
    session
        .batch(format!("SELECT pg_advisory_xact_lock({lock})"))
        .await
}

/// The job of that key that has not come to its end.
async fn unfinished(session: &mut Session, key: &ContentHash) -> Result<Option<JobId>, Failure> {
    let select = sql("SELECT id FROM job WHERE key = $1 AND finished_at IS NULL");
    let found = session.row(select.bind(key.0.to_vec())).await?;
    found.map(|row| job_row::job_id(&row, 0)).transpose()
}

/// A job that was found in this transaction.
async fn there(session: &mut Session, id: JobId) -> Result<Job, Failure> {
    let job = one(session, id).await?;
    job.ok_or_else(|| Failure::Damaged(format!("job `{id}` has no collection")))
}

/// Removes the finished jobs of a collection but for the newest, of all and of
/// each kind and subject.
async fn prune(session: &mut Session, collection: i64) -> Result<(), Failure> {
    let delete = sql("DELETE FROM job WHERE finished_at IS NOT NULL AND id IN (
             SELECT id FROM (
                 SELECT id, state,
                     row_number() OVER of_all AS place,
                     row_number() OVER of_subject AS place_of_subject,
                     row_number() OVER of_outcome AS place_of_outcome
                 FROM job WHERE collection_id = $1 AND finished_at IS NOT NULL
                 WINDOW of_all AS (ORDER BY created_at DESC, id),
                     of_subject AS (
                         PARTITION BY kind, subject ORDER BY created_at DESC, id),
                     of_outcome AS (
                         PARTITION BY kind, subject, state ORDER BY created_at DESC, id)) j
             WHERE place > $2 AND place_of_subject > 1
                 AND NOT (state = 'done' AND place_of_outcome = 1))");
    let delete = delete.bind(collection).bind(sql_number(FINISHED_JOBS_KEPT));
    session.execute(delete).await?;
    Ok(())
}
