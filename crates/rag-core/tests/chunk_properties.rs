//! What the chunker promises for every text, on generated texts: Markdown-like
//! soup in several scripts, cut as each media type.

use std::convert::Infallible;

use proptest::prelude::*;
use rag_core::chunk::chunk;
use rag_core::model::{Chunk, MediaType};
use rag_core::port::TokenLimits;

const TYPES: [MediaType; 3] = [MediaType::Markdown, MediaType::Plain, MediaType::Code];

/// Pieces that Markdown texts are made of, and some that break things.
const SCRAPS: &[&str] = &[
    "# ",
    "## ",
    "### Heading\n",
    "Title\n===\n",
    "Title\n---\n",
    "\n",
    "\n\n",
    "\r\n",
    "\r\n\r\n",
    "  ",
    "    ",
    "\t",
    "- ",
    "* item\n",
    "1. ",
    "- [ ] task\n",
    "> ",
    "> > ",
    "```\n",
    "```rust\n",
    "~~~\n",
    "| a | b |\n",
    "|---|---|\n",
    "| 1 | 2 |\n",
    "---\n",
    "+++\n",
    "---\nkey: value\n---\n",
    "<div>\n",
    "</div>\n",
    "<!-- ",
    " -->",
    "[^1]: ",
    "[^1]",
    "[link](http://a.b) ",
    "[ref]: http://a.b\n",
    "**",
    "_",
    "`",
    "word ",
    "Words make sentences. ",
    "Is it? ",
    "It is! ",
    "fn main() {\n    run();\n}\n",
    "e\u{301}",
    "ﬁ ",
    "漢字。",
    "ひらがなとカタカナ、",
    "한국어 문장입니다. ",
    "Привет, мир. ",
    "مرحبا بالعالم. ",
    "हिन्दी वाक्य। ",
    "ภาษาไทย",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "\u{a0}",
    "\u{200b}",
    "\u{feff}",
    "\0",
    "\u{2028}",
    "\r",
    "antidisestablishmentarianism",
    "0123456789abcdef0123456789abcdef0123456789abcdef",
    "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}",
];

fn soup() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        9 => prop::sample::select(SCRAPS).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(scrap, 0..120).prop_map(|scraps| scraps.concat())
}

fn limits() -> impl Strategy<Value = TokenLimits> {
    (1_usize..60, 1_usize..40).prop_map(|(target, more)| TokenLimits {
        target,
        max: target + more,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_text_is_cut_into_true_slices(text in soup(), limits in limits(), title in "[a-z ]{0,12}") {
        for media_type in TYPES {
            let Ok(chunks) = chunk(&text, media_type, &title, limits, words);
            check_spans(&text, &chunks)?;
            check_cover(&text, &chunks)?;
        }
    }

    #[test]
    fn no_chunk_is_longer_than_the_model_reads(text in soup(), limits in limits()) {
        for media_type in TYPES {
            let Ok(chunks) = chunk(&text, media_type, "title", limits, words);
            for chunk in chunks {
                let head = chunk.indexed_text("title").len() - chunk.text.len();
                let head = words(&chunk.indexed_text("title")[..head]).unwrap_or(0);
                let room = limits.max - head.min(limits.max / 3);
                let Ok(size) = words(&chunk.text);
                prop_assert!(size <= room.max(1), "{size} of {room} in {chunk:?}");
            }
        }
    }
}

fn check_spans(text: &str, chunks: &[Chunk]) -> Result<(), TestCaseError> {
    for (place, chunk) in chunks.iter().enumerate() {
        let span = chunk.span;
        prop_assert_eq!(usize::try_from(chunk.index), Ok(place));
        prop_assert_eq!(&text[span.start..span.end], &chunk.text);
        prop_assert_eq!(text[..span.start].chars().count(), span.char_start);
        prop_assert_eq!(text[..span.end].chars().count(), span.char_end);
        prop_assert_eq!(chunk.text.trim(), &chunk.text);
        prop_assert!(!chunk.text.is_empty());
    }
    for pair in chunks.windows(2) {
        prop_assert!(pair[0].span.start < pair[1].span.start, "{:?}", pair);
        prop_assert!(pair[0].span.end < pair[1].span.end, "{:?}", pair);
    }
    Ok(())
}

fn check_cover(text: &str, chunks: &[Chunk]) -> Result<(), TestCaseError> {
    let mut end = 0;
    for chunk in chunks {
        let gap = text.get(end..chunk.span.start).unwrap_or("");
        prop_assert!(gap.trim().is_empty(), "{gap:?} is in no chunk");
        end = end.max(chunk.span.end);
    }
    prop_assert!(
        text[end..].trim().is_empty(),
        "{:?} is in no chunk",
        &text[end..]
    );
    Ok(())
}

fn words(text: &str) -> Result<usize, Infallible> {
    Ok(text.split_whitespace().count())
}
