//! Many callers at once.

use std::sync::Arc;

use rag_core::port::{Expect, Store, StoreError};
use tokio::task::JoinSet;

use super::fixture::{anything, create, document, good, kept, matching, put, space, within};

pub(super) async fn writers_do_not_lose_each_other(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let mut tasks = JoinSet::new();
    for writer in 0..8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in 0..5 {
                let text = format!("w{writer}x{number}");
                let made = document("docs", &text, &[&text, "shared"]);
                put(&store, &made).await;
                assert_eq!(
                    matching(&store, &text, &anything()).await.len(),
                    1,
                    "{text}"
                );
                if number == 4 {
                    good(store.delete_document(made.document.info.id).await);
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a writer panicked");
    }
    let status = good(store.status().await);
    assert_eq!((status.document_count, status.chunk_count), (32, 64));
    assert_eq!(matching(&store, "shared", &anything()).await.len(), 32);
    assert_eq!(
        good(store.documents(&within(&["docs"]), 0, 100).await)
            .documents
            .len(),
        32
    );
}

pub(super) async fn one_of_many_wins(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    for (expect, revision) in [(Expect::Absent, 1), (Expect::Revision(1), 2)] {
        let mut tasks = JoinSet::new();
        for writer in 0..8 {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                let made = document("docs", "a", &[&format!("writer {writer}")]);
                let outcome = store.put_document(&made, &space(), expect).await;
                (made, outcome)
            });
        }
        let mut winners = Vec::new();
        while let Some(done) = tasks.join_next().await {
            match done.expect("a writer panicked") {
                (made, Ok(outcome)) => {
                    assert_eq!(outcome.revision, revision);
                    winners.push(made);
                }
                (_, Err(StoreError::Conflict { found })) => assert_eq!(found, Some(revision)),
                (_, Err(other)) => panic!("{expect:?} gave {other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "{expect:?}");
        let id = winners[0].document.info.id;
        assert_eq!(
            good(store.document(id).await),
            Some(kept(&winners[0], revision))
        );
        assert_eq!(matching(&store, "writer", &anything()).await.len(), 1);
    }
}

/// Revision `number`: as many chunks as it has a remainder, each naming it.
fn revision(number: usize) -> rag_core::model::EmbeddedDocument {
    let mark = format!("mark{number}");
    document("docs", "a", &vec![mark.as_str(); 1 + number % 7])
}

pub(super) async fn readers_see_one_revision(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let id = revision(0).document.info.id;
    put(&store, &revision(0)).await;
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 1..=40 {
                put(&store, &revision(number)).await;
            }
        })
    };
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let store = Arc::clone(&store);
        readers.spawn(async move {
            let mut last = 0;
            while last < 41 {
                let whole = good(store.document(id).await).expect("it is always there");
                let number = usize::try_from(whole.info.revision).expect("few") - 1;
                assert_eq!(
                    whole.text,
                    revision(number).document.text,
                    "a mix of revisions"
                );
                assert!(whole.info.revision >= last, "went back in time");
                last = whole.info.revision;

                let chunks = good(store.chunks(id, 0, u32::MAX).await);
                let first = chunks.first().expect("there is always a chunk");
                assert!(
                    chunks.iter().all(|chunk| chunk.text == first.text),
                    "{chunks:?}"
                );
                let number: usize = first.text[4..].parse().expect("a mark has a number");
                assert_eq!(
                    chunks.len(),
                    revision(number).chunks.len(),
                    "half a revision"
                );

                let query = &revision(number).chunks[0].vector;
                let nearest = good(store.nearest(&space(), query, &anything(), 100).await);
                let score = nearest.first().expect("there is always a chunk").score;
                assert!(
                    nearest.iter().all(|found| found.score == score),
                    "{nearest:?}"
                );
            }
        });
    }
    writer.await.expect("the writer panicked");
    while let Some(done) = readers.join_next().await {
        done.expect("a reader panicked");
    }
}

pub(super) async fn a_put_given_up_is_whole_or_absent(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let documents: Vec<_> = (0..20)
        .map(|number| document("docs", &format!("{number}"), &["one two", "two", "three"]))
        .collect();
    for (polls, made) in documents.iter().enumerate() {
        let space = space();
        let put = store.put_document(made, &space, Expect::Any);
        let give_up = async {
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            outcome = put => { good(outcome); }
            () = give_up => {}
        }
    }
    // A write that comes after them has waited for those under way.
    put(&store, &document("docs", "last", &["last"])).await;
    let mut there = 0;
    for made in &documents {
        let id = made.document.info.id;
        let chunks = good(store.chunks(id, 0, u32::MAX).await).len();
        match good(store.document(id).await) {
            Some(whole) => {
                assert_eq!((whole, chunks), (kept(made, 1), 3));
                there += 1;
            }
            None => assert_eq!(chunks, 0),
        }
    }
    assert_eq!(matching(&store, "three", &anything()).await.len(), there);
    assert_eq!(good(store.status().await).chunk_count, 3 * there as u64 + 1);
}
