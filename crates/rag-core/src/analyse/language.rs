//! The languages whose words we can stem, and how to tell them apart.

use std::borrow::Cow;

use rust_stemmers::{Algorithm, Stemmer};
use whatlang::{Lang, Script};

/// How words in Latin letters are stemmed. Words in other letters are stemmed
/// by their script alone, so that a document and a query agree without either
/// having to be recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Language {
    English,
    Danish,
    Dutch,
    Finnish,
    French,
    German,
    Hungarian,
    Italian,
    Norwegian,
    Portuguese,
    Romanian,
    Spanish,
    Swedish,
    Turkish,
    /// Any other: its words are left as they are.
    Other,
}

/// How much of a document is looked at to tell its language, in bytes.
const SAMPLE_BYTES_MAX: usize = 8_192;

/// Longer words than this are no words of a language; a stemmer may be slow on them.
const STEM_BYTES_MAX: usize = 96;

/// The language of a text, of which the beginning is looked at. English when
/// that cannot be told or the text is not in Latin letters.
pub fn detect_language(text: &str) -> Language {
    let sample = &text[..text.floor_char_boundary(SAMPLE_BYTES_MAX)];
    match whatlang::detect(sample) {
        Some(info) if info.is_reliable() && info.script() == Script::Latin => {
            Language::of(info.lang())
        }
        _ => Language::English,
    }
}

/// The languages a query may be in: English, the likeliest one, and, when that
/// is uncertain, any other.
pub(super) fn query_languages(query: &str) -> Vec<Language> {
    let mut languages = vec![Language::English];
    if let Some(info) = whatlang::detect(query).filter(|info| info.script() == Script::Latin) {
        languages.push(Language::of(info.lang()));
        if !info.is_reliable() {
            languages.push(Language::Other);
        }
    }
    languages
}

impl Language {
    fn of(lang: Lang) -> Self {
        match lang {
            Lang::Eng => Language::English,
            Lang::Dan => Language::Danish,
            Lang::Nld | Lang::Afr => Language::Dutch,
            Lang::Fin => Language::Finnish,
            Lang::Fra => Language::French,
            Lang::Deu => Language::German,
            Lang::Hun => Language::Hungarian,
            Lang::Ita => Language::Italian,
            Lang::Nob => Language::Norwegian,
            Lang::Por => Language::Portuguese,
            Lang::Ron => Language::Romanian,
            Lang::Spa => Language::Spanish,
            Lang::Swe => Language::Swedish,
            Lang::Tur => Language::Turkish,
            _ => Language::Other,
        }
    }

    /// The stem of a word in lower case; a word with a digit or of an unknown
    /// script is its own stem.
    pub(super) fn stem(self, lower: &str) -> Cow<'_, str> {
        let whole = lower.len() <= STEM_BYTES_MAX && !lower.contains(char::is_numeric);
        match lower.chars().next().and_then(|first| self.algorithm(first)) {
            Some(algorithm) if whole => {
                Cow::Owned(Stemmer::create(algorithm).stem(lower).into_owned())
            }
            _ => Cow::Borrowed(lower),
        }
    }

    /// The algorithm for words that begin with `first`.
    fn algorithm(self, first: char) -> Option<Algorithm> {
        match u32::from(first) {
            0x0370..=0x03ff | 0x1f00..=0x1fff => Some(Algorithm::Greek),
            0x0400..=0x052f => Some(Algorithm::Russian),
            0x0600..=0x06ff | 0x0750..=0x077f => Some(Algorithm::Arabic),
            0x0b80..=0x0bff => Some(Algorithm::Tamil),
            0x0000..=0x024f | 0x1e00..=0x1eff => self.latin_algorithm(),
            _ => None,
        }
    }

    fn latin_algorithm(self) -> Option<Algorithm> {
        Some(match self {
            Language::English => Algorithm::English,
            Language::Danish => Algorithm::Danish,
            Language::Dutch => Algorithm::Dutch,
            Language::Finnish => Algorithm::Finnish,
            Language::French => Algorithm::French,
            Language::German => Algorithm::German,
            Language::Hungarian => Algorithm::Hungarian,
            Language::Italian => Algorithm::Italian,
            Language::Norwegian => Algorithm::Norwegian,
            Language::Portuguese => Algorithm::Portuguese,
            Language::Romanian => Algorithm::Romanian,
            Language::Spanish => Algorithm::Spanish,
            Language::Swedish => Algorithm::Swedish,
            Language::Turkish => Algorithm::Turkish,
            Language::Other => return None,
        })
    }

    /// Whether a word in lower case says nothing about what a query is after.
    pub(super) fn is_stop_word(self, lower: &str) -> bool {
        stop_words::lookup(self.code()).is_some_and(|words| words.contains(&lower))
    }

    /// The code of ISO 639-1; empty for [`Language::Other`].
    fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Danish => "da",
            Language::Dutch => "nl",
            Language::Finnish => "fi",
            Language::French => "fr",
            Language::German => "de",
            Language::Hungarian => "hu",
            Language::Italian => "it",
            Language::Norwegian => "no",
            Language::Portuguese => "pt",
            Language::Romanian => "ro",
            Language::Spanish => "es",
            Language::Swedish => "sv",
            Language::Turkish => "tr",
            Language::Other => "",
        }
    }
}
