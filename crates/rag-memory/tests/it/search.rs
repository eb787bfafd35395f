//! Search.

use rag_memory::ErrorKind;
use rag_memory::api::{Hit, IngestText, SearchDocuments, SearchMode};
use serde_json::json;

use crate::{Fixture, error, object, open, text};

impl Fixture {
    async fn search(&self, request: SearchDocuments) -> Vec<Hit> {
        self.memory.search_documents(request).await.unwrap().results
    }
}

fn ask(query: &str, change: impl FnOnce(&mut SearchDocuments)) -> SearchDocuments {
    let mut request = SearchDocuments::new(query);
    change(&mut request);
    request
}

/// Sections of their own, each long enough to be a chunk by itself.
fn sections(topics: &[&str]) -> String {
    let section = |topic: &&str| {
        format!(
            "## {topic}\n\n{}\n\n",
            format!("All about {topic}. ").repeat(45)
        )
    };
    format!(
        "# Manual\n\n{}",
        topics.iter().map(section).collect::<String>()
    )
}

#[tokio::test]
async fn every_hit_can_be_checked() {
    let fixture = Fixture::new().await;
    let content = sections(&["apples", "pears", "plums"]);
    let id = fixture.put(&content).await.source_document_id;
    for mode in [SearchMode::Hybrid, SearchMode::Vector, SearchMode::Keyword] {
        let hits = fixture
            .search(ask("pears", |request| request.mode = mode))
            .await;
        let best = &hits[0];
        assert_eq!(best.heading_path.last().unwrap(), "pears", "{mode:?}");
        assert_eq!(best.source_document_id, id);
        let slice: String = content
            .chars()
            .skip(best.char_start)
            .take(best.char_end - best.char_start)
            .collect();
        assert_eq!(slice, best.content);
        assert!(
            (0.0..=1.0).contains(&best.score),
            "{mode:?}: {}",
            best.score
        );
    }
}

#[tokio::test]
async fn nothing_in_nothing_out() {
    let fixture = Fixture::new().await;
    assert!(
        fixture
            .search(SearchDocuments::new("anything"))
            .await
            .is_empty()
    );
    fixture.put("some text").await;
    let none = |mode| ask("unrelatedword", |request| request.mode = mode);
    assert!(fixture.search(none(SearchMode::Keyword)).await.is_empty());
}

#[tokio::test]
async fn wrong_options_say_what_is_right() {
    let fixture = Fixture::new().await;
    type Change = fn(&mut SearchDocuments);
    let cases: [(Change, &str); 8] = [
        (|request| request.query = " \n".into(), "the query is blank"),
        (
            |request| request.query = "x".repeat(10_001),
            "`query` has 10001 characters, it may have 10000",
        ),
        (
            |request| request.limit = 0,
            "`limit` must be from 1 to 50, not 0",
        ),
        (
            |request| request.limit = -3,
            "`limit` must be from 1 to 50, not -3",
        ),
        (
            |request| request.limit = 1_000_000,
            "`limit` must be from 1 to 50, not 1000000",
        ),
        (
            |request| request.threshold = Some(1.5),
            "`threshold` must be a cosine from -1 to 1 or null, not 1.5",
        ),
        (
            |request| request.max_tokens = Some(0),
            "`max_tokens` must be from 1 to 10000000, not 0",
        ),
        (
            |request| request.neighbors = 6,
            "`neighbors` must be from 0 to 5, not 6",
        ),
    ];
    for (change, expected) in cases {
        let result = fixture.memory.search_documents(ask("fine", change)).await;
        let failure = result.unwrap_err();
        assert_eq!(
            (failure.kind(), failure.message()),
            (ErrorKind::Invalid, expected)
        );
    }
    let unknown = ask("fine", |request| {
        request.collection_name = Some("dosc".into());
    });
    assert!(error(fixture.memory.search_documents(unknown).await).contains("did you mean `docs`?"));
}

#[tokio::test]
async fn the_threshold_comes_before_the_limit() {
    let fixture = Fixture::new().await;
    fixture.put("red green blue").await;
    fixture
        .put("an unrelated long sentence about something else entirely")
        .await;
    let all = fixture.search(SearchDocuments::new("red green blue")).await;
    assert_eq!(all.len(), 2);
    let close = ask("red green blue", |request| {
        request.threshold = Some(0.9);
        request.limit = 1;
    });
    let close = fixture.search(close).await;
    assert_eq!(
        (close.len(), close[0].content.as_str()),
        (1, "red green blue")
    );
    let unreachable = ask("crimson", |request| request.threshold = Some(0.999));
    assert!(fixture.search(unreachable).await.is_empty());
}

