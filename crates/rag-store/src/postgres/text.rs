//! Texts as PostgreSQL can keep them: it takes every character but NUL.
//!
//! A rare character, which no text has a use for, stands for it, and for
//! itself when it is followed by another sign. Nearly all texts stay as they are.

use std::borrow::Cow;

/// The last code point, which Unicode has set aside.
const MARK: char = '\u{10ffff}';

/// `text` without NUL, so that [`original`] gives it back.
pub(super) fn kept(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', MARK]) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '\0' => kept.extend([MARK, '0']),
            MARK => kept.extend([MARK, '1']),
            other => kept.push(other),
        }
    }
    Cow::Owned(kept)
}

/// The text that [`kept`] made `text` of.
pub(super) fn original(text: String) -> String {
    if !text.contains(MARK) {
        return text;
    }
    let mut original = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            MARK => original.push(match letters.next() {
                Some('0') => '\0',
                _ => MARK,
            }),
            other => original.push(other),
        }
    }
    original
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_survives() {
        for text in [
            "",
            "plain ü 日本",
            "\0",
            "a\0b\0\0",
            "\u{10ffff}",
            "\u{10ffff}0\0\u{10ffff}1",
        ] {
            let kept = kept(text);
            assert!(!kept.contains('\0'), "{text:?}");
            assert_eq!(original(kept.into_owned()), text, "{text:?}");
        }
    }
}
