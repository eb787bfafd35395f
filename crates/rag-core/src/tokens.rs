//! An estimate of how many tokens a language model makes of a text, for
//! budgets where its own tokenizer is not at hand.

/// About how many tokens `text` is, rather too many than too few: four bytes
/// of ASCII letters a token, a token for each run of digits and each other
/// ASCII character that is no space, a token for each character of scripts
/// written without spaces, and one for every two of any other.
pub fn estimate_tokens(text: &str) -> usize {
    let mut quarters = 0;
    let mut after_digit = false;
    for character in text.chars() {
        let digit = character.is_ascii_digit();
        quarters += match character {
            'a'..='z' | 'A'..='Z' => 1,
            '0'..='9' if after_digit => 2,
            _ if character.is_whitespace() => 0,
            _ if character.is_ascii() => 4,
            // From CJK radicals on: ideographs, kana, Hangul, emoji.
            '\u{2e80}'.. => 4,
            _ => 2,
        };
        after_digit = digit;
    }
    usize::div_ceil(quarters, 4)
}

#[cfg(test)]
mod tests {
    use super::estimate_tokens;

    #[test]
    fn estimates_are_near_and_not_below() {
        // The second number is what cl100k_base makes of it.
        for (text, tokens) in [
            ("", 0),
            ("hello world", 2),
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("日本語のテキスト", 8),
        ] {
            let estimate = estimate_tokens(text);
            assert!(
                (tokens..=tokens * 2).contains(&estimate),
                "{text:?}: {estimate}"
            );
        }
    }
}
