//! Texts as the tokens of a model.

use tokenizers::utils::truncation::TruncationDirection;
use tokenizers::{Encoding, PostProcessor, Tokenizer};

/// More text than a token can stand for, on average over a whole text. What
/// lies beyond it is cut off before tokenising, whose cost grows with the text.
const TOKEN_BYTES_MAX: usize = 128;

/// Texts are counted in pieces of this size, which bounds the memory for it.
const COUNTED_BYTES_MAX: usize = 32 * 1024;

/// A tokenizer without the padding and truncation its file asks for.
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    max: usize,
}

impl Tokens {
    /// `max` is how many tokens the model reads, start and end marks included.
    pub(super) fn load(json: &[u8], max: usize) -> Result<Self, String> {
        let tokenizer = Tokenizer::from_bytes(json)
            .and_then(|mut tokenizer| {
                tokenizer.with_padding(None).with_truncation(None)?;
                Ok(tokenizer)
            })
            .map_err(|error| format!("its tokenizer cannot be read: {error}"))?;
        Ok(Tokens { tokenizer, max })
    }

    /// The tokens of `text` with the start and end marks, at most `max`.
    pub(super) fn encode(&self, text: &str) -> Result<Encoding, String> {
        let marks = self
            .tokenizer
            .get_post_processor()
            .map_or(0, |last| last.added_tokens(false));
        let mut encoding = self.encode_bare(text)?;
        encoding.truncate(
            self.max.saturating_sub(marks),
            0,
            TruncationDirection::Right,
        );
        let encoding = self
            .tokenizer
            .post_process(encoding, None, true)
            .map_err(|error| format!("cannot tokenise: {error}"))?;
        // Without marks a blank text has no tokens, and no tokens have no vector.
        if encoding.is_empty() {
            self.encode_bare(".")
        } else {
            Ok(encoding)
        }
    }

    /// How many tokens `text` has, marks left out.
    pub(super) fn count(&self, mut text: &str) -> Result<usize, String> {
        let mut count = 0;
        while !text.is_empty() {
            let (piece, rest) = split_at_space(text, COUNTED_BYTES_MAX);
            count += self.encode_bare(piece)?.len();
            text = rest;
        }
        Ok(count)
    }

    fn encode_bare(&self, text: &str) -> Result<Encoding, String> {
        self.tokenizer
            .encode_fast(text, false)
            .map_err(|error| format!("cannot tokenise: {error}"))
    }
}

/// The beginning of `text` that may matter to a model that reads `tokens_max`
/// tokens.
pub(super) fn beginning(text: &str, tokens_max: usize) -> &str {
    let text = text.trim_start();
    &text[..text.floor_char_boundary(tokens_max.saturating_mul(TOKEN_BYTES_MAX))]
}

/// Splits before the last white space within `bytes_max`, or, where there is
/// none, at the last character that fits.
fn split_at_space(text: &str, bytes_max: usize) -> (&str, &str) {
    if text.len() <= bytes_max {
        return (text, "");
    }
    let end = text.floor_char_boundary(bytes_max);
    let space = text[..end]
        .rfind(char::is_whitespace)
        .filter(|&space| space > 0);
    text.split_at(space.unwrap_or(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_words_and_characters() {
        for (text, bytes_max, expected) in [
            ("", 4, ("", "")),
            ("abcd", 4, ("abcd", "")),
            ("ab cd", 4, ("ab", " cd")),
            (" abcd", 4, (" abc", "d")),
            ("äöü", 3, ("ä", "öü")),
        ] {
            assert_eq!(split_at_space(text, bytes_max), expected, "{text:?}");
        }
        assert_eq!(beginning("  ü", 1), "ü");
        assert_eq!(beginning(&"ü".repeat(1_000), 1).len(), TOKEN_BYTES_MAX);
    }
}