#[tokio::test]
async fn filters_narrow() {
    let fixture = Fixture::new().await;
    fixture.create("other").await.unwrap();
    for (collection, team, content) in [
        ("docs", "a", "tides rise"),
        ("docs", "b", "tides fall"),
        ("other", "a", "tides turn"),
    ] {
        let put = IngestText {
            collection_name: collection.into(),
            metadata: object(json!({"team": team, "tags": ["sea", team]})),
            ..text(content)
        };
        fixture.memory.ingest_text(put).await.unwrap();
    }
    for (collection, filter, expected) in [
        (
            None,
            json!({}),
            &["tides fall", "tides rise", "tides turn"][..],
        ),
        (Some("docs"), json!({}), &["tides fall", "tides rise"]),
        (None, json!({"team": "a"}), &["tides rise", "tides turn"]),
        (Some("docs"), json!({"team": "a"}), &["tides rise"]),
        (None, json!({"tags": ["b", "sea"]}), &["tides fall"]),
        (Some("other"), json!({"team": "b"}), &[]),
    ] {
        let request = ask("tides", |request| {
            request.collection_name = collection.map(str::to_owned);
            request.metadata_filter = object(filter.clone());
        });
        let mut found: Vec<String> = fixture
            .search(request)
            .await
            .into_iter()
            .map(|hit| hit.content)
            .collect();
        found.sort();
        assert_eq!(found, expected, "{collection:?} {filter}");
    }
}

#[tokio::test]
async fn one_document_does_not_fill_the_answer() {
    let fixture = Fixture::new().await;
    fixture
        .put(&sections(&[
            "kites",
            "kites and wind",
            "kites and string",
            "kites and rain",
        ]))
        .await;
    fixture.put("A short word on kites.").await;
    let two = fixture
        .search(ask("kites", |request| request.max_per_document = 2))
        .await;
    assert_eq!(two.len(), 3);
    let one = fixture
        .search(ask("kites", |request| request.max_per_document = 1))
        .await;
    assert_eq!(one.len(), 2);
}

#[tokio::test]
async fn near_duplicates_are_one_hit() {
    let fixture = Fixture::new().await;
    let passage =
        "The cache is warmed on the first request and kept for an hour after its last use.";
    let mut ids = Vec::new();
    for suffix in ["", " Really.", " Surely."] {
        ids.push(
            fixture
                .put(&format!("{passage}{suffix}"))
                .await
                .source_document_id,
        );
    }
    fixture
        .put("Something about a cache of acorns in the woods.")
        .await;
    let hits = fixture
        .search(SearchDocuments::new("when is the cache warmed"))
        .await;
    assert_eq!(hits.len(), 2);
    let mut folded = hits[0].also_in.clone();
    folded.push(hits[0].source_document_id.clone());
    folded.sort();
    ids.sort();
    assert_eq!(folded, ids);
}

#[tokio::test]
async fn budget_and_neighbours() {
    let fixture = Fixture::new().await;
    let content = sections(&["oak", "elm", "ash", "fir"]);
    fixture.put(&content).await;
    let budget = ask("elm", |request| request.max_tokens = Some(20));
    let reply = fixture.memory.search_documents(budget).await.unwrap();
    assert_eq!((reply.results.len(), reply.warnings.len()), (1, 1));

    let alone = fixture
        .search(ask("elm", |request| request.limit = 1))
        .await;
    let wide = ask("elm", |request| {
        request.limit = 1;
        request.neighbors = 1;
    });
    let wide = fixture.search(wide).await;
    assert!(wide[0].content.contains(&alone[0].content));
    assert!(wide[0].content.contains("All about oak") && wide[0].content.contains("All about ash"));
    let slice: String = content
        .chars()
        .skip(wide[0].char_start)
        .take(wide[0].char_end - wide[0].char_start)
        .collect();
    assert_eq!(slice, wide[0].content);
}

#[tokio::test]
async fn extras_come_on_request() {
    let fixture = Fixture::new().await;
    let id = fixture.put("a small text").await.source_document_id;
    let plain = &fixture.search(SearchDocuments::new("small")).await[0];
    assert!(plain.metadata.is_none() && plain.source_content.is_none() && plain.chunk_id.is_none());
    let full = ask("small", |request| {
        request.include_metadata = true;
        request.include_source = true;
    });
    let full = &fixture.search(full).await[0];
    assert_eq!(full.chunk_id, Some(format!("{id}#0")));
    assert_eq!(full.source_content.as_deref(), Some("a small text"));
    assert!(full.metadata.is_some());
}

#[tokio::test]
async fn another_model_searches_by_words_and_says_so() {
    let fixture = Fixture::new().await;
    fixture.put("the quick brown fox").await;
    let other = open(fixture.folder.path(), 32);
    for mode in [SearchMode::Hybrid, SearchMode::Vector] {
        let reply = other
            .search_documents(ask("fox", |request| request.mode = mode))
            .await
            .unwrap();
        assert_eq!(reply.results.len(), usize::from(mode == SearchMode::Hybrid));
        assert!(
            reply.warnings[0].ends_with(match mode {
                SearchMode::Vector => "was not searched",
                SearchMode::Hybrid | SearchMode::Keyword => "was searched by words only",
            }),
            "{:?}",
            reply.warnings
        );
        assert!(reply.results.iter().all(|hit| hit.similarity.is_none()));
    }
}
