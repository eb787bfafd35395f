//! BM25 (Robertson, Zaragoza: The Probabilistic Relevance Framework, 2009), with
//! one set of numbers for every store.

/// How soon further occurrences of a term stop counting.
pub(crate) const K1: f32 = 1.2;

/// How much the length of a chunk counts.
pub(crate) const B: f32 = 0.75;

/// What a term that `frequency` of `chunk_count` chunks have is worth; always
/// above 0.
pub(crate) fn inverse_frequency(frequency: u64, chunk_count: u64) -> f32 {
    let (frequency, all) = (frequency as f32, chunk_count as f32);
    (1.0 + (all - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// What `occurrences` of a term weigh, before its inverse frequency, in a chunk
/// whose length is `length` times the average.
pub(crate) fn weight(occurrences: f32, length: f32) -> f32 {
    occurrences * (K1 + 1.0) / (occurrences + K1 * (1.0 - B + B * length))
}
