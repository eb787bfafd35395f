//! Documents: putting them in, swapping them, reading and removing them.

use std::sync::Arc;

use rag_core::model::{Collection, DocumentId, EmbeddedDocument, EmbeddingSpace, MediaType};
use rag_core::port::{DeletedDocument, Expect, PutOutcome, Store, StoreError};

use super::fixture::{
    ODD_TEXT, anything, chunk_ref, collection, create, document, good, kept, matching, metadata,
    name, put, ranked, space, time, vector,
};

pub(super) async fn are_kept_whole(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let mut whole = document("docs", ODD_TEXT, &["first", ODD_TEXT, "third"]);
    let info = &mut whole.document.info;
    info.title = ODD_TEXT.to_owned();
    info.media_type = MediaType::Code;
    info.metadata = metadata(
        r#"{"ü": {"deep": [1, -2.5, 0.1, 1e300, 9007199254740993, true, null, "日本"]}, "": ""}"#,
    );
    info.metadata.insert("odd".to_owned(), ODD_TEXT.into());
    info.created_at = time(1_000_000_000);
    info.updated_at = time(2_000_000_000);
    whole.chunks[1].chunk.heading_path = vec![ODD_TEXT.to_owned(), String::new(), "c".to_owned()];
    put(&store, &whole).await;

    let id = whole.document.info.id;
    let expected = kept(&whole, 1);
    assert_eq!(good(store.document(id).await), Some(expected.clone()));
    let of_source = store.document_of_source(&name("docs"), ODD_TEXT).await;
    assert_eq!(good(of_source), Some(expected.info));
    assert_eq!(
        good(store.document_of_source(&name("docs"), "other").await),
        None
    );
    let chunks: Vec<_> = whole
        .chunks
        .iter()
        .map(|chunk| chunk.chunk.clone())
        .collect();
    assert_eq!(good(store.chunks(id, 0, u32::MAX).await), chunks);
}

pub(super) async fn put_twice_stay_one(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let mut same = document("docs", "a", &["one two", "two three"]);
    assert_eq!(
        put(&store, &same).await,
        PutOutcome {
            revision: 1,
            replaced_chunk_count: None
        }
    );
    let before = (
        matching(&store, "two", &anything()).await,
        good(
            store
                .nearest(&space(), &same.chunks[0].vector, &anything(), 10)
                .await,
        ),
    );
    // A replaced document keeps the time it was made at.
    same.document.info.created_at = time(50);
    same.document.info.updated_at = time(60);
    let again = put(&store, &same).await;
    assert_eq!(
        again,
        PutOutcome {
            revision: 2,
            replaced_chunk_count: Some(2)
        }
    );

    same.document.info.created_at = time(1);
    let id = same.document.info.id;
    assert_eq!(good(store.document(id).await), Some(kept(&same, 2)));
    assert_eq!(good(store.documents(&anything(), 0, 10).await).total, 1);
    let after = (
        matching(&store, "two", &anything()).await,
        good(
            store
                .nearest(&space(), &same.chunks[0].vector, &anything(), 10)
                .await,
        ),
    );
    assert_eq!(before, after);
}

pub(super) async fn are_swapped_whole(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let old = document("docs", "a", &["apple", "pear", "plum"]);
    let new = document("docs", "a", &["grape"]);
    let larger = document("docs", "a", &["kiwi", "lime", "grape", "fig"]);
    put(&store, &old).await;
    assert_eq!(matching(&store, "pear", &anything()).await.len(), 1);
    for (revision, was, now) in [(2, &old, &new), (3, &new, &larger)] {
        assert_eq!(
            put(&store, now).await,
            PutOutcome {
                revision,
                replaced_chunk_count: Some(was.document.info.chunk_count)
            }
        );
        let id = now.document.info.id;
        assert_eq!(good(store.document(id).await), Some(kept(now, revision)));
        assert_eq!(
            good(store.chunks(id, 0, u32::MAX).await).len(),
            now.chunks.len()
        );
        let nearest = good(
            store
                .nearest(&space(), &was.chunks[0].vector, &anything(), 10)
                .await,
        );
        assert_eq!(nearest.len(), now.chunks.len());
        for chunk in &was.chunks {
            let stays = now.chunks.iter().any(|other| other.hash == chunk.hash);
            let found = matching(&store, &chunk.chunk.text, &anything()).await;
            assert_eq!(!found.is_empty(), stays, "{}", chunk.chunk.text);
            let vectors = good(store.vectors(&space(), &[chunk.hash]).await);
            assert_eq!(vectors[0].is_some(), stays, "{}", chunk.chunk.text);
        }
    }
    let gone = chunk_ref(&larger, 4);
    assert_eq!(good(store.passages(&[gone]).await), []);
}

