//! Jobs: adding and joining, listing, and removing them with their collection.

use std::sync::Arc;

use rag_core::model::{
    ContentHash, ItemCounts, Job, JobId, JobItem, JobKind, JobState, NewJob, Timestamp,
};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter, JobPage, Lease, Store};
use serde_json::json;

use super::fixture::{ODD_TEXT, assert_no_collection, create, good, name, new_job, time};

/// Whoever works on a job where it does not matter who does.
pub(super) const WORKER: &str = "worker";

/// Adds [`new_job`], which must be new.
pub(super) async fn add(
    store: &Arc<dyn Store>,
    collection: &str,
    subject: &str,
    seconds: i64,
) -> Job {
    let (job, is_new) = good(store.add_job(&new_job(collection, subject, seconds)).await);
    assert!(is_new, "{subject} was joined to {job:?}");
    job
}

/// The job, which must be there.
pub(super) async fn read(store: &Arc<dyn Store>, id: JobId) -> Job {
    good(store.job(id).await).expect("the job is there")
}

/// Has [`WORKER`] take a job, from second 10 until 20.
pub(super) async fn take(store: &Arc<dyn Store>, id: JobId) {
    let lease = store.lease_job(id, WORKER, time(10), time(20)).await;
    assert_eq!(good(lease), Lease::Held);
}

/// Writes items of a job that [`WORKER`] has.
pub(super) async fn write(store: &Arc<dyn Store>, id: JobId, items: &[JobItem]) {
    let is_written = good(store.put_job_items(id, WORKER, items).await);
    assert!(is_written, "its own worker was refused");
}

/// Has [`WORKER`] bring a job to `state`, at second 10.
pub(super) async fn finish(
    store: &Arc<dyn Store>,
    id: JobId,
    state: JobState,
    error: Option<&str>,
) {
    take(store, id).await;
    let released = store.release_job(id, WORKER, state, error, time(10));
    assert!(good(released.await));
}

/// What a store keeps of `new` before anything happens to it.
fn fresh(new: &NewJob) -> Job {
    Job {
        id: JobId::derive(&new.key, new.created_at),
        new: new.clone(),
        state: JobState::Queued,
        error: None,
        notes: json!({}),
        started_at: None,
        finished_at: None,
        leased_until: None,
        cancel_requested: false,
        counts: ItemCounts::default(),
    }
}

pub(super) async fn are_kept_whole(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    for (number, &kind) in (0..).zip(JobKind::ALL) {
        let new = NewJob {
            kind,
            collection: name("docs"),
            subject: format!("{ODD_TEXT} {number} {}", "long ".repeat(2_000)),
            key: ContentHash::of(kind.as_str()),
            request: json!({
                "ü": [1, 2.5, null, {"deep": {"big": u64::MAX, "small": -1e-7}}],
                "": ODD_TEXT,
            }),
            created_at: time(1_700_000_000 + number),
        };
        let mut expected = fresh(&new);
        assert_eq!(good(store.add_job(&new).await), (expected.clone(), true));
        assert_eq!(read(&store, expected.id).await, expected);
        let all = good(store.jobs(&JobFilter::default(), 0, 1).await);
        assert_eq!(all.jobs, [expected.clone()]);

        take(&store, expected.id).await;
        expected.state = JobState::Running;
        expected.started_at = Some(time(10));
        expected.leased_until = Some(time(20));
        for notes in [
            json!({"etag": ODD_TEXT, "n": [0.1, 18_446_744_073_709_551_615_u64]}),
            json!({"long": "x".repeat(100_000)}),
        ] {
            assert!(good(store.note_job(expected.id, WORKER, &notes).await));
            expected.notes = notes;
            assert_eq!(read(&store, expected.id).await, expected);
        }
    }
}

pub(super) async fn that_are_not_there_are_told(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let stray = new_job("missing", "a", 0);
    assert_no_collection(store.add_job(&stray).await, "missing");
    let filter = JobFilter {
        collection: Some(name("missing")),
        ..JobFilter::default()
    };
    assert_no_collection(store.jobs(&filter, 0, 10).await, "missing");

    let id = fresh(&stray).id;
    assert_eq!(good(store.job(id).await), None);
    assert_eq!(good(store.cancel_job(id, time(1)).await), None);
    assert_eq!(good(store.reopen_job(id).await), None);
    let lease = store.lease_job(id, WORKER, time(1), time(9)).await;
    assert_eq!(good(lease), Lease::Refused);
    let released = store.release_job(id, WORKER, JobState::Done, None, time(1));
    assert!(!good(released.await));
    assert!(!good(store.note_job(id, WORKER, &json!({"a": 1})).await));
    let item = [JobItem::pending("a")];
    assert!(!good(store.put_job_items(id, WORKER, &item).await));
    assert_eq!(good(store.job_items(id, None, 0, 10).await), []);
    assert_eq!(good(store.job(id).await), None, "a note or item made a job");
}

