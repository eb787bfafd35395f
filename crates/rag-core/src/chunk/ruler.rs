//! Measures text in the embedder's tokens, as seldom as possible.

use std::ops::Range;

use crate::model::{Chunk, Span};
use crate::port::TokenLimits;

/// Text counts as one token for at least this many bytes. Models read a run
/// they do not know as one token however long it is, yet it says as little as
/// one and is as long to show.
const TOKEN_BYTES_MAX: usize = 16;

/// A document's text and how to measure it.
pub(super) struct Ruler<'a, F> {
    pub(super) text: &'a str,
    pub(super) title: &'a str,
    pub(super) limits: TokenLimits,
    pub(super) count_tokens: F,
}

/// What is left of the limits for the text of a section's chunks.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// What chunks are packed up to, in tokens.
    pub(super) target: usize,
    /// What they never exceed, in tokens.
    pub(super) max: usize,
    /// What stands before the text when it is embedded; `None` when that takes
    /// more than its share and will be cut.
    head: Option<String>,
}

/// The share of the limit that title and headings may take: a third.
const HEAD_SHARE: usize = 3;

impl<E, F: Fn(&str) -> Result<usize, E>> Ruler<'_, F> {
    /// The room that the title and the headings in `path` leave.
    pub(super) fn room(&self, path: &[String]) -> Result<Room, E> {
        let head = head(self.title, path);
        let size = self.size_of(&head)?;
        let share = self.limits.max / HEAD_SHARE;
        let target = self
            .limits
            .target
            .min(self.limits.max)
            .saturating_sub(size.min(share));
        let max = self.limits.max.saturating_sub(size.min(share));
        let head = (size <= share).then_some(head);
        Ok(Room {
            target: target.max(1),
            max: max.max(1),
            head,
        })
    }

    /// The tokens of a part of the text. What is far too long is not counted.
    pub(super) fn size(&self, range: &Range<usize>) -> Result<usize, E> {
        self.size_of(&self.text[range.clone()])
    }

    /// Whether the model reads all of the part when its head stands before it:
    /// counted as one, because counts of parts do not quite add up.
    pub(super) fn fits(&self, range: &Range<usize>, room: &Room) -> Result<bool, E> {
        let text = self.text[range.clone()].trim();
        Ok(match &room.head {
            Some(head) => self.size_of(&format!("{head}{text}"))? <= self.limits.max,
            None => self.size_of(text)? <= room.max,
        })
    }

    fn size_of(&self, text: &str) -> Result<usize, E> {
        let least = text.len().div_ceil(TOKEN_BYTES_MAX);
        if least > self.limits.max {
            return Ok(least);
        }
        Ok((self.count_tokens)(text)?.max(least))
    }
}

fn head(title: &str, path: &[String]) -> String {
    let span = Span {
        start: 0,
        end: 0,
        char_start: 0,
        char_end: 0,
    };
    let chunk = Chunk {
        index: 0,
        heading_path: path.to_vec(),
        span,
        text: String::new(),
    };
    chunk.indexed_text(title)
}