pub(super) async fn are_put_as_expected(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    for (step, (expect, found)) in [
        (Expect::Revision(1), Err(None)),
        (Expect::Absent, Ok(1)),
        (Expect::Absent, Err(Some(1))),
        (Expect::Revision(2), Err(Some(1))),
        (Expect::Revision(0), Err(Some(1))),
        (Expect::Revision(1), Ok(2)),
        (Expect::Revision(1), Err(Some(2))),
        (Expect::Any, Ok(3)),
    ]
    .into_iter()
    .enumerate()
    {
        let text = format!("text {step}");
        let put = document("docs", "a", &[&text]);
        let outcome = store.put_document(&put, &space(), expect).await;
        let id = put.document.info.id;
        let there = good(store.document(id).await);
        match (outcome, found) {
            (Ok(outcome), Ok(revision)) => {
                assert_eq!(outcome.revision, revision, "{expect:?}");
                assert_eq!(there, Some(kept(&put, revision)));
            }
            (Err(StoreError::Conflict { found }), Err(expected)) => {
                assert_eq!(found, expected, "{expect:?}");
                assert_eq!(there.as_ref().map(|there| there.info.revision), expected);
                assert_ne!(
                    there.map(|there| there.text),
                    Some(text),
                    "a refused put was done"
                );
            }
            (outcome, _) => panic!("{expect:?} gave {outcome:?}"),
        }
    }
}

pub(super) async fn keep_their_ids_to_themselves(store: Arc<dyn Store>) {
    create(&store, &["docs", "other"]).await;
    let first = document("docs", "a", &["one"]);
    put(&store, &first).await;
    let id = first.document.info.id;
    for (collection, source_uri) in [("docs", "b"), ("other", "a")] {
        let mut thief = document(collection, source_uri, &["two"]);
        thief.document.info.id = id;
        for expect in [Expect::Any, Expect::Absent, Expect::Revision(1)] {
            let outcome = store.put_document(&thief, &space(), expect).await;
            let is_taken = matches!(&outcome, Err(StoreError::IdTaken(taken)) if *taken == id);
            assert!(is_taken, "{outcome:?}");
        }
    }
    assert_eq!(good(store.document(id).await), Some(kept(&first, 1)));
    assert_eq!(good(store.documents(&anything(), 0, 10).await).total, 1);
    // With a salt it has an id of its own.
    let mut salted = document("docs", "b", &["two"]);
    salted.document.info.id = DocumentId::derive(&name("docs"), "b", 1);
    put(&store, &salted).await;
    let found = good(store.document_of_source(&name("docs"), "b").await);
    assert_eq!(found, Some(kept(&salted, 1).info));
}

