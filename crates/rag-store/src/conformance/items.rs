//! The items of jobs: what was written, in its order, and counted.

use std::sync::Arc;

use rag_core::model::{DocumentId, ItemCounts, ItemState, JobId, JobItem, JobState};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, Lease, Store};
use serde_json::json;
use tokio::task::JoinSet;

use super::fixture::{ODD_TEXT, create, good, name, time};
use super::jobs::{WORKER, add, read, take, write};

/// An item that something became of, with everything an item can have.
fn done(text: &str, state: ItemState, chunk_count: u32) -> JobItem {
    JobItem {
        name: text.to_owned(),
        state,
        reason: Some(format!("{ODD_TEXT} {text}")),
        document: Some(DocumentId::derive(&name("docs"), text, 0)),
        chunk_count,
        depth: 7,
        parent: Some(format!("parent of {text}")),
    }
}

/// Adds a job about `subject`, and has [`WORKER`] take it.
async fn taken(store: &Arc<dyn Store>, subject: &str) -> JobId {
    let id = add(store, "docs", subject, 1).await.id;
    take(store, id).await;
    id
}

/// All items of a job, read a page at a time.
async fn all(store: &Arc<dyn Store>, id: JobId, state: Option<ItemState>) -> Vec<JobItem> {
    let mut items = Vec::new();
    loop {
        let page = store.job_items(id, state, items.len(), usize::MAX).await;
        let page = good(page);
        assert!(page.len() <= JOB_LISTING_LIMIT_MAX);
        if page.is_empty() {
            return items;
        }
        items.extend(page);
    }
}

/// What `items` count.
fn counted(items: &[JobItem]) -> ItemCounts {
    let of = |state| items.iter().filter(|item| item.state == state).count() as u64;
    let put_in = items
        .iter()
        .filter(|item| item.state == ItemState::Ingested);
    ItemCounts {
        pending: of(ItemState::Pending),
        ingested: of(ItemState::Ingested),
        unchanged: of(ItemState::Unchanged),
        skipped: of(ItemState::Skipped),
        failed: of(ItemState::Failed),
        removed: of(ItemState::Removed),
        chunks: put_in.map(|item| u64::from(item.chunk_count)).sum(),
    }
}

/// Asserts that a job has exactly these items, however they are read.
async fn assert_items(store: &Arc<dyn Store>, id: JobId, expected: &[JobItem]) {
    assert_eq!(all(store, id, None).await, expected);
    assert_eq!(read(store, id).await.counts, counted(expected));
    for &state in ItemState::ALL {
        let of_state: Vec<JobItem> = expected
            .iter()
            .filter(|item| item.state == state)
            .cloned()
            .collect();
        assert_eq!(all(store, id, Some(state)).await, of_state, "{state:?}");
    }
}

pub(super) async fn are_kept_whole_and_in_order(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = taken(&store, "a").await;
    let another = taken(&store, "b").await;
    assert_items(&store, id, &[]).await;
    write(&store, id, &[]).await;

    let long = format!("https://example.org/{}", "x".repeat(4_000));
    let names = [
        "z", ODD_TEXT, "", &long, "a", "A", "a ", "ä", "a\u{308}", "m", "%", "é",
    ];
    let mut expected = Vec::new();
    for (number, text) in names.into_iter().enumerate() {
        let item = match ItemState::ALL[number % ItemState::ALL.len()] {
            ItemState::Pending => JobItem {
                depth: u32::MAX,
                parent: Some(long.clone()),
                ..JobItem::pending(text)
            },
            state => done(text, state, u32::MAX),
        };
        write(&store, id, std::slice::from_ref(&item)).await;
        // Two jobs may have items of the same name.
        write(&store, another, &[JobItem::pending(text)]).await;
        expected.push(item);
    }
    assert_items(&store, id, &expected).await;
    let pending: Vec<JobItem> = names.into_iter().map(JobItem::pending).collect();
    assert_items(&store, another, &pending).await;

    for (offset, limit) in [
        (0, 0),
        (0, 1),
        (3, 4),
        (11, 9),
        (12, 9),
        (usize::MAX, usize::MAX),
    ] {
        let some: Vec<_> = expected.iter().skip(offset).take(limit).cloned().collect();
        let found = good(store.job_items(id, None, offset, limit).await);
        assert_eq!(found, some, "{offset}, {limit}");
        let some: Vec<_> = pending.iter().skip(offset).take(limit).cloned().collect();
        let state = Some(ItemState::Pending);
        let found = good(store.job_items(another, state, offset, limit).await);
        assert_eq!(found, some, "{offset}, {limit}");
    }
}

