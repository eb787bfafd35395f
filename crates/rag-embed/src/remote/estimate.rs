//! How many tokens an unknown tokenizer makes of a text, from above.
//!
//! The rule, made for byte-pair encodings of 100,000 tokens and more: a run of
//! ASCII letters and digits costs a token for each three characters begun, and
//! two for each three where it is longer than a word (codes, keys, encoded
//! data); other ASCII costs one a character, except a single space, which goes
//! with the word after it; any other letter costs one up to U+07FF (accents,
//! Greek, Cyrillic, Hebrew, Arabic), two up to U+FFFF (CJK and most else), and
//! three beyond (emoji).

/// A longer run of ASCII letters and digits is not a word.
const WORD_CHARS_MAX: usize = 20;

/// The estimate for the whole of `text`.
pub(super) fn tokens(text: &str) -> usize {
    costs(text).map(|(_, cost)| cost).sum()
}

/// The longest beginning of `text` whose estimate is at most `tokens_max`.
pub(super) fn cut(text: &str, tokens_max: usize) -> &str {
    let mut tokens = 0;
    for (start, cost) in costs(text) {
        tokens += cost;
        if tokens > tokens_max {
            return &text[..start];
        }
    }
    text
}

/// Where each character starts, and what it adds to the estimate.
fn costs(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut run = 0;
    let mut before = '\n';
    text.char_indices().map(move |(start, character)| {
        run = if character.is_ascii_alphanumeric() {
            run + 1
        } else {
            0
        };
        let cost = match character {
            _ if run > WORD_CHARS_MAX => usize::from(run % 3 != 0),
            _ if run > 0 => usize::from(run % 3 == 1),
            ' ' => usize::from(before == ' '),
            '\0'..='\x7f' => 1,
            '\u{80}'..='\u{7ff}' => 1,
            '\u{800}'..='\u{ffff}' => 2,
            _ => 3,
        };
        before = character;
        (start, cost)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_above_what_tokenizers_count() {
        // The number on the right is what OpenAI's `cl100k_base` makes of it.
        for (text, counted) in [
            ("", 0),
            ("hello world", 2),
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("antidisestablishmentarianism", 6),
            ("fn main() { println!(\"hi\"); }", 9),
        ] {
            let estimated = tokens(text);
            assert!(estimated >= counted, "{text:?}: {estimated} < {counted}");
            assert!(
                estimated <= 2 * counted + 12,
                "{text:?}: {estimated} for {counted}"
            );
        }
        assert!(tokens("日本語の文書を検索する") >= 11);
        assert!(tokens("🦀🦀") >= 4);
    }

    #[test]
    fn texts_are_cut_at_characters_within_the_estimate() {
        let texts = [
            "日本語の文書".repeat(50),
            "plain words here ".repeat(50),
            "x".repeat(500),
        ];
        for text in &texts {
            for tokens_max in [0, 1, 7, 64] {
                let beginning = cut(text, tokens_max);
                assert!(text.starts_with(beginning));
                assert!(tokens(beginning) <= tokens_max);
            }
            assert_eq!(cut(text, 10_000), text);
        }
    }
}
