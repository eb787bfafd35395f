//! Entries: adding, replacing, listing and removing them, and when they expire.

use std::sync::Arc;

use rag_core::port::{ENTRIES_LISTED_MAX, ENTRY_KEY_BYTES_MAX, Entry, EntryKind, Store};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::fixture::{ODD_TEXT, create, document, entry, good, name, put, time};

const TOKEN: EntryKind = EntryKind::Token;
const ANSWER: EntryKind = EntryKind::Answer;

/// A moment that no entry here lives to see which ever expires.
const LATE: i64 = 4_000_000_000;

/// Adds an entry at a second, which must be new.
async fn add(store: &Arc<dyn Store>, entry: &Entry, now: i64) {
    let there = good(store.add_entry(entry, time(now)).await);
    assert_eq!(there, None, "{:?} is not new", entry.key);
}

async fn replace(store: &Arc<dyn Store>, entry: &Entry, now: i64) -> bool {
    good(store.replace_entry(entry, time(now)).await)
}

async fn read(store: &Arc<dyn Store>, kind: EntryKind, key: &str, now: i64) -> Option<Entry> {
    good(store.entry(kind, key, time(now)).await)
}

async fn list(store: &Arc<dyn Store>, kind: EntryKind, now: i64) -> Vec<Entry> {
    good(store.entries(kind, time(now)).await)
}

async fn remove(store: &Arc<dyn Store>, kind: EntryKind, key: &str) -> bool {
    good(store.remove_entry(kind, key).await)
}

/// The same entry with another value.
fn saying(value: Value, entry: &Entry) -> Entry {
    Entry {
        value,
        ..entry.clone()
    }
}

/// The same entry, which expires at a second.
fn until(seconds: i64, entry: &Entry) -> Entry {
    Entry {
        expires_at: Some(time(seconds)),
        ..entry.clone()
    }
}

pub(super) async fn are_kept_whole(store: Arc<dyn Store>) {
    let keys = [
        ODD_TEXT.to_owned(),
        "\0 and \u{10ffff} and \u{10ffff}0".to_owned(),
        "k".repeat(ENTRY_KEY_BYTES_MAX),
        " ".to_owned(),
    ];
    let values = [
        json!({"ü": [1, 2.5, null, {"deep": {"big": u64::MAX, "small": -1e-7}}], "": ODD_TEXT}),
        json!([
            i64::MIN,
            0.1,
            1.0,
            true,
            "\0 and \u{10ffff} and \u{10ffff}0"
        ]),
        json!({"long": "ü".repeat(4_000)}),
        Value::Null,
    ];
    for kind in EntryKind::ALL {
        for (number, key) in keys.iter().enumerate() {
            let made = saying(values[number].clone(), &entry(kind, key));
            let other = until(LATE, &saying(values[3 - number].clone(), &made));
            // With an end and without one, each before the other.
            let (first, second) = match number % 2 {
                0 => (made, other),
                _ => (other, made),
            };
            add(&store, &first, 10).await;
            assert_eq!(read(&store, kind, key, 10).await, Some(first));
            assert!(replace(&store, &second, 10).await);
            assert_eq!(read(&store, kind, key, 10).await, Some(second.clone()));
            assert!(list(&store, kind, 10).await.contains(&second));
        }
        assert_eq!(list(&store, kind, 10).await.len(), keys.len());
    }
}

pub(super) async fn added_twice_stay_as_they_are(store: Arc<dyn Store>) {
    for made in [entry(TOKEN, "a"), until(30, &entry(TOKEN, "b"))] {
        add(&store, &made, 10).await;
        for again in [
            made.clone(),
            saying(json!("again"), &made),
            until(LATE, &made),
            until(11, &made),
        ] {
            let there = good(store.add_entry(&again, time(20)).await);
            assert_eq!(there, Some(made.clone()));
            let kept = read(&store, TOKEN, &made.key, 20).await;
            assert_eq!(kept, Some(made.clone()));
        }
    }
    assert_eq!(list(&store, TOKEN, 20).await.len(), 2);
}

