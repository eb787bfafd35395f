//! Leases: who holds a job, how long, and how it comes to its end.

use std::sync::Arc;

use rag_core::model::{Job, JobState, Timestamp};
use rag_core::port::{Lease, Store};
use serde_json::json;
use tokio::task::JoinSet;

use super::fixture::{ODD_TEXT, create, good, new_job, time};
use super::jobs::{WORKER, add, read, take};

/// A step in the life of a job.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The worker asks for it at a second, until another.
    Lease(&'static str, i64, i64, Lease),
    /// The worker ends what it does at a second, and whether it was its to end.
    Release(&'static str, JobState, i64, bool),
    /// Somebody asks for it to stop at a second.
    Cancel(i64),
    /// Somebody wants it done once more.
    Reopen,
}

use Step::{Cancel, Release, Reopen};

const CANCELLED: JobState = JobState::Cancelled;
const DONE: JobState = JobState::Done;
const FAILED: JobState = JobState::Failed;
const QUEUED: JobState = JobState::Queued;
const RUNNING: JobState = JobState::Running;

const fn held(worker: &'static str, now: i64, until: i64) -> Step {
    Step::Lease(worker, now, until, Lease::Held)
}

const fn refused(worker: &'static str, now: i64, until: i64) -> Step {
    Step::Lease(worker, now, until, Lease::Refused)
}

const fn told_to_stop(worker: &'static str, now: i64, until: i64) -> Step {
    Step::Lease(worker, now, until, Lease::CancelRequested)
}

/// Where a job stands: its state, the seconds at which it started, finished and
/// its lease is over, and whether it shall stop.
type Standing = (JobState, Option<i64>, Option<i64>, Option<i64>, bool);

/// All jobs here are taken for the first time at second 10.
const STARTED: Option<i64> = Some(10);

/// A job that was worked on and waits for another worker.
const LET_GO: Standing = (QUEUED, STARTED, None, None, false);

const fn running(until: i64) -> Standing {
    (RUNNING, STARTED, None, Some(until), false)
}

/// Running, though asked to stop.
const fn stopping(until: i64) -> Standing {
    (RUNNING, STARTED, None, Some(until), true)
}

const fn ended(state: JobState, at: i64) -> Standing {
    (state, STARTED, Some(at), None, false)
}

/// Ended after it was asked to stop.
const fn stopped(state: JobState, at: i64) -> Standing {
    (state, STARTED, Some(at), None, true)
}

fn standing(job: &Job) -> Standing {
    let [started, finished, leased] = [job.started_at, job.finished_at, job.leased_until]
        .map(|time| time.map(Timestamp::as_second));
    (job.state, started, finished, leased, job.cancel_requested)
}

/// Takes a new job through `steps`, each with where the job stands after it.
async fn check(store: &Arc<dyn Store>, what: &str, steps: &[(Step, Standing)]) {
    let id = add(store, "docs", what, 0).await.id;
    for (number, (step, expected)) in steps.iter().enumerate() {
        let place = format!("{what}, step {number}: {step:?}");
        match *step {
            Step::Lease(worker, now, until, lease) => {
                let given = store.lease_job(id, worker, time(now), time(until)).await;
                assert_eq!(good(given), lease, "{place}");
            }
            Release(worker, state, now, is_released) => {
                let released = store.release_job(id, worker, state, None, time(now)).await;
                assert_eq!(good(released), is_released, "{place}");
            }
            Cancel(now) => {
                let given = good(store.cancel_job(id, time(now)).await);
                assert_eq!(given, Some(read(store, id).await), "{place}");
            }
            Reopen => {
                let given = good(store.reopen_job(id).await);
                assert_eq!(given, Some(read(store, id).await), "{place}");
            }
        }
        assert_eq!(standing(&read(store, id).await), *expected, "{place}");
    }
}

pub(super) async fn are_held_by_one_worker(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    check(
        &store,
        "one works on it to its end",
        &[
            (held("a", 10, 20), running(20)),
            (refused("b", 11, 99), running(20)),
            (refused("a ", 11, 99), running(20)),
            (held("a", 15, 25), running(25)),
            (refused("b", 24, 99), running(25)),
            (Release("b", DONE, 24, false), running(25)),
            (Release("a", DONE, 24, true), ended(DONE, 24)),
            (Release("a", FAILED, 25, false), ended(DONE, 24)),
            (refused("a", 26, 99), ended(DONE, 24)),
            (refused("b", 26, 99), ended(DONE, 24)),
        ],
    )
    .await;
    check(
        &store,
        "one is gone and another goes on",
        &[
            (held("a", 10, 20), running(20)),
            (held("b", 20, 30), running(30)),
            (refused("a", 21, 99), running(30)),
            (Release("a", DONE, 21, false), running(30)),
            (Release("b", FAILED, 29, true), ended(FAILED, 29)),
        ],
    )
    .await;
    check(
        &store,
        "one was asleep and nobody else came",
        &[
            (held("a", 10, 20), running(20)),
            (held("a", 50, 60), running(60)),
            (Release("a", DONE, 99, true), ended(DONE, 99)),
        ],
    )
    .await;
    check(
        &store,
        "one lets it go for another",
        &[
            (held("a", 10, 20), running(20)),
            (Release("a", QUEUED, 12, true), LET_GO),
            (Release("a", DONE, 12, false), LET_GO),
            (held("b", 13, 23), running(23)),
            (refused("a", 14, 24), running(23)),
        ],
    )
    .await;
}

pub(super) async fn are_cancelled(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    check(
        &store,
        "before anybody took it",
        &[
            (Cancel(5), (CANCELLED, None, Some(5), None, true)),
            (refused("a", 6, 9), (CANCELLED, None, Some(5), None, true)),
            (Cancel(7), (CANCELLED, None, Some(5), None, true)),
        ],
    )
    .await;
    check(
        &store,
        "while one works on it",
        &[
            (held("a", 10, 20), running(20)),
            (Cancel(11), stopping(20)),
            (Cancel(12), stopping(20)),
            (refused("b", 12, 99), stopping(20)),
            (told_to_stop("a", 13, 23), stopping(23)),
            (Release("a", CANCELLED, 14, true), stopped(CANCELLED, 14)),
        ],
    )
    .await;
    check(
        &store,
        "while one works on it, who would let it go",
        &[
            (held("a", 10, 20), running(20)),
            (Cancel(11), stopping(20)),
            (Release("b", QUEUED, 12, false), stopping(20)),
            (Release("a", QUEUED, 12, true), stopped(CANCELLED, 12)),
            (refused("b", 13, 99), stopped(CANCELLED, 12)),
            (Release("a", DONE, 13, false), stopped(CANCELLED, 12)),
            (Reopen, LET_GO),
            (held("b", 14, 24), running(24)),
            (Release("b", QUEUED, 15, true), LET_GO),
        ],
    )
    .await;
    check(
        &store,
        "while one works on it, who is gone then",
        &[
            (held("a", 10, 20), running(20)),
            (Cancel(11), stopping(20)),
            (told_to_stop("b", 20, 30), stopping(30)),
            (Release("a", DONE, 21, false), stopping(30)),
            (Release("b", CANCELLED, 21, true), stopped(CANCELLED, 21)),
        ],
    )
    .await;
    check(
        &store,
        "when whoever worked on it is gone",
        &[
            (held("a", 10, 20), running(20)),
            (Cancel(20), stopped(CANCELLED, 20)),
            (refused("a", 21, 99), stopped(CANCELLED, 20)),
            (Release("a", DONE, 21, false), stopped(CANCELLED, 20)),
        ],
    )
    .await;
    check(
        &store,
        "after its end",
        &[
            (held("a", 10, 20), running(20)),
            (Release("a", DONE, 11, true), ended(DONE, 11)),
            (Cancel(12), ended(DONE, 11)),
        ],
    )
    .await;
}

pub(super) async fn are_reopened(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    for state in [DONE, FAILED, CANCELLED] {
        check(
            &store,
            state.as_str(),
            &[
                (Reopen, (QUEUED, None, None, None, false)),
                (held("a", 10, 20), running(20)),
                (Reopen, running(20)),
                (Cancel(11), stopping(20)),
                (Reopen, stopping(20)),
                (Release("a", state, 12, true), stopped(state, 12)),
                (Reopen, LET_GO),
                (Release("a", DONE, 13, false), LET_GO),
                (held("b", 30, 40), running(40)),
                (Release("b", DONE, 31, true), ended(DONE, 31)),
            ],
        )
        .await;
    }

    // While another of its key is unfinished, that one is given instead.
    let first = add(&store, "docs", "again", 1).await.id;
    good(store.cancel_job(first, time(2)).await);
    let second = add(&store, "docs", "again", 3).await;
    assert_eq!(good(store.reopen_job(first).await), Some(second.clone()));
    assert_eq!(read(&store, first).await.state, CANCELLED);
    good(store.cancel_job(second.id, time(4)).await);
    let reopened = good(store.reopen_job(first).await).expect("it is there");
    assert_eq!((reopened.id, reopened.state), (first, QUEUED));
    let (joined, is_new) = good(store.add_job(&new_job("docs", "again", 5)).await);
    assert_eq!((joined.id, is_new), (first, false));
}

pub(super) async fn keep_errors_and_notes(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = add(&store, "docs", "a", 1).await.id;
    take(&store, id).await;
    assert!(good(store.note_job(id, WORKER, &json!({"seen": 1})).await));
    let released = store.release_job(id, WORKER, QUEUED, None, time(11));
    assert!(good(released.await));
    for (state, error, kept) in [
        (QUEUED, None, None),
        (FAILED, Some(ODD_TEXT), Some(ODD_TEXT)),
        (DONE, None, None),
    ] {
        let lease = store.lease_job(id, ODD_TEXT, time(2), time(9)).await;
        assert_eq!(good(lease), Lease::Held);
        let released = store.release_job(id, ODD_TEXT, state, error, time(3));
        assert!(good(released.await));
        let job = read(&store, id).await;
        assert_eq!((job.state, job.error.as_deref()), (state, kept));
        assert_eq!(job.notes, json!({"seen": 1}));
        let job = good(store.reopen_job(id).await).expect("it is there");
        assert_eq!((job.error, job.notes), (None, json!({"seen": 1})));
    }
}

pub(super) async fn go_to_one_of_many(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = add(&store, "docs", "a", 1).await.id;
    // First a queued job, then one whose worker is gone.
    for (now, until) in [(10, 20), (20, 30)] {
        let mut workers = JoinSet::new();
        for worker in 0..20 {
            let store = Arc::clone(&store);
            workers.spawn(async move {
                let worker = format!("worker {now} {worker}");
                let lease = store.lease_job(id, &worker, time(now), time(until));
                good(lease.await)
            });
        }
        let mut held = 0;
        while let Some(done) = workers.join_next().await {
            match done.expect("a worker panicked") {
                Lease::Held => held += 1,
                lease => assert_eq!(lease, Lease::Refused),
            }
        }
        assert_eq!(held, 1, "at {now}");
    }
}
