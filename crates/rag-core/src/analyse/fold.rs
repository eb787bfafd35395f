//! Makes one spelling of several: compatibility forms are taken apart, and
//! accents and points that people leave out when they type are dropped.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// `lower` (already in lower case) without its accents.
///
/// Only marks that are optional in writing go: those on Latin, Greek and
/// Cyrillic letters, Hebrew points, Arabic vowel signs. The vowel signs of
/// Indic and other scripts are letters of the word and stay.
pub(super) fn fold(lower: &str) -> Cow<'_, str> {
    if lower.is_ascii() {
        return Cow::Borrowed(lower);
    }
    let mut folded = String::with_capacity(lower.len());
    for char in lower.nfkd().filter(|&char| !is_optional_mark(char)).nfc() {
        match plain_letters(char) {
            Some(letters) => folded.push_str(letters),
            None => folded.extend(char.to_lowercase()),
        }
    }
    Cow::Owned(folded)
}

/// The first `chars_max` of `chars`.
pub(super) fn cut(chars: impl Iterator<Item = char>, chars_max: usize) -> String {
    chars.take(chars_max).collect()
}

fn is_optional_mark(char: char) -> bool {
    matches!(char,
        '\u{300}'..='\u{36f}'       // combining diacritical marks
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}'
        | '\u{5c7}'                 // Hebrew
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}'
        | '\u{6ea}'..='\u{6ed}'     // Arabic, with the stretching line
    )
}

/// Letters that have no accent to drop but are typed otherwise.
fn plain_letters(char: char) -> Option<&'static str> {
    Some(match char {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ŋ' => "n",
        'ς' => "σ",
        // One letter of Persian and Urdu has another code in Arabic.
        'ی' | 'ى' => "ي",
        'ک' => "ك",
        _ => return None,
    })
}
