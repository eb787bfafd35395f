//! The bundled model.

use std::sync::Arc;

use futures_util::future::join_all;
use rag_core::model::EmbeddingSpace;
use rag_core::port::{Embedder, Purpose, TokenLimits};
use rag_embed::LocalEmbedder;
use serde::Deserialize;
use tokio::task::JoinSet;

use crate::{check_unit, cosine, passages};

/// A text and its vector from the 32-bit model.
#[derive(Deserialize)]
struct Reference {
    text: String,
    embedding: Vec<f32>,
}

fn references() -> Vec<Reference> {
    include_str!("../../testdata/reference-embeddings.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn space_and_limits_are_known_before_loading() {
    let embedder = LocalEmbedder::bundled();
    let space = EmbeddingSpace {
        model: "all-MiniLM-L6-v2-int8".to_owned(),
        dimensions: 384,
    };
    assert_eq!(embedder.space(), &space);
    assert_eq!(
        embedder.token_limits(),
        TokenLimits {
            target: 150,
            max: 254
        }
    );
}

#[tokio::test]
async fn vectors_agree_with_the_reference() {
    let references = references();
    let texts: Vec<_> = references
        .iter()
        .map(|reference| reference.text.as_str())
        .collect();
    let vectors = passages(&LocalEmbedder::bundled(), &texts).await.unwrap();
    let cosines: Vec<_> = vectors
        .iter()
        .zip(&references)
        .map(|(vector, reference)| cosine(vector, &reference.embedding))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "forty")]
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    let least = cosines.iter().copied().fold(1.0, f32::min);
    println!(
        "cosine with {} references: mean {mean:.4}, least {least:.4}",
        cosines.len()
    );
    assert_eq!(cosines.len(), 40);
    // The order is right, too: two of these texts are nowhere near 0.97.
    assert!(mean >= 0.99 && least >= 0.97, "mean {mean}, least {least}");
}

#[tokio::test]
async fn a_vector_does_not_depend_on_its_company() {
    let embedder = LocalEmbedder::bundled();
    let texts = [
        "short",
        "a rather longer text about the weather in spring",
        "short",
        "",
    ];
    let together = passages(&embedder, &texts).await.unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        let alone = passages(&embedder, &[text]).await.unwrap();
        assert_eq!(&alone[0], vector, "{text:?}");
    }
}

#[tokio::test]
async fn any_text_has_a_unit_vector() {
    let embedder = LocalEmbedder::bundled();
    let megabyte = "x".repeat(1_000_000);
    let words = "lorem ipsum dolor ".repeat(20_000);
    let blank = " \n\t".repeat(50_000);
    let texts = [
        "",
        " ",
        "\0",
        "\u{feff}",
        "🦀",
        "日本語の文書",
        "e\u{301}\u{301}\u{301}",
        "[SEP] [CLS]",
        "\u{202e}abc",
        megabyte.as_str(),
        words.as_str(),
        blank.as_str(),
    ];
    let vectors = passages(&embedder, &texts).await.unwrap();
    assert_eq!(vectors.len(), texts.len());
    for vector in &vectors {
        check_unit(vector, 384);
    }
    // Long texts are cut, not refused: what is beyond the limit changes nothing.
    let shorter = passages(&embedder, &[&words[..3_600]]).await.unwrap();
    assert!(cosine(&vectors[10], &shorter[0]) > 0.999);
}

#[tokio::test]
async fn nothing_asked_gives_nothing() {
    let vectors = LocalEmbedder::bundled()
        .embed(&[], Purpose::Query)
        .await
        .unwrap();
    assert!(vectors.is_empty());
}

#[test]
fn tokens_are_counted_without_marks_and_without_cutting() {
    let embedder = LocalEmbedder::bundled();
    for (text, count) in [
        ("", 0),
        ("  \n ", 0),
        ("hello", 1),
        ("Hello, world!", 4),
        ("tokenization", 2),
        ("日本語", 3),
    ] {
        assert_eq!(embedder.count_tokens(text).unwrap(), count, "{text:?}");
    }
    // Far past the limit, and in several pieces.
    assert_eq!(
        embedder.count_tokens(&"word ".repeat(100_000)).unwrap(),
        100_000
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_calls_may_run_at_once_and_be_dropped() {
    let embedder = Arc::new(LocalEmbedder::bundled());
    let expected = passages(&LocalEmbedder::bundled(), &["one text"])
        .await
        .unwrap();

    let mut abandoned = JoinSet::new();
    for _ in 0..4 {
        let embedder = Arc::clone(&embedder);
        abandoned.spawn(async move {
            let texts = vec!["never wanted ".repeat(50); 1_000];
            embedder.embed(&texts, Purpose::Passage).await
        });
    }
    let wanted = (0..6).map(|_| passages(&*embedder, &["one text"]));
    let answers = join_all(wanted).await;
    // Each of the thousand would take tens of seconds: dropped means given up.
    abandoned.shutdown().await;
    for answer in answers {
        assert_eq!(answer.unwrap(), expected);
    }
    assert_eq!(passages(&*embedder, &["one text"]).await.unwrap(), expected);
}