pub(super) async fn of_one_key_are_one(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    let job = add(&store, "docs", "a", 1).await;
    let again = new_job("docs", "a", 2);
    assert_eq!(good(store.add_job(&again).await), (job.clone(), false));
    let other = add(&store, "docs", "b", 2).await;
    let elsewhere = add(&store, "other", "a", 2).await;
    assert!(job.id != other.id && job.id != elsewhere.id);

    // Joined while somebody works on it, also when that worker is gone.
    let lease = store.lease_job(job.id, "w", time(3), time(4)).await;
    assert_eq!(good(lease), Lease::Held);
    let (joined, is_new) = good(store.add_job(&new_job("docs", "a", 9)).await);
    assert_eq!(
        (joined.id, joined.state, is_new),
        (job.id, JobState::Running, false)
    );
    assert_eq!(joined.new, job.new, "joining changed what was asked for");

    // At its end it is joined no more, whichever end that is.
    let mut last = job.id;
    let ends = [JobState::Done, JobState::Failed, JobState::Cancelled];
    for (seconds, state) in (20..).zip(ends) {
        let released = store.release_job(last, "w", state, None, time(seconds));
        assert!(good(released.await));
        let next = add(&store, "docs", "a", seconds).await;
        assert_ne!(next.id, last);
        assert_eq!(next.state, JobState::Queued);
        let lease = store.lease_job(next.id, "w", time(3), time(4)).await;
        assert_eq!(good(lease), Lease::Held);
        last = next.id;
    }
    // The very same request is the very same job, even at its end.
    assert_eq!(
        good(store.add_job(&job.new).await).0.id,
        last,
        "the unfinished one first"
    );
    let released = store.release_job(last, "w", JobState::Done, None, time(30));
    assert!(good(released.await));
    let (same, is_new) = good(store.add_job(&job.new).await);
    assert_eq!(
        (same.id, same.state, is_new),
        (job.id, JobState::Done, false)
    );
}

pub(super) async fn that_shall_stop_are_not_joined(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let first = add(&store, "docs", "a", 1).await.id;
    let lease = store.lease_job(first, "gone", time(3), time(9)).await;
    assert_eq!(good(lease), Lease::Held);
    good(store.cancel_job(first, time(5)).await);
    // Joined while its worker may still be there to end it.
    let (joined, is_new) = good(store.add_job(&new_job("docs", "a", 8)).await);
    assert_eq!((joined.id, is_new), (first, false));
    let standing = |job: &Job| (job.state, job.finished_at, job.leased_until);
    assert_eq!(
        standing(&joined),
        (JobState::Running, None, Some(time(9))),
        "joining it changed it"
    );

    let again = new_job("docs", "a", 9);
    assert_eq!(good(store.add_job(&again).await), (fresh(&again), true));
    let ended = read(&store, first).await;
    assert_eq!(standing(&ended), (JobState::Cancelled, Some(time(9)), None));
    // Its worker comes too late.
    let lease = store.lease_job(first, "gone", time(9), time(19)).await;
    assert_eq!(good(lease), Lease::Refused);
    let released = store.release_job(first, "gone", JobState::Done, None, time(9));
    assert!(!good(released.await));
    assert_eq!(read(&store, first).await, ended);

    // One that is let go is not there to be joined either.
    let second = fresh(&again).id;
    take(&store, second).await;
    good(store.cancel_job(second, time(11)).await);
    let released = store.release_job(second, WORKER, JobState::Queued, None, time(12));
    assert!(good(released.await));
    let third = add(&store, "docs", "a", 13).await;
    assert_eq!(third, fresh(&new_job("docs", "a", 13)));
    take(&store, third.id).await;
}

