//! How the terms of a chunk are written into the full-text index.
//!
//! The index is told which chunks have which tokens and nothing more, which
//! makes it small and reading it fast. How often a chunk has a term is in the
//! tokens themselves: the first occurrence of `cat` is `cat`, the second
//! `cat×2`, the third `cat×3`. So the chunks that have `cat×3` are those that
//! have `cat` at least three times.

use std::collections::HashMap;

/// Occurrences beyond this many tell BM25 next to nothing and are not kept.
pub(super) const OCCURRENCES_MAX: u8 = 32;

/// Stands between a term and its occurrence; no letter, so in no term.
const OCCURRENCE: char = '×';

/// What the index is given for a chunk with these `terms`.
pub(super) fn indexed(terms: &[String]) -> String {
    let mut occurrences: HashMap<&str, u8> = HashMap::new();
    let mut text = String::new();
    for term in terms.iter().filter(|term| is_term(term)) {
        let occurrence = occurrences.entry(term).or_default();
        if *occurrence < OCCURRENCES_MAX {
            *occurrence += 1;
            text.push_str(&token(term, *occurrence));
            text.push(' ');
        }
    }
    text
}

/// The token of the `occurrence`th time a chunk has `term`, from 1.
pub(super) fn token(term: &str, occurrence: u8) -> String {
    match occurrence {
        0 | 1 => term.to_owned(),
        _ => format!("{term}{OCCURRENCE}{occurrence}"),
    }
}

/// Whether the index hands `term` through as one token. All terms of the
/// analyser are such.
pub(super) fn is_term(term: &str) -> bool {
    let fits = |letter: char| {
        letter != OCCURRENCE
            && (!letter.is_ascii() || letter.is_ascii_alphanumeric() || letter == '_')
    };
    !term.is_empty() && term.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_are_numbered() {
        let often = vec!["x"; 40].join(" ");
        for (terms, expected) in [
            ("", ""),
            ("cat", "cat "),
            ("cat dog cat cat dog", "cat dog cat×2 cat×3 dog×2 "),
            (
                "日本 本語 日本 snake_case кот",
                "日本 本語 日本×2 snake_case кот ",
            ),
            ("a-b a×2 \" c", "c "),
        ] {
            let terms: Vec<String> = terms.split_whitespace().map(String::from).collect();
            assert_eq!(indexed(&terms), expected);
        }
        let terms: Vec<String> = often.split(' ').map(String::from).collect();
        assert_eq!(
            indexed(&terms).split_whitespace().count(),
            usize::from(OCCURRENCES_MAX)
        );
    }
}
