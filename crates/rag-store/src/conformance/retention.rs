//! Retention: which finished jobs are kept, and which go with their items.

use std::sync::Arc;

use rag_core::model::{ContentHash, JobItem, JobKind, JobState, NewJob};
use rag_core::port::{FINISHED_JOBS_KEPT, JobFilter, Store};

use super::fixture::{ODD_TEXT, create, good, name, new_job};
use super::jobs::{add, finish, take, write};

pub(super) async fn forgets_finished_jobs_that_are_old(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    let unfinished = add(&store, "docs", "unfinished", 0).await.id;
    let elsewhere = add(&store, "other", "elsewhere", 0).await.id;
    finish(&store, elsewhere, JobState::Done, None).await;
    let mut finished = Vec::new();
    let kept = i64::try_from(FINISHED_JOBS_KEPT).expect("few");
    for seconds in 1..=kept {
        let id = add(&store, "docs", "watched", seconds).await.id;
        take(&store, id).await;
        write(&store, id, &[JobItem::pending("item")]).await;
        finish(&store, id, JobState::Done, None).await;
        finished.push(id);
    }
    // As many as are kept are kept; unfinished ones do not count.
    let mut more = Vec::new();
    for subject in ["one more", "another"] {
        more.push(add(&store, "docs", subject, kept + 1).await.id);
    }
    assert!(good(store.job(finished[0]).await).is_some());
    for &id in &more {
        finish(&store, id, JobState::Done, None).await;
    }
    assert!(good(store.job(finished[0]).await).is_some(), "too early");
    let last = add(&store, "docs", "last", kept + 2).await;
    for (place, &id) in finished.iter().enumerate() {
        let items = good(store.job_items(id, None, 0, 10).await).len();
        let is_kept = good(store.job(id).await).is_some();
        assert_eq!(
            (is_kept, items),
            (place >= 2, usize::from(place >= 2)),
            "{place}"
        );
    }
    for id in [unfinished, elsewhere, last.id, more[0], more[1]] {
        assert!(good(store.job(id).await).is_some(), "{id}");
    }
    let all = good(store.jobs(&JobFilter::default(), 0, 1_000).await);
    assert_eq!(all.total, FINISHED_JOBS_KEPT as u64 + 3);
    assert_eq!(all.jobs.len() as u64, all.total);
}

pub(super) async fn keeps_what_tells_how_current_a_source_is(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    use JobState::{Cancelled, Done, Failed};
    // All older than any that is kept for its age alone: what is asked for in
    // which order, how it ended, and whether it stays.
    let asked = [
        ("docs", JobKind::Crawl, "site", Done, false),
        ("docs", JobKind::Crawl, "site", Done, true),
        ("docs", JobKind::Crawl, "site", Failed, false),
        ("docs", JobKind::Crawl, "site", Cancelled, true),
        ("docs", JobKind::Crawl, "never done", Failed, false),
        ("docs", JobKind::Crawl, "never done", Failed, true),
        ("docs", JobKind::Crawl, ODD_TEXT, Cancelled, false),
        ("docs", JobKind::Crawl, ODD_TEXT, Done, true),
        // Of another kind, it tells of another source.
        ("docs", JobKind::Repository, "site", Done, true),
        // In another collection, it tells nothing about this one.
        ("other", JobKind::Crawl, "site", Done, true),
    ];
    let mut jobs = Vec::new();
    for (seconds, (collection, kind, subject, state, stays)) in (1..).zip(asked) {
        let new = NewJob {
            kind,
            key: ContentHash::of_parts(&[collection, kind.as_str(), subject]),
            ..new_job(collection, subject, seconds)
        };
        let (job, is_new) = good(store.add_job(&new).await);
        assert!(is_new);
        take(&store, job.id).await;
        write(&store, job.id, &[JobItem::pending("item")]).await;
        finish(&store, job.id, state, None).await;
        jobs.push((job.id, stays));
    }
    let kept = i64::try_from(FINISHED_JOBS_KEPT).expect("few");
    for seconds in 100..=100 + kept {
        let id = add(&store, "docs", "busy", seconds).await.id;
        finish(&store, id, Done, None).await;
    }
    add(&store, "docs", "busy", 200 + kept).await;

    for (number, (id, stays)) in jobs.into_iter().enumerate() {
        let is_there = good(store.job(id).await).is_some();
        let items = good(store.job_items(id, None, 0, 10).await).len();
        assert_eq!(
            (is_there, items),
            (stays, usize::from(stays)),
            "{:?}",
            asked[number]
        );
    }
    let filter = JobFilter {
        collection: Some(name("docs")),
        states: Vec::new(),
    };
    let beyond = asked.iter().filter(|job| job.0 == "docs" && job.4).count();
    assert_eq!(
        good(store.jobs(&filter, 0, 1).await).total,
        (FINISHED_JOBS_KEPT + beyond + 1) as u64
    );
}
