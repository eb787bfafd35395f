//! Jobs in the file: adding, leasing, ending and listing them.
//!
//! Each function is one transaction of its caller's, so that of two processes
//! that want the same job one comes first.

use rag_core::model::{ContentHash, Job, JobId, JobState, NewJob, Timestamp};
use rag_core::port::{FINISHED_JOBS_KEPT, JobFilter, JobPage, Lease};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::error::Failure;
use super::filter::collection_id;
use super::job_item;
use super::job_row::{self, JOB_COLUMNS};
use super::row::{self, sql_number};

/// Adds a job or finds the one to join, and says whether it was added.
pub(super) fn add(connection: &Connection, new: &NewJob) -> Result<(Job, bool), Failure> {
    let collection = collection_id(connection, &new.collection)?;
    let id = JobId::derive(&new.key, new.created_at);
    end_unattended(connection, &new.key, new.created_at)?;
    if let Some(unfinished) = unfinished(connection, &new.key)? {
        return Ok((there(connection, unfinished)?, false));
    }
    // The very same request once more, though its job has come to its end.
    if let Some(job) = one(connection, id)?.filter(|job| job.new.key == new.key) {
        return Ok((job, false));
    }
    connection
        .prepare_cached(
            "INSERT INTO job
                 (id, collection_id, key, kind, state, created_at, subject, request, notes)
             VALUES (?1, ?2, ?3, ?4, 'queued', ?5, ?6, ?7, '{}')",
        )?
        .execute(params![
            id.as_i64(),
            collection,
            new.key.0,
            new.kind.as_str(),
            new.created_at.as_microsecond(),
            new.subject,
            new.request.to_string(),
        ])?;
    prune(connection, collection)?;
    Ok((there(connection, id)?, true))
}

pub(super) fn one(connection: &Connection, id: JobId) -> Result<Option<Job>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {JOB_COLUMNS} FROM job j JOIN collection c ON c.id = j.collection_id
         WHERE j.id = ?1"
    ))?;
    Ok(statement
        .query_row([id.as_i64()], job_row::job)
        .optional()?)
}

pub(super) fn page(
    connection: &Connection,
    filter: &JobFilter,
    offset: usize,
    limit: usize,
) -> Result<JobPage, Failure> {
    let mut condition = String::from("true");
    let mut values: Vec<SqlValue> = Vec::new();
    if let Some(name) = &filter.collection {
        condition.push_str(" AND j.collection_id = ?");
        values.push(collection_id(connection, name)?.into());
    }
    if !filter.states.is_empty() {
        let marks = vec!["?"; filter.states.len()].join(", ");
        condition.push_str(&format!(" AND j.state IN ({marks})"));
        let names = filter.states.iter().map(|state| state.as_str().to_owned());
        values.extend(names.map(SqlValue::from));
    }
    let total = connection
        .prepare_cached(&format!("SELECT count(*) FROM job j WHERE {condition}"))?
        .query_row(params_from_iter(&values), |row| row::count(row, 0))?;
    values.extend([limit, offset].map(|number| sql_number(number).into()));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {JOB_COLUMNS} FROM job j JOIN collection c ON c.id = j.collection_id
         WHERE {condition} ORDER BY j.created_at DESC, j.id LIMIT ? OFFSET ?"
    ))?;
    let jobs = statement.query_map(params_from_iter(&values), job_row::job)?;
    Ok(JobPage {
        jobs: jobs.collect::<Result<_, _>>()?,
        total,
    })
}