pub(super) async fn of_another_space_are_refused(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let model = EmbeddingSpace {
        model: "another".to_owned(),
        dimensions: 8,
    };
    let wide = EmbeddingSpace {
        model: "fixture".to_owned(),
        dimensions: 9,
    };
    good(
        store
            .create_collection(&Collection {
                space: model.clone(),
                ..collection("far")
            })
            .await,
    );
    let with_vectors = |collection: &str, dimensions: usize| {
        let mut made = document(collection, "a", &["one", "two"]);
        made.chunks[1].vector = vector("two", dimensions);
        made
    };
    let refused: [(
        EmbeddedDocument,
        EmbeddingSpace,
        EmbeddingSpace,
        EmbeddingSpace,
    ); 4] = [
        (
            with_vectors("docs", 8),
            model.clone(),
            space(),
            model.clone(),
        ),
        (with_vectors("docs", 9), wide.clone(), space(), wide.clone()),
        (with_vectors("docs", 9), space(), space(), wide),
        (with_vectors("far", 8), space(), model, space()),
    ];
    for (document, given, expected_space, got_space) in refused {
        let outcome = store.put_document(&document, &given, Expect::Any).await;
        let Err(StoreError::WrongSpace {
            collection,
            expected,
            ..
        }) = &outcome
        else {
            panic!("{got_space} was not refused: {outcome:?}");
        };
        assert_eq!(*collection, document.document.info.collection);
        assert_eq!(*expected, expected_space);
        assert_eq!(good(store.document(document.document.info.id).await), None);
    }
    assert_eq!(good(store.status().await).document_count, 0);
}

pub(super) async fn may_have_no_chunks(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let empty = document("docs", "a", &[]);
    put(&store, &empty).await;
    let id = empty.document.info.id;
    assert_eq!(good(store.document(id).await), Some(kept(&empty, 1)));
    assert_eq!(good(store.chunks(id, 0, u32::MAX).await), []);
    assert_eq!(good(store.documents(&anything(), 0, 10).await).total, 1);
    let query = vector("a", space().dimensions);
    assert_eq!(
        good(store.nearest(&space(), &query, &anything(), 10).await),
        []
    );
    // From nothing to something and back.
    let full = document("docs", "a", &["word"]);
    for (document, count) in [(&full, 1), (&empty, 0), (&full, 1)] {
        put(&store, document).await;
        assert_eq!(matching(&store, "word", &anything()).await.len(), count);
    }
}

pub(super) async fn go_with_everything_of_theirs(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let gone = document("docs", "a", &["apple pie", "pear"]);
    let stays = document("docs", "b", &["apple"]);
    put(&store, &gone).await;
    put(&store, &stays).await;
    assert_eq!(matching(&store, "apple", &anything()).await.len(), 2);

    let info = &gone.document.info;
    let expected = DeletedDocument {
        title: info.title.clone(),
        collection: info.collection.clone(),
        chunk_count: 2,
    };
    assert_eq!(good(store.delete_document(info.id).await), Some(expected));
    assert_eq!(good(store.delete_document(info.id).await), None);
    assert_eq!(good(store.document(info.id).await), None);
    assert_eq!(good(store.chunks(info.id, 0, u32::MAX).await), []);
    assert_eq!(
        good(store.document_of_source(&name("docs"), "a").await),
        None
    );
    let left = [chunk_ref(&stays, 0)];
    assert_eq!(
        ranked(&matching(&store, "apple pear", &anything()).await),
        left
    );
    let nearest = good(
        store
            .nearest(&space(), &gone.chunks[1].vector, &anything(), 10)
            .await,
    );
    assert_eq!(ranked(&nearest), left);

    // Put in again it is new.
    assert_eq!(
        put(&store, &gone).await,
        PutOutcome {
            revision: 1,
            replaced_chunk_count: None
        }
    );
    assert_eq!(matching(&store, "apple", &anything()).await.len(), 2);
}

pub(super) async fn give_ranges_of_chunks(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let whole = document("docs", "a", &["a", "b", "c", "d"]);
    put(&store, &document("docs", "before", &["x", "y"])).await;
    put(&store, &whole).await;
    put(&store, &document("docs", "after", &["x", "y"])).await;
    for (first, last, expected) in [
        (0, u32::MAX, "abcd"),
        (0, 0, "a"),
        (1, 2, "bc"),
        (3, 9, "d"),
        (4, 9, ""),
        (2, 1, ""),
        (u32::MAX, u32::MAX, ""),
    ] {
        let chunks = good(store.chunks(whole.document.info.id, first, last).await);
        let texts: String = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
        assert_eq!(texts, expected, "{first} to {last}");
    }
    let nobody = DocumentId::derive(&name("docs"), "nobody", 0);
    assert_eq!(good(store.chunks(nobody, 0, 9).await), []);
    assert_eq!(good(store.document(nobody).await), None);
}
