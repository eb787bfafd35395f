//! The embedders, through their public doors.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod directory;
mod endpoint;
mod hashing;
mod local;
mod options;
mod remote;

use rag_core::port::{EmbedError, Embedder, Purpose};

/// The assets that the program carries.
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/all-MiniLM-L6-v2");

async fn passages(embedder: &dyn Embedder, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
    let texts: Vec<_> = texts.iter().map(|&text| text.to_owned()).collect();
    embedder.embed(&texts, Purpose::Passage).await
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// What the contract says of every vector.
fn check_unit(vector: &[f32], dimensions: usize) {
    assert_eq!(vector.len(), dimensions);
    let length = vector
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    assert!((length - 1.0).abs() < 1e-4, "length {length}");
}

/// An error and its causes in one line.
fn chain(error: &EmbedError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
