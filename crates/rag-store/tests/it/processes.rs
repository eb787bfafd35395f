//! Several processes on one file: real ones, of which some are killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rag_core::model::{ItemCounts, ItemState, JobId, JobItem, JobState};
use rag_core::port::{Expect, JobStore, Lease, Store, StoreError};
use rag_store::conformance::fixture::{
    anything, chunk_ref, collection, create, document, good, kept, matching, name, new_job, put,
    ranked, space, time,
};
use rag_store::embedded::EmbeddedStore;
use rusqlite::Connection;

/// Where the other process finds its store; set only for it.
const CHILD_STORE: &str = "RAG_STORE_TEST_CHILD";

/// What the other process puts in as its `number`th document: every third time
/// it replaces an earlier one.
fn nth(number: usize) -> (rag_core::model::EmbeddedDocument, u64) {
    let (source, revision) = if number % 3 == 2 {
        (number - 1, 2)
    } else {
        (number, 1)
    };
    let mark = format!("mark{number}");
    let filler = "filler ".repeat(200);
    let texts: Vec<String> = (0..5)
        .map(|chunk| format!("{mark} chunk{chunk} {filler}"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    (
        document("docs", &format!("source {source}"), &texts),
        revision,
    )
}

/// The job that the other process works on, when there is one.
fn job_of_child() -> JobId {
    let new = new_job("docs", "killed", 1);
    JobId::derive(&new.key, new.created_at)
}

/// Whoever has [`job_of_child`].
const WORKER_OF_CHILD: &str = "child";

/// What the other process notes in its job after its `number`th document.
fn item(number: usize) -> JobItem {
    JobItem {
        state: ItemState::Ingested,
        chunk_count: 5,
        ..JobItem::pending(format!("source {number}"))
    }
}

/// The other process: puts documents in until it is killed or refused, and
/// says which were acknowledged.
#[tokio::test]
async fn child() {
    let Some(path) = std::env::var_os(CHILD_STORE) else {
        return;
    };
    let store = good(EmbeddedStore::open(Path::new(&path)));
    let job = job_of_child();
    let mut out = std::io::stdout();
    for number in 0..3_000 {
        let (made, _) = nth(number);
        match store.put_document(&made, &space(), Expect::Any).await {
            // Where there is no such job, this does nothing.
            Ok(_) => {
                let items = [item(number)];
                good(store.put_job_items(job, WORKER_OF_CHILD, &items).await);
                writeln!(out, "\nput {number}").unwrap();
            }
            Err(error) => {
                let is_read = store.document(nth(0).0.document.info.id).await.is_ok();
                writeln!(out, "\nrefused {error} (still read: {is_read})").unwrap();
                return;
            }
        }
    }
}

/// Starts [`child`] on the store at `path`, its command behind `wrapper`.
fn start(wrapper: &[&str], path: &Path) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut line: Vec<std::ffi::OsString> = wrapper.iter().map(Into::into).collect();
    line.push(program.into());
    let mut command = Command::new(&line[0]);
    command
        .args(&line[1..])
        .args(["--exact", "processes::child", "--nocapture"]);
    command
        .env(CHILD_STORE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Reads what the child says up to the `count`th acknowledgement, kills it, and
/// reads what it had said by then. How many documents it acknowledged in all.
fn kill_after(mut child: Child, count: usize) -> usize {
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let is_put = |line: &String| line.starts_with("put ");
    let before = lines.by_ref().filter(is_put).take(count).count();
    child.kill().unwrap();
    let after = lines.filter(is_put).count();
    child.wait().unwrap();
    assert_eq!(before, count, "the other process ended by itself");
    before + after
}

/// Asserts that the first `acknowledged` documents are whole, and that at most
/// one more is there, whole too.
async fn assert_whole(store: &Arc<dyn Store>, acknowledged: usize) {
    let mut there = 0;
    for number in 0..=acknowledged {
        let (made, revision) = nth(number);
        let is_replaced = number % 3 == 1 && number < acknowledged;
        let found = good(store.document(made.document.info.id).await);
        if is_replaced && found.as_ref().is_some_and(|found| found.info.revision == 2) {
            continue;
        }
        if number == acknowledged
            && found
                .as_ref()
                .is_none_or(|found| found.info.revision != revision)
        {
            continue;
        }
        there += 1;
        assert_eq!(found, Some(kept(&made, revision)), "document {number}");
        let chunks = good(store.chunks(made.document.info.id, 0, u32::MAX).await);
        assert!(
            chunks
                .iter()
                .eq(made.chunks.iter().map(|chunk| &chunk.chunk)),
            "{number}"
        );
        let mut matches = ranked(&matching(store, &format!("mark{number}"), &anything()).await);
        matches.sort_unstable();
        let expected: Vec<_> = (0..5).map(|index| chunk_ref(&made, index)).collect();
        assert_eq!(matches, expected, "{number}");
    }
    let status = good(store.status().await);
    assert_eq!(
        (status.document_count, status.chunk_count),
        (there, 5 * there)
    );
    assert_eq!(
        matching(store, "chunk0", &anything()).await.len() as u64,
        there.min(1_000)
    );
}

/// Asserts that the job has the items of the first `acknowledged` documents, in
/// order and counted, and at most one more.
async fn assert_items_whole(store: &Arc<dyn Store>, acknowledged: usize) {
    let id = job_of_child();
    let items = good(store.job_items(id, None, 0, 1_000).await);
    assert!(items.len() == acknowledged || items.len() == acknowledged + 1);
    assert!(items.iter().cloned().eq((0..items.len()).map(item)));
    let expected = ItemCounts {
        ingested: items.len() as u64,
        chunks: 5 * items.len() as u64,
        ..ItemCounts::default()
    };
    let job = good(store.job(id).await).unwrap();
    assert_eq!((job.counts, job.state), (expected, JobState::Running));
}

fn assert_sound(path: &Path) {
    let connection = Connection::open(path).unwrap();
    for pragma in ["integrity_check", "foreign_key_check"] {
        let mut statement = connection.prepare(&format!("PRAGMA {pragma}")).unwrap();
        let rows = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        let said: Vec<String> = rows
            .map(Result::unwrap)
            .filter(|line| line != "ok")
            .collect();
        assert_eq!(said, Vec::<String>::new(), "{pragma}");
    }
    connection
        .execute("INSERT INTO word (word) VALUES ('integrity-check')", [])
        .unwrap();
}

#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_acknowledged() {
    for count in [1, 2, 9, 30, 61] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
        create(&store, &["docs"]).await;
        let (job, _) = good(store.add_job(&new_job("docs", "killed", 1)).await);
        let lease = store.lease_job(job.id, WORKER_OF_CHILD, time(1), time(9));
        assert_eq!(good(lease.await), Lease::Held);
        drop(store);
        let acknowledged = kill_after(start(&[], &path), count);
        let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
        assert_whole(&store, acknowledged).await;
        assert_items_whole(&store, acknowledged).await;
        put(&store, &document("docs", "another", &["still writable"])).await;
        assert_sound(&path);
    }
}

#[tokio::test]
async fn processes_see_what_the_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
    create(&store, &["docs", "ours"]).await;
    // Search first, so that there is an index in memory to fall behind.
    assert_eq!(matching(&store, "filler", &anything()).await, []);
    let mut child = start(&[], &path);
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    for number in 0..12 {
        let line = lines
            .by_ref()
            .find(|line| line.starts_with("put "))
            .unwrap();
        assert_eq!(line, format!("put {number}"));
        // Both write at the same time, and this one sees what that one wrote.
        let text = format!("ours{number}");
        put(&store, &document("ours", &text, &[&text])).await;
        let found = matching(&store, &format!("mark{number} ours{number}"), &anything()).await;
        let is_replaced = number % 3 == 1 && found.len() == 1;
        assert!(found.len() == 6 || is_replaced, "{number}: {}", found.len());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_sound(&path);
}

#[tokio::test]
async fn two_handles_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let one: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
    let two: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
    create(&one, &["docs", "more"]).await;
    for round in 0..12 {
        let (writer, reader) = if round % 2 == 0 {
            (&one, &two)
        } else {
            (&two, &one)
        };
        let made = document("docs", "same", &vec!["word"; 1 + round % 4]);
        put(writer, &made).await;
        assert_eq!(
            matching(reader, "word", &anything()).await.len(),
            1 + round % 4
        );
        let query = &made.chunks[0].vector;
        let nearest = good(reader.nearest(&space(), query, &anything(), 10).await);
        assert_eq!(nearest.len(), 1 + round % 4);
        if round == 5 {
            // The log of changes no longer reaches back to what the reader has seen.
            put(writer, &document("more", "a", &["word"])).await;
            good(writer.delete_collection(&name("more")).await);
            create(writer, &["more"]).await;
            Connection::open(&path)
                .unwrap()
                .execute(
                    "DELETE FROM change WHERE sequence < (SELECT max(sequence) FROM change)",
                    [],
                )
                .unwrap();
        }
        if round % 3 == 2 {
            good(writer.delete_document(made.document.info.id).await);
            assert_eq!(matching(reader, "word", &anything()).await, []);
        }
    }
    // So many changes that what is gone is dropped from memory on the way.
    for round in 0..30 {
        put(&one, &document("docs", "same", &vec!["word"; 100])).await;
        assert_eq!(
            matching(&two, "word", &anything()).await.len(),
            100,
            "{round}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_have_one_job_and_one_worker() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let handles = [(); 2].map(|()| good(EmbeddedStore::open(&path)));
    good(handles[0].create_collection(&collection("docs")).await);
    for round in 0..10 {
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..4 {
            let store = handles[worker % 2].clone();
            workers.spawn(async move {
                // Each asks for it at another time, so that the ids would differ.
                let new = new_job("docs", &format!("{round}"), i64::try_from(worker).unwrap());
                let (job, is_new) = good(store.add_job(&new).await);
                let worker = format!("worker {worker}");
                let lease = store.lease_job(job.id, &worker, time(10), time(20)).await;
                let item = [JobItem::pending(&worker)];
                let is_written = good(store.put_job_items(job.id, &worker, &item).await);
                let is_held = good(lease) == Lease::Held;
                assert_eq!(is_written, is_held, "{worker}");
                (job.id, is_new, is_held)
            });
        }
        let outcomes = workers.join_all().await;
        let id = outcomes[0].0;
        assert!(
            outcomes.iter().all(|outcome| outcome.0 == id),
            "{outcomes:?}"
        );
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.1).count(),
            1,
            "{outcomes:?}"
        );
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.2).count(),
            1,
            "{outcomes:?}"
        );
        let job = good(handles[round % 2].job(id).await).unwrap();
        assert_eq!(job.counts.pending, 1);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
    create(&store, &["docs"]).await;
    drop(store);
    // No file of that process may grow beyond a megabyte.
    let limited = [
        "sh",
        "-c",
        "trap '' XFSZ; ulimit -f 2048; exec \"$@\"",
        "sh",
    ];
    let child = start(&limited, &path).wait_with_output().unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    let acknowledged = said.lines().filter(|line| line.starts_with("put ")).count();
    let refused = said
        .lines()
        .find(|line| line.starts_with("refused "))
        .unwrap();
    assert!(
        refused.contains("cannot write to the store at"),
        "{refused}"
    );
    assert!(refused.contains("still read: true"), "{refused}");
    assert!(acknowledged > 0);
    let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
    assert_whole(&store, acknowledged).await;
    assert_sound(&path);
}

#[tokio::test]
async fn a_lock_that_is_held_for_a_while_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
    create(&store, &["docs"]).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Reading does not wait for a writer.
    assert_eq!(good(store.documents(&anything(), 0, 10).await).total, 0);
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let made = document("docs", "a", &["word"]);
            store.put_document(&made, &space(), Expect::Absent).await
        }
    });
    tokio::task::yield_now().await;
    other.execute_batch("ROLLBACK").unwrap();
    let outcome: Result<_, StoreError> = waiting.await.unwrap();
    assert_eq!(good(outcome).revision, 1);
}