pub(super) async fn are_replaced_but_never_undone(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = taken(&store, "a").await;
    let mut expected: Vec<JobItem> = ["c", "b", "a"].map(JobItem::pending).into();
    write(&store, id, &expected).await;

    // A page that is found once more, deeper down, is the page it was.
    let deeper = JobItem {
        depth: 3,
        parent: Some("elsewhere".to_owned()),
        ..JobItem::pending("b")
    };
    write(&store, id, std::slice::from_ref(&deeper)).await;
    assert_items(&store, id, &expected).await;

    // Every outcome may follow every other, and is not undone by finding it again.
    for &before in &ItemState::ALL[1..] {
        for &after in &ItemState::ALL[1..] {
            for (state, chunk_count) in [(before, 3), (after, 5)] {
                expected[1] = done("b", state, chunk_count);
                let items = [deeper.clone(), expected[1].clone(), deeper.clone()];
                write(&store, id, &items).await;
                assert_eq!(all(&store, id, None).await, expected);
                assert_eq!(read(&store, id).await.counts, counted(&expected));
            }
        }
    }
    assert_items(&store, id, &expected).await;

    // Of one that is written twice in one step the last counts.
    let twice = [
        JobItem::pending("d"),
        done("d", ItemState::Failed, 0),
        done("d", ItemState::Ingested, 2),
    ];
    write(&store, id, &twice).await;
    expected.push(twice[2].clone());
    assert_items(&store, id, &expected).await;
}

pub(super) async fn that_failed_are_tried_again(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = taken(&store, "a").await;
    let mut items: Vec<JobItem> = vec![JobItem::pending("pending")];
    for &state in &ItemState::ALL[1..] {
        items.push(done(state.as_str(), state, 4));
    }
    write(&store, id, &items).await;
    // Those of another job are not touched.
    let another = taken(&store, "b").await;
    write(&store, another, &items).await;
    let before = items.clone();
    // Nothing happens to those of a job that is not at its end.
    good(store.reopen_job(id).await);
    assert_items(&store, id, &items).await;

    let released = store.release_job(id, WORKER, JobState::Done, None, time(11));
    assert!(good(released.await));
    let reopened = good(store.reopen_job(id).await).expect("it is there");
    for item in &mut items {
        if item.state == ItemState::Failed {
            *item = JobItem {
                depth: item.depth,
                parent: item.parent.clone(),
                ..JobItem::pending(&item.name)
            };
        }
    }
    assert_eq!(reopened.counts, counted(&items));
    assert_items(&store, id, &items).await;
    assert_items(&store, another, &before).await;
}

