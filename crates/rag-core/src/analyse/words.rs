//! Finds the words in a text, and the parts of words that are made of several.

use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::TERM_CHARS_MAX;

/// What a text is made of, as far as search is concerned.
pub(super) enum Token<'a> {
    /// A word, a part of a compound, or a compound written as one word.
    Word(&'a str),
    /// A run of characters of scripts that put no spaces between words.
    Unspaced(&'a str),
}

/// Letters that are few enough to be an initial rather than a word of their own.
const PART_CHARS_MIN: usize = 2;
/// How many letters before a digit make a name with a number behind it.
const NAME_CHARS_MIN: usize = 3;

/// Hands every token of `text` to `emit`, in order.
///
/// `HttpClient::get_url` gives `HttpClient`, `Http`, `Client`, `get`, `url` and
/// `HttpClientgeturl`, so that it is found by its parts and by its whole
/// however that is punctuated; `v1.2.3` gives `v1_2_3` as its whole.
pub(super) fn tokens(text: &str, mut emit: impl FnMut(Token<'_>)) {
    let mut rest = text;
    let mut compound: Vec<(&str, &str)> = Vec::new();
    while let Some(start) = rest.find(is_letter) {
        // What stands between two words decides whether they are one compound.
        let between = &rest[..start];
        rest = &rest[start..];
        let unspaced = rest.chars().next().is_some_and(is_unspaced);
        let end = rest
            .find(|char| !continues(char) || (is_letter(char) && is_unspaced(char) != unspaced))
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if unspaced {
            end_compound(&mut compound, &mut emit);
            emit(Token::Unspaced(run));
            continue;
        }
        let joined = compound
            .last()
            .is_some_and(|&(_, before)| connects(before, between, run));
        if !joined {
            end_compound(&mut compound, &mut emit);
        }
        compound.push((between, run));
        emit_word(run, after, &mut emit);
    }
    end_compound(&mut compound, &mut emit);
}

/// The characters of an unspaced run, each with the marks that belong to it.
pub(super) fn units(run: &str) -> Vec<&str> {
    run.graphemes(true).collect()
}

/// Emits a run of letters and digits, then its parts, if it has any.
fn emit_word(run: &str, after: &str, emit: &mut impl FnMut(Token<'_>)) {
    emit(Token::Word(run));
    if run.len() == 1 && after.starts_with("++") {
        emit(Token::Word(&format!("{run}pp")));
    } else if run.len() == 1 && after.starts_with('#') {
        emit(Token::Word(&format!("{run}sharp")));
    }
    if run.len() > TERM_CHARS_MAX {
        return;
    }
    let parts = parts(run);
    if parts.len() > 1 {
        for part in parts {
            if part.len() >= PART_CHARS_MIN || part.starts_with(|char: char| char.is_numeric()) {
                emit(Token::Word(part));
            }
        }
    }
}

/// Emits the compound as one word, unless it is one already or a very long one.
fn end_compound(compound: &mut Vec<(&str, &str)>, emit: &mut impl FnMut(Token<'_>)) {
    if compound.len() > 1 {
        let mut whole = String::new();
        for &(between, part) in &*compound {
            let digits_meet = between != ","
                && whole.ends_with(|char: char| char.is_numeric())
                && part.starts_with(|char: char| char.is_numeric());
            if digits_meet {
                whole.push('_');
            }
            whole.push_str(part);
            if whole.len() > TERM_CHARS_MAX {
                break;
            }
        }
        if whole.len() <= TERM_CHARS_MAX {
            emit(Token::Word(&whole));
        }
    }
    compound.clear();
}

/// Whether `between` makes one compound of the words at its sides.
fn connects(before: &str, between: &str, after: &str) -> bool {
    match between {
        "-" | "_" | "__" | "." | "::" | "\u{2010}" | "\u{2011}" => true,
        "," => {
            before.ends_with(|char: char| char.is_numeric())
                && after.starts_with(|char: char| char.is_numeric())
        }
        _ => false,
    }
}

/// The parts that capitals and digits divide a word into: `HTTPClient2` is
/// `HTTP`, `Client`, `2`.
fn parts(run: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for place in 1..chars.len() {
        let (offset, char) = chars[place];
        let before = chars[place - 1].1;
        let next_is_lower = chars
            .get(place + 1)
            .is_some_and(|next| next.1.is_lowercase());
        let hump = char.is_uppercase()
            && (before.is_lowercase() || (before.is_uppercase() && next_is_lower));
        let name_ends =
            (before.is_alphabetic() && char.is_numeric() && offset - start >= NAME_CHARS_MIN)
                || (before.is_numeric() && char.is_alphabetic() && start > 0);
        if hump || name_ends {
            parts.push(&run[start..offset]);
            start = offset;
        }
    }
    parts.push(&run[start..]);
    parts
}

fn is_letter(char: char) -> bool {
    char.is_alphanumeric()
}

/// Letters, and what may stand inside a word: marks, soft hyphens, joiners.
fn continues(char: char) -> bool {
    char.is_alphanumeric()
        || (!char.is_ascii()
            && (is_combining_mark(char) || matches!(char, '\u{ad}' | '\u{200c}' | '\u{200d}')))
}

/// Scripts without spaces between words, and Hangul, whose words carry their
/// particles with them.
fn is_unspaced(char: char) -> bool {
    matches!(u32::from(char),
        0x0e00..=0x0eff             // Thai, Lao
        | 0x1000..=0x109f           // Myanmar
        | 0x1100..=0x11ff           // Hangul letters
        | 0x1780..=0x17ff           // Khmer
        | 0x3005..=0x3007 | 0x3040..=0x318f // Kana, Bopomofo, Hangul letters
        | 0x31a0..=0x31bf | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff // Han
        | 0xa960..=0xa97f | 0xac00..=0xd7ff // Hangul
        | 0xf900..=0xfaff | 0xff66..=0xffdc | 0x20000..=0x3ffff)
}
