//! The ranking by words.

use std::sync::Arc;

use rag_core::model::ChunkRef;
use rag_core::port::Store;

use super::fixture::{anything, chunk_ref, create, document, good, matching, put, ranked, within};

pub(super) async fn rank_by_rarity_frequency_and_length(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let made = document(
        "docs",
        "a",
        &[
            "cat filler filler filler",
            "cat cat filler filler",
            "dog filler filler filler",
            "cat cat cat filler",
            "filler filler filler filler",
            "cat filler filler filler filler filler filler filler filler filler",
            "cat filler filler filler",
        ],
    );
    put(&store, &made).await;
    for (query, expected) in [
        // Often before seldom, short before long, ties by index.
        ("cat", &[3, 1, 0, 6, 5][..]),
        // The rarer word outweighs the more frequent one.
        ("cat dog", &[2, 3, 1, 0, 6, 5]),
        ("dog cat", &[2, 3, 1, 0, 6, 5]),
        ("dog bird", &[2]),
        ("bird", &[]),
        ("", &[]),
    ] {
        let found = matching(&store, query, &anything()).await;
        let expected: Vec<ChunkRef> = expected
            .iter()
            .map(|&index| chunk_ref(&made, index))
            .collect();
        assert_eq!(ranked(&found), expected, "{query}");
        assert!(
            found
                .iter()
                .all(|score| score.score > 0.0 && score.score.is_finite())
        );
        assert!(found.is_sorted_by(|one, other| one.score >= other.score));
        let terms: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
        for limit in [0, 1, 2, usize::MAX] {
            let cut = good(store.matching(&terms, &anything(), limit).await);
            assert_eq!(cut, found[..limit.min(found.len())], "{query}, {limit}");
        }
    }
}

pub(super) async fn match_in_every_script(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let words = [
        "日本",
        "本語",
        "語の",
        "кошка",
        "gatto",
        "été",
        "ete",
        "snake_case",
        "42",
        "v2",
        "हिन्दी",
        "שלום",
        "한국",
        "ﬁ",
        "_",
        "ß",
        "𝔘𝔫𝔦",
        "กขค",
    ];
    let made = document("docs", "a", &words);
    put(&store, &made).await;
    for (index, word) in (0..).zip(words) {
        let found = matching(&store, word, &anything()).await;
        assert_eq!(ranked(&found), [chunk_ref(&made, index)], "{word}");
    }
    let all = matching(&store, &words.join(" "), &anything()).await;
    assert_eq!(all.len(), words.len());
}

pub(super) async fn match_whole_or_not_at_all(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    put(
        &store,
        &document("docs", "a", &["category snake_case 日本語 near or not and"]),
    )
    .await;
    for query in ["cat", "snake", "case", "日本", "categor", "ategory", "2"] {
        assert_eq!(matching(&store, query, &anything()).await, [], "{query}");
    }
    // Words that a query language might take for its own.
    for query in ["near", "or", "not", "and", "near or"] {
        assert_eq!(
            matching(&store, query, &anything()).await.len(),
            1,
            "{query}"
        );
    }
    for odd in [
        "\"", "*", "a b", "(", "col:near", "-near", "near*", "\u{0}", "", "^near", "'", "%",
    ] {
        let found = good(store.matching(&[odd.to_owned()], &anything(), 10).await);
        assert_eq!(found, [], "{odd:?}");
    }
}

pub(super) async fn that_nearly_all_have_give_way(store: Arc<dyn Store>) {
    create(&store, &["docs"]).await;
    let texts: Vec<String> = (0..150)
        .map(|number| match number {
            7 | 99 => format!("everywhere rare w{number}"),
            _ => format!("everywhere w{number}"),
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let made = document("docs", "a", &texts);
    put(&store, &made).await;
    for (query, count) in [
        ("everywhere", 150),
        ("rare", 2),
        ("everywhere rare", 2),
        ("everywhere rare w3", 3),
        ("everywhere nowhere", 150),
    ] {
        assert_eq!(
            matching(&store, query, &anything()).await.len(),
            count,
            "{query}"
        );
    }
}

pub(super) async fn keep_to_the_filter(store: Arc<dyn Store>) {
    create(&store, &["here", "there"]).await;
    let here = document("here", "a", &["cat dog", "dog"]);
    let there = document("there", "a", &["cat cat cat", "cat"]);
    put(&store, &here).await;
    put(&store, &there).await;
    let (cat, dog) = (chunk_ref(&here, 0), chunk_ref(&here, 1));
    let found = |query: &'static str, names: &'static [&str]| {
        let store = Arc::clone(&store);
        async move { ranked(&matching(&store, query, &within(names)).await) }
    };
    assert_eq!(found("cat", &["here"]).await, [cat]);
    assert_eq!(found("dog", &["here"]).await, [dog, cat]);
    assert_eq!(found("dog", &["there"]).await, []);
    assert_eq!(
        found("cat", &["there"]).await,
        [chunk_ref(&there, 0), chunk_ref(&there, 1)]
    );
    assert_eq!(found("cat", &["there", "here"]).await.len(), 3);
}
