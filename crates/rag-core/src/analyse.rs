//! Turns text into the terms that stores index and match: the one analyser of
//! every store, so that all of them rank alike.
//!
//! A term is made of letters, digits and `_` only. Words are lower-cased, freed
//! of accents and stemmed; identifiers are indexed whole and in parts; scripts
//! that put no spaces between words are indexed as overlapping pairs.
//!
//! Two decisions deserve a reason:
//!
//! - **Stop words are left out of a query, not of the index.** A query made of
//!   nothing else ("who are we", "to be or not to be") then still finds its
//!   passage, and a word that is empty in one language can be content in
//!   another. The index grows a little; a usual query never reads those lists.
//! - **A query is stemmed in each language it may be in, a document in its
//!   own.** A query is too short to tell its language for certain. English is
//!   always among them: names and technical words are English everywhere. All
//!   languages at once would cost more by chance matches than it finds.
//!
//! What weight a term has is left to the store, what becomes of its ranking to
//! [`crate::fuse`].

mod fold;
mod language;
mod words;

use language::query_languages;
pub use language::{Language, detect_language};

use std::collections::HashSet;

use fold::{cut, fold};
use words::{Token, tokens};

/// The most characters a term has; what is longer is cut.
pub const TERM_CHARS_MAX: usize = 64;

/// Terms of a text to be indexed, repeated as often as they occur.
///
/// `language` is that of the whole document ([`detect_language`]); it decides
/// how words in Latin letters are stemmed.
pub fn index_terms(text: &str, language: Language) -> Vec<String> {
    let mut terms = Vec::new();
    tokens(text, |token| match token {
        Token::Word(word) => {
            let lower = word.to_lowercase();
            let exact = term(&fold(&language.stem(&lower)));
            // Someone may search for it without typing the accents.
            let plain = if lower.is_ascii() {
                String::new()
            } else {
                term(&fold(&language.stem(&fold(&lower))))
            };
            if plain != exact {
                terms.push(plain);
            }
            terms.push(exact);
        }
        Token::Unspaced(run) => {
            let units = words::units(run);
            terms.extend(units.iter().map(|unit| term(&fold(unit))));
            terms.extend(pairs(&units));
        }
    });
    terms.retain(|term| !term.is_empty());
    terms
}

/// The distinct terms of a query, in order.
pub fn query_terms(query: &str) -> Vec<String> {
    let languages = query_languages(query);
    let mut all = Terms::default();
    let mut telling = Terms::default();
    tokens(query, |token| match token {
        Token::Word(word) => {
            let lower = word.to_lowercase();
            let stop = languages
                .iter()
                .any(|language| language.is_stop_word(&lower));
            for language in &languages {
                let stem = term(&fold(&language.stem(&lower)));
                if !stop {
                    telling.push(stem.clone());
                }
                all.push(stem);
            }
        }
        Token::Unspaced(run) => {
            // Pairs say more than their halves, which are there for queries of
            // a single character.
            let units = words::units(run);
            match units.as_slice() {
                [unit] => telling.push(term(&fold(unit))),
                units => pairs(units).for_each(|pair| telling.push(pair)),
            }
        }
    });
    if telling.in_order.is_empty() {
        all.in_order
    } else {
        telling.in_order
    }
}

/// Distinct terms in the order they came.
#[derive(Default)]
struct Terms {
    in_order: Vec<String>,
    seen: HashSet<String>,
}

impl Terms {
    fn push(&mut self, term: String) {
        if !term.is_empty() && self.seen.insert(term.clone()) {
            self.in_order.push(term);
        }
    }
}

/// Each unit with the next one.
fn pairs<'a>(units: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    units
        .windows(2)
        .map(|pair| term(&format!("{}{}", fold(pair[0]), fold(pair[1]))))
}

/// What is left of a folded word when only the characters a term may have remain.
fn term(folded: &str) -> String {
    let kept = folded
        .chars()
        .filter(|&char| char.is_alphanumeric() || char == '_');
    cut(kept, TERM_CHARS_MAX)
}