pub(super) async fn are_listed_newest_first(store: Arc<dyn Store>) {
    create(&store, &["docs", "other", "empty"]).await;
    let ends = [JobState::Done, JobState::Failed, JobState::Cancelled];
    let mut jobs = Vec::new();
    for number in 0..23 {
        let collection = if number % 4 == 0 { "other" } else { "docs" };
        // Several share a time, and the newest are not the last added.
        let seconds = i64::try_from(number * 7 % 5).expect("few");
        let id = add(&store, collection, &format!("{number}"), seconds)
            .await
            .id;
        match ends.get(number % 5) {
            Some(&state) => finish(&store, id, state, Some("why")).await,
            None if number % 5 == 3 => {
                let lease = store.lease_job(id, "w", time(10), time(20)).await;
                assert_eq!(good(lease), Lease::Held);
            }
            None => {}
        }
        jobs.push(read(&store, id).await);
    }
    jobs.sort_by_key(|job| (std::cmp::Reverse(job.new.created_at), job.id));

    let collections = [None, Some("docs"), Some("other"), Some("empty")];
    let mut choices = vec![vec![], ends.to_vec(), vec![JobState::Done, JobState::Done]];
    choices.extend(JobState::ALL.iter().map(|&state| vec![state]));
    for collection in collections.map(|found| found.map(name)) {
        for states in &choices {
            let filter = JobFilter {
                collection: collection.clone(),
                states: states.clone(),
            };
            let passes = |job: &&Job| {
                collection
                    .as_ref()
                    .is_none_or(|name| job.new.collection == *name)
                    && (states.is_empty() || states.contains(&job.state))
            };
            let expected: Vec<Job> = jobs.iter().filter(passes).cloned().collect();
            for (offset, limit) in [
                (0, JOB_LISTING_LIMIT_MAX),
                (0, usize::MAX),
                (0, 0),
                (1, 2),
                (3, 100),
                (22, 5),
                (usize::MAX, usize::MAX),
            ] {
                let some = expected.iter().skip(offset).take(limit).cloned();
                let page = JobPage {
                    jobs: some.collect(),
                    total: expected.len() as u64,
                };
                let found = good(store.jobs(&filter, offset, limit).await);
                assert_eq!(found, page, "{filter:?}, {offset}, {limit}");
            }
        }
    }
}

pub(super) async fn go_with_their_collection(store: Arc<dyn Store>) {
    create(&store, &["gone", "stays"]).await;
    let gone = add(&store, "gone", "a", 1).await;
    let running = add(&store, "gone", "b", 1).await.id;
    let stays = add(&store, "stays", "a", 1).await.id;
    for id in [gone.id, running, stays] {
        take(&store, id).await;
        write(&store, id, &[JobItem::pending("item")]).await;
    }
    finish(&store, gone.id, JobState::Done, None).await;
    let kept = read(&store, stays).await;

    good(store.delete_collection(&name("gone")).await);
    for id in [gone.id, running] {
        assert_eq!(good(store.job(id).await), None);
        assert_eq!(good(store.job_items(id, None, 0, 10).await), []);
    }
    // The worker of one that went is told, and writes to nothing.
    let lease = store.lease_job(running, WORKER, time(11), time(21)).await;
    assert_eq!(good(lease), Lease::Refused);
    let late = [JobItem::pending("late")];
    assert!(!good(store.put_job_items(running, WORKER, &late).await));
    let all = good(store.jobs(&JobFilter::default(), 0, 10).await);
    assert_eq!((all.jobs, all.total), (vec![kept], 1));

    // In a collection of the same name nothing comes back.
    create(&store, &["gone"]).await;
    assert_eq!(
        good(store.add_job(&gone.new).await),
        (fresh(&gone.new), true)
    );
    assert_eq!(good(store.job_items(gone.id, None, 0, 10).await), []);
}

pub(super) async fn may_be_asked_for_by_many_at_once(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for seconds in 0..20 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { good(store.add_job(&new_job("docs", "a", seconds)).await) });
    }
    let mut added: Vec<(JobId, Timestamp, bool)> = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (job, is_new) = done.expect("a caller panicked");
        added.push((job.id, job.new.created_at, is_new));
    }
    let (id, created_at, _) = added[0];
    assert!(
        added.iter().all(|job| (job.0, job.1) == (id, created_at)),
        "{added:?}"
    );
    assert_eq!(added.iter().filter(|job| job.2).count(), 1, "{added:?}");
    assert_eq!(
        good(store.jobs(&JobFilter::default(), 0, 100).await).total,
        1
    );
}