pub(super) async fn are_replaced_where_they_are(store: Arc<dyn Store>) {
    let made = entry(TOKEN, "a");
    assert!(!replace(&store, &made, 10).await);
    assert_eq!(read(&store, TOKEN, "a", 10).await, None);
    assert_eq!(list(&store, TOKEN, 10).await, []);

    let stays = entry(TOKEN, "b");
    add(&store, &made, 10).await;
    add(&store, &stays, 10).await;
    for next in [
        saying(json!("next"), &made),
        until(LATE, &made),
        saying(json!(["last"]), &made),
        // The same once more is a replace too.
        saying(json!(["last"]), &made),
    ] {
        assert!(replace(&store, &next, 10).await);
        assert_eq!(list(&store, TOKEN, 10).await, [next, stays.clone()]);
    }
}

pub(super) async fn are_removed(store: Arc<dyn Store>) {
    assert!(!remove(&store, TOKEN, "a").await);
    let (made, stays) = (entry(TOKEN, "a"), entry(TOKEN, "b"));
    add(&store, &stays, 10).await;
    for _ in 0..2 {
        add(&store, &made, 10).await;
        assert!(remove(&store, TOKEN, "a").await);
        assert_eq!(read(&store, TOKEN, "a", 10).await, None);
        assert_eq!(list(&store, TOKEN, 10).await, std::slice::from_ref(&stays));
        assert!(!replace(&store, &made, 10).await);
        assert!(!remove(&store, TOKEN, "a").await);
    }
}

pub(super) async fn of_another_kind_are_others(store: Arc<dyn Store>) {
    let (token, answer) = (entry(TOKEN, "a"), saying(json!(1), &entry(ANSWER, "a")));
    add(&store, &token, 10).await;
    assert_eq!(read(&store, ANSWER, "a", 10).await, None);
    assert_eq!(list(&store, ANSWER, 10).await, []);
    assert!(!replace(&store, &answer, 10).await);
    assert!(!remove(&store, ANSWER, "a").await);

    add(&store, &answer, 10).await;
    let answer = saying(json!(2), &answer);
    assert!(replace(&store, &answer, 10).await);
    assert_eq!(list(&store, TOKEN, 10).await, [token]);
    assert!(remove(&store, TOKEN, "a").await);
    assert_eq!(list(&store, TOKEN, 10).await, []);
    assert_eq!(read(&store, ANSWER, "a", 10).await, Some(answer));
}

pub(super) async fn are_listed_by_the_bytes_of_their_keys(store: Arc<dyn Store>) {
    let keys = [
        "\0",
        "\0b",
        " ",
        "A",
        "Z",
        "a",
        "a\0",
        "a b",
        "a-b",
        "aa",
        "b",
        "ä",
        "日本",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{10ffff}0",
    ];
    let listed = keys.map(|key| entry(TOKEN, key));
    for number in 0..keys.len() {
        // In another order than that they are listed in.
        add(&store, &listed[number * 7 % keys.len()], 10).await;
    }
    assert_eq!(list(&store, TOKEN, 10).await, listed);
    assert_eq!(list(&store, ANSWER, 10).await, []);
}

pub(super) async fn are_listed_up_to_a_limit(store: Arc<dyn Store>) {
    // They would come first, but have expired when the others are listed.
    for number in 0..3 {
        let made = until(20, &entry(TOKEN, &format!("a{number}")));
        add(&store, &made, 10).await;
    }
    let made = |number: usize| entry(TOKEN, &format!("b{number:04}"));
    let mut writers = JoinSet::new();
    for writer in 0..7 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for number in (writer..=ENTRIES_LISTED_MAX).step_by(7) {
                add(&store, &made(number), 10).await;
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.expect("a writer panicked");
    }
    let first: Vec<Entry> = (0..ENTRIES_LISTED_MAX).map(made).collect();
    assert!(list(&store, TOKEN, 20).await == first, "not the first");
    assert!(remove(&store, TOKEN, "b0000").await);
    let rest: Vec<Entry> = (1..=ENTRIES_LISTED_MAX).map(made).collect();
    assert!(list(&store, TOKEN, 20).await == rest, "not the rest");
}

