//! How often a chunk has its terms, as every store writes it down.
//!
//! An index is told which chunks have which terms in which of its columns and
//! nothing more, which makes it small and reading it fast. The columns are
//! named by numbers: a term stands in that of how often the chunk has it, so
//! that one reading of a term gives its chunks with their numbers.

use std::collections::HashMap;

/// The numbers that are told apart. A term that a chunk has more often than one
/// says and less often than the next says counts as the former: the more often
/// it is there, the less one more tells BM25.
pub(crate) const OCCURRENCES: [u8; 8] = [1, 2, 3, 4, 5, 6, 8, 12];

/// Each of `terms` once, in their order, with the place in [`OCCURRENCES`] of
/// how often it is among them.
pub(crate) fn counted(terms: &[String]) -> Vec<(&str, usize)> {
    let mut occurrences: HashMap<&str, usize> = HashMap::new();
    for term in terms.iter().filter(|term| is_term(term)) {
        *occurrences.entry(term).or_default() += 1;
    }
    let once = terms.iter().filter_map(|term| {
        let count = occurrences.remove(term.as_str())?;
        let place = OCCURRENCES.partition_point(|&least| usize::from(least) <= count) - 1;
        Some((term.as_str(), place))
    });
    once.collect()
}

/// For each column, what a full-text index is given for a chunk with these `terms`.
pub(crate) fn indexed(terms: &[String]) -> [String; OCCURRENCES.len()] {
    let mut columns: [String; OCCURRENCES.len()] = Default::default();
    for (term, column) in counted(terms) {
        columns[column].push_str(term);
        columns[column].push(' ');
    }
    columns
}

/// Whether the index hands `term` through as one token. All terms of the
/// analyser are such.
pub(crate) fn is_term(term: &str) -> bool {
    let fits = |letter: char| !letter.is_ascii() || letter.is_ascii_alphanumeric() || letter == '_';
    !term.is_empty() && term.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_stand_in_the_column_of_their_number() {
        for (terms, expected) in [
            ("", [""; 8]),
            ("cat", ["cat ", "", "", "", "", "", "", ""]),
            (
                "cat dog fox cat cat dog",
                ["fox ", "dog ", "cat ", "", "", "", "", ""],
            ),
            (
                "日本 本語 日本 snake_case кот",
                ["本語 snake_case кот ", "日本 ", "", "", "", "", "", ""],
            ),
            ("a-b a*2 \" c", ["c ", "", "", "", "", "", "", ""]),
        ] {
            let terms: Vec<String> = terms.split_whitespace().map(String::from).collect();
            assert_eq!(indexed(&terms), expected);
        }
        for (count, column) in [
            (4, 3),
            (5, 4),
            (6, 5),
            (7, 5),
            (8, 6),
            (11, 6),
            (12, 7),
            (999, 7),
        ] {
            let columns = indexed(&vec!["x".to_owned(); count]);
            assert_eq!(columns[column], "x ", "{count} times");
            assert_eq!(columns.concat(), "x ", "{count} times");
        }
    }
}