/// Takes a job, or renews the lease on it.
pub(super) fn lease(
    connection: &Connection,
    id: JobId,
    worker: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Lease, Failure> {
    let shall_stop = connection
        .prepare_cached(
            "UPDATE job
             SET state = 'running', worker = ?2, leased_until = ?4,
                 started_at = coalesce(started_at, ?3)
             WHERE id = ?1 AND (state = 'queued'
                 OR state = 'running' AND (worker = ?2 OR leased_until <= ?3))
             RETURNING cancel_requested",
        )?
        .query_row(
            params![
                id.as_i64(),
                worker,
                now.as_microsecond(),
                until.as_microsecond(),
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(match shall_stop {
        Some(true) => Lease::CancelRequested,
        Some(false) => Lease::Held,
        None => Lease::Refused,
    })
}

/// Ends what `worker` does with a job, which has stopped when it was to be let
/// go but shall stop. `false` when it is not this worker's.
pub(super) fn release(
    connection: &Connection,
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
    let key = connection
        .prepare_cached(
            "UPDATE job
             SET state = ?3, error = ?4, finished_at = ?5, worker = NULL, leased_until = NULL
             WHERE id = ?1 AND worker = ?2
             RETURNING key",
        )?
        .query_row(
            params![id.as_i64(), worker, state.as_str(), error, finished_at],
            |row| job_row::key(row, 0),
        )
        .optional()?;
    match key {
        Some(key) => end_unattended(connection, &key, now)?,
        None => return Ok(false),
    }
    Ok(true)
}

/// Keeps notes of `worker`. `false` when the job is not this worker's.
pub(super) fn note(
    connection: &Connection,
    id: JobId,
    worker: &str,
    notes: &serde_json::Value,
) -> Result<bool, Failure> {
    let noted = connection
        .prepare_cached("UPDATE job SET notes = ?3 WHERE id = ?1 AND worker = ?2")?
        .execute(params![id.as_i64(), worker, notes.to_string()])?;
    Ok(noted > 0)
}

/// Asks for a job to stop; one that nobody works on has stopped.
pub(super) fn cancel(
    connection: &Connection,
    id: JobId,
    now: Timestamp,
) -> Result<Option<Job>, Failure> {
    let key = connection
        .prepare_cached(
            "UPDATE job SET cancel_requested = 1 WHERE id = ?1 AND finished_at IS NULL
             RETURNING key",
        )?
        .query_row([id.as_i64()], |row| job_row::key(row, 0))
        .optional()?;
    if let Some(key) = key {
        end_unattended(connection, &key, now)?;
    }
    one(connection, id)
}

/// Ends the unfinished job of a key when it shall stop and nobody works on it:
/// what joined it would never be done.
fn end_unattended(
    connection: &Connection,
    key: &ContentHash,
    now: Timestamp,
) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "UPDATE job
             SET state = 'cancelled', finished_at = ?2, worker = NULL, leased_until = NULL
             WHERE key = ?1 AND finished_at IS NULL AND cancel_requested
                 AND (state = 'queued' OR leased_until <= ?2)",
        )?
        .execute(params![key.0, now.as_microsecond()])?;
    Ok(())
}

/// Makes a finished job queued again. Where another of its key was added since
/// and is unfinished, that is the one to follow, and it is given instead.
pub(super) fn reopen(connection: &Connection, id: JobId) -> Result<Option<Job>, Failure> {
    let Some(job) = one(connection, id)? else {
        return Ok(None);
    };
    if let Some(unfinished) = unfinished(connection, &job.new.key)? {
        return Ok(Some(there(connection, unfinished)?));
    }
    connection
        .prepare_cached(
            "UPDATE job
             SET state = 'queued', error = NULL, cancel_requested = 0, finished_at = NULL
             WHERE id = ?1",
        )?
        .execute([id.as_i64()])?;
    job_item::retry_failed(connection, id)?;
    one(connection, id)
}

/// The job of that key that has not come to its end.
fn unfinished(connection: &Connection, key: &ContentHash) -> Result<Option<JobId>, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM job WHERE key = ?1 AND finished_at IS NULL")?;
    Ok(statement
        .query_row([key.0], |row| job_row::job_id(row, 0))
        .optional()?)
}

/// A job that was found in this transaction.
fn there(connection: &Connection, id: JobId) -> Result<Job, Failure> {
    let job = one(connection, id)?;
    job.ok_or_else(|| Failure::Damaged(format!("job `{id}` has no collection")))
}

/// Removes the finished jobs of a collection but for the newest, of all and of
/// each kind and subject.
fn prune(connection: &Connection, collection: i64) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "DELETE FROM job WHERE id IN (
                 SELECT id FROM (
                     SELECT id, state,
                         row_number() OVER of_all AS place,
                         row_number() OVER of_subject AS place_of_subject,
                         row_number() OVER of_outcome AS place_of_outcome
                     FROM job WHERE collection_id = ?1 AND finished_at IS NOT NULL
                     WINDOW of_all AS (ORDER BY created_at DESC, id),
                         of_subject AS (
                             PARTITION BY kind, subject ORDER BY created_at DESC, id),
                         of_outcome AS (
                             PARTITION BY kind, subject, state ORDER BY created_at DESC, id))
                 WHERE place > ?2 AND place_of_subject > 1
                     AND NOT (state = 'done' AND place_of_outcome = 1))",
        )?
        .execute(params![collection, sql_number(FINISHED_JOBS_KEPT)])?;
    Ok(())
}