pub(super) async fn are_gone_when_they_expire(store: Arc<dyn Store>) {
    let made = until(20, &entry(TOKEN, "a"));
    add(&store, &made, 10).await;
    assert_eq!(read(&store, TOKEN, "a", 19).await, Some(made.clone()));
    assert_eq!(list(&store, TOKEN, 19).await, std::slice::from_ref(&made));
    assert_eq!(read(&store, TOKEN, "a", 20).await, None);
    assert_eq!(list(&store, TOKEN, 20).await, []);
    assert!(!replace(&store, &entry(TOKEN, "a"), 20).await);
    assert_eq!(read(&store, TOKEN, "a", 20).await, None);

    // Its key is free, with another value and another end.
    let next = until(30, &saying(json!("next"), &made));
    add(&store, &next, 20).await;
    assert_eq!(read(&store, TOKEN, "a", 29).await, Some(next.clone()));
    assert_eq!(list(&store, TOKEN, 29).await, std::slice::from_ref(&next));
    assert_eq!(list(&store, TOKEN, 30).await, []);

    // The end is put off, taken away, and brought forward.
    let later = until(40, &next);
    assert!(replace(&store, &later, 29).await);
    assert_eq!(read(&store, TOKEN, "a", 39).await, Some(later));
    assert_eq!(read(&store, TOKEN, "a", 40).await, None);
    let never = entry(TOKEN, "a");
    assert!(replace(&store, &never, 39).await);
    assert_eq!(read(&store, TOKEN, "a", LATE).await, Some(never.clone()));
    assert!(replace(&store, &until(50, &never), LATE).await);
    assert_eq!(read(&store, TOKEN, "a", 50).await, None);

    // What is removed when it has expired is gone for good.
    remove(&store, TOKEN, "a").await;
    assert_eq!(read(&store, TOKEN, "a", 40).await, None);

    // One that has expired when it is added was never there.
    let stale = until(60, &entry(TOKEN, "stale"));
    for _ in 0..2 {
        add(&store, &stale, 60).await;
        assert_eq!(list(&store, TOKEN, 60).await, []);
    }
}

pub(super) async fn outlive_collections(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    put(&store, &document("docs", "a", &["one"])).await;
    for kind in EntryKind::ALL {
        add(&store, &entry(kind, "docs"), 10).await;
    }
    let status = good(store.status().await);
    let counts = [
        status.collection_count,
        status.document_count,
        status.chunk_count,
    ];
    assert_eq!(counts, [1, 1, 1]);
    good(store.delete_collection(&name("docs")).await);
    assert_eq!(good(store.collections().await), []);
    for kind in EntryKind::ALL {
        assert_eq!(list(&store, kind, 10).await, [entry(kind, "docs")]);
    }
}

pub(super) async fn are_added_by_one_of_many(store: Arc<dyn Store>) {
    // First one that is not there, then one that has expired.
    for now in [10, 20] {
        let mut adding = JoinSet::new();
        for number in 0..16 {
            let store = Arc::clone(&store);
            adding.spawn(async move {
                let made = saying(json!(number), &until(now + 10, &entry(ANSWER, "a")));
                let there = good(store.add_entry(&made, time(now)).await);
                (made, there)
            });
        }
        let added = adding.join_all().await;
        let mut winners = added.iter().filter(|(_, there)| there.is_none());
        let (winner, _) = winners.next().expect("one of them added it");
        assert!(winners.next().is_none(), "{added:?}");
        for there in added.iter().filter_map(|(_, there)| there.as_ref()) {
            assert_eq!(there, winner, "at {now}");
        }
        assert_eq!(read(&store, ANSWER, "a", now).await.as_ref(), Some(winner));
    }
}

pub(super) async fn are_replaced_and_removed_by_many_at_once(store: Arc<dyn Store>) {
    let made = entry(ANSWER, "a");
    add(&store, &made, 10).await;
    let mut replacing = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        let next = saying(json!(number), &made);
        replacing.spawn(async move { replace(&store, &next, 10).await });
    }
    let replaced = replacing.join_all().await;
    assert!(replaced.iter().all(|is_done| *is_done), "{replaced:?}");
    let last = read(&store, ANSWER, "a", 10).await.expect("it is there");
    let number = last.value.as_u64().expect("a number");
    assert_eq!(last, saying(json!(number), &made));

    let mut removing = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        removing.spawn(async move { remove(&store, ANSWER, "a").await });
    }
    let removed = removing.join_all().await;
    let winners = removed.iter().filter(|is_done| **is_done).count();
    assert_eq!(winners, 1, "{removed:?}");
    assert_eq!(read(&store, ANSWER, "a", 10).await, None);
}