pub(super) async fn are_written_by_its_worker_alone(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = taken(&store, "a").await;
    let mut items: Vec<JobItem> = ["a", "b"].map(JobItem::pending).into();
    write(&store, id, &items).await;
    let notes = json!({"of": WORKER});
    assert!(good(store.note_job(id, WORKER, &notes).await));

    // Asleep until after its lease, though nobody else came.
    let asleep = store.lease_job(id, "another", time(19), time(29)).await;
    assert_eq!(good(asleep), Lease::Refused);
    assert_refused(&store, id, &["another", "Worker", "worker ", ""]).await;
    items[0] = done("a", ItemState::Failed, 0);
    write(&store, id, &items[..1]).await;
    assert_items(&store, id, &items).await;

    // Gone for so long that another has it.
    let lease = store.lease_job(id, "another", time(20), time(30)).await;
    assert_eq!(good(lease), Lease::Held);
    items[0] = done("a", ItemState::Ingested, 2);
    let is_written = store.put_job_items(id, "another", &items[..1]).await;
    assert!(good(is_written));
    assert_refused(&store, id, &[WORKER]).await;
    assert_items(&store, id, &items).await;

    // Let go, taken once more and at its end, it is nobody's in between.
    for state in [JobState::Queued, JobState::Done] {
        let lease = store.lease_job(id, "another", time(21), time(31)).await;
        assert_eq!(good(lease), Lease::Held);
        let released = store.release_job(id, "another", state, None, time(22));
        assert!(good(released.await));
        assert_refused(&store, id, &[WORKER, "another", ""]).await;
    }
    good(store.reopen_job(id).await);
    assert_refused(&store, id, &[WORKER, "another", ""]).await;
    assert_items(&store, id, &items).await;
    assert_eq!(read(&store, id).await.notes, notes);
}

/// Asserts that nothing that these workers write changes the job.
async fn assert_refused(store: &Arc<dyn Store>, id: JobId, workers: &[&str]) {
    let before = (read(store, id).await, all(store, id, None).await);
    let late = [
        done("a", ItemState::Skipped, 0),
        done("b", ItemState::Ingested, 9),
        JobItem::pending("c"),
    ];
    for worker in workers {
        for items in [&late[..], &[]] {
            let is_written = good(store.put_job_items(id, worker, items).await);
            assert!(!is_written, "`{worker}` wrote items");
        }
        let is_noted = good(store.note_job(id, worker, &json!({"late": 1})).await);
        assert!(!is_noted, "`{worker}` wrote notes");
    }
    let after = (read(store, id).await, all(store, id, None).await);
    assert_eq!(after, before, "{workers:?}");
}

pub(super) async fn may_be_very_many(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = taken(&store, "a").await;
    let mut expected: Vec<JobItem> = (0..5_000)
        .map(|number| JobItem::pending(format!("https://example.org/ü/{}", number * 7_919 % 5_000)))
        .collect();
    write(&store, id, &expected).await;
    assert_items(&store, id, &expected).await;
    for item in expected.iter_mut().step_by(2) {
        *item = done(&item.name, ItemState::Ingested, 3);
    }
    write(&store, id, &expected).await;
    assert_items(&store, id, &expected).await;
    let counts = read(&store, id).await.counts;
    assert_eq!(
        (counts.total(), counts.pending, counts.chunks),
        (5_000, 2_500, 7_500)
    );
}

pub(super) async fn are_written_by_many_at_once(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = taken(&store, "a").await;
    let mut writers = JoinSet::new();
    for writer in 0..10 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let own: Vec<JobItem> = (0..20)
                .map(|number| JobItem::pending(format!("{writer}/{number}")))
                .collect();
            write(&store, id, &own).await;
            // All of them find these, and each its own half done.
            let mut items: Vec<JobItem> = (0..20)
                .map(|number| JobItem::pending(format!("shared/{number}")))
                .collect();
            for item in &own[..10] {
                items.push(done(&item.name, ItemState::Ingested, 2));
            }
            write(&store, id, &items).await;
        });
    }
    while let Some(done) = writers.join_next().await {
        done.expect("a writer panicked");
    }
    let items = all(&store, id, None).await;
    assert_eq!(read(&store, id).await.counts, counted(&items));
    let expected = ItemCounts {
        pending: 10 * 10 + 20,
        ingested: 10 * 10,
        chunks: 10 * 10 * 2,
        ..ItemCounts::default()
    };
    assert_eq!(counted(&items), expected);
    for writer in 0..10 {
        let prefix = format!("{writer}/");
        let own = items.iter().filter(|item| item.name.starts_with(&prefix));
        let names: Vec<String> = own.map(|item| item.name.clone()).collect();
        let expected: Vec<String> = (0..20).map(|number| format!("{prefix}{number}")).collect();
        assert_eq!(names, expected, "what one writes at once stays in order");
    }
}
