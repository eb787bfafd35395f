//! The embedder without a model.

use rag_core::port::Embedder;
use rag_embed::HashingEmbedder;

use crate::{check_unit, cosine, passages};

#[tokio::test]
async fn texts_that_share_words_are_nearer() {
    let embedder = HashingEmbedder::new(256);
    let texts = [
        "how to store documents",
        "storing a document, and how",
        "the weather in spring",
        "HOW TO STORE DOCUMENTS!",
        "",
        "。。。",
    ];
    let vectors = passages(&embedder, &texts).await.unwrap();
    vectors.iter().for_each(|vector| check_unit(vector, 256));
    let near = cosine(&vectors[0], &vectors[1]);
    let far = cosine(&vectors[0], &vectors[2]);
    assert!(near > far + 0.2, "near {near}, far {far}");
    assert_eq!(vectors[0], vectors[3]);
    assert_eq!(vectors[4], vectors[5]);
}

#[tokio::test]
async fn vectors_are_the_same_everywhere() {
    let vectors = passages(&HashingEmbedder::new(4), &["a b", "ü"])
        .await
        .unwrap();
    let written: Vec<_> = vectors
        .iter()
        .map(|vector| format!("{vector:.2?}"))
        .collect();
    assert_eq!(
        written,
        ["[0.00, 0.00, 0.71, 0.71]", "[0.00, 0.00, 0.00, 1.00]"]
    );
}

#[test]
fn words_are_its_tokens() {
    let embedder = HashingEmbedder::new(0);
    assert_eq!(embedder.space().dimensions, 1);
    assert_eq!(embedder.count_tokens("One, two — drei!").unwrap(), 3);
}
