//! The terms of chunks as the words that PostgreSQL's index is given and asked for.
//!
//! A word is a term, a colon and the place in [`OCCURRENCES`] of how often the
//! chunk has it: asking for each place gives a term's chunks with their numbers.

use rag_core::model::{ContentHash, EmbeddedChunk};

use crate::words::{OCCURRENCES, counted};

/// A longer term goes by its hash: PostgreSQL takes words of 2,046 bytes at the most.
const TERM_BYTES_MAX: usize = 1_024;

/// The words of a chunk with a space between each two. No term has one in it.
pub(super) fn of_chunk(chunk: &EmbeddedChunk) -> String {
    let mut text = String::new();
    for (term, place) in counted(&chunk.terms) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&word(term, place));
    }
    text
}

/// The queries for the chunks that have `term`, each with how often they have it.
pub(super) fn queries(term: &str) -> impl Iterator<Item = (String, u8)> {
    let places = OCCURRENCES.into_iter().enumerate();
    // In quotes, with those and backslashes twice, it is one word as it stands.
    places.map(move |(place, occurrences)| {
        let word = word(term, place).replace('\\', "\\\\").replace('\'', "''");
        (format!("'{word}'"), occurrences)
    })
}

fn word(term: &str, place: usize) -> String {
    if term.len() > TERM_BYTES_MAX {
        return format!("{}:{place}", ContentHash::of(term));
    }
    format!("{term}:{place}")
}

#[cfg(test)]
mod tests {
    use rag_core::model::EmbeddedChunk;

    use super::*;
    use crate::conformance::fixture::document;

    fn chunk(text: &str) -> EmbeddedChunk {
        document("docs", "a", &[text]).chunks.remove(0)
    }

    #[test]
    fn terms_are_written_with_their_numbers() {
        for (text, expected) in [
            ("", ""),
            ("cat", "cat:0"),
            ("cat dog cat \" it's", "cat:1 dog:0"),
            ("日本 x x x x x x x x x x x x x", "日本:0 x:7"),
        ] {
            assert_eq!(of_chunk(&chunk(text)), expected, "{text}");
        }
        let long = "x".repeat(5_000);
        assert!(of_chunk(&chunk(&long)).len() < 100);
    }

    #[test]
    fn terms_are_asked_for_as_they_stand() {
        let first = |term: &str| queries(term).next();
        assert_eq!(first("cat"), Some(("'cat:0'".to_owned(), 1)));
        assert_eq!(first("a'\\b"), Some(("'a''\\\\b:0'".to_owned(), 1)));
        assert_eq!(queries("cat").last(), Some(("'cat:7'".to_owned(), 12)));
    }
}
