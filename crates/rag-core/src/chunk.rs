//! Cuts a document's text into chunks: passages that make sense by themselves,
//! are small enough for the embedder, and are exact slices of the text.
//!
//! A text is read as sections of blocks (`outline`), taken apart into pieces
//! no larger than a chunk (`split`, at the places `grain` knows), packed
//! into chunks of even size (`pack`), and small sections are joined
//! (`join`). Sizes are in the embedder's own tokens (`ruler`).
//!
//! What holds for every text:
//!
//! - every character that is not blank is in a chunk, and no chunk is blank;
//! - chunks begin and end with a character that is not blank, and come in
//!   order of where they start and where they end;
//! - they overlap only where a paragraph had to be cut, by a short sentence;
//! - with its head, a chunk is within the limit, as long as the head takes no
//!   more than a third of it.
//!
//! Embedding, and what title a document has, is left to [`crate::ingest`].

mod grain;
mod join;
mod outline;
mod pack;
mod ruler;
mod split;

use std::ops::Range;

use crate::model::{Chunk, MediaType, Span};
use crate::port::TokenLimits;

use grain::{CODE, Grain, PROSE};
use join::{Draft, join};
use outline::outline;
use ruler::{Room, Ruler};
use split::{Piece, Splitter};

/// The share of the target that the sentence repeated from the chunk before
/// may take.
const OVERLAP_SHARE: usize = 4;

/// Cuts `text` into chunks that fit `limits` when they are embedded under
/// `title`.
///
/// `count_tokens` is the embedder's own count; its error ends the cutting.
pub fn chunk<E>(
    text: &str,
    media_type: MediaType,
    title: &str,
    limits: TokenLimits,
    count_tokens: impl Fn(&str) -> Result<usize, E>,
) -> Result<Vec<Chunk>, E> {
    let ruler = Ruler {
        text,
        title,
        limits,
        count_tokens,
    };
    match media_type {
        MediaType::Markdown => {
            let outline = outline(text);
            let mut drafts = Vec::new();
            for section in &outline.sections {
                let room = ruler.room(&section.path)?;
                let pieces = Splitter::new(&ruler, &room).section(section, &outline.blocks)?;
                drafts.extend(drafts_of(&pieces, &section.path, &room));
            }
            finish(join(drafts, &ruler)?, &ruler)
        }
        MediaType::Plain => flat(&ruler, PROSE),
        MediaType::Code => flat(&ruler, CODE),
    }
}

/// Cuts a text that has no sections.
fn flat<E, F>(ruler: &Ruler<'_, F>, grains: &[Grain]) -> Result<Vec<Chunk>, E>
where
    F: Fn(&str) -> Result<usize, E>,
{
    let room = ruler.room(&[])?;
    let pieces = Splitter::new(ruler, &room).text(grains)?;
    finish(drafts_of(&pieces, &[], &room), ruler)
}

/// The chunks of a section, still with blanks around them.
fn drafts_of<'a>(pieces: &[Piece], path: &'a [String], room: &Room) -> Vec<Draft<'a>> {
    let packed = pack::pack(pieces, room);
    let whole = packed.len() == 1;
    let mut drafts = Vec::with_capacity(packed.len());
    let mut before = 0..0;
    for pack in packed {
        let inside = &pieces[pack.clone()];
        let mut size: usize = inside.iter().map(|piece| piece.size).sum();
        let mut start = pieces[pack.start].range.start;
        if let Some(overlap) = overlap(pieces, &before, &pack)
            && overlap.size <= room.target / OVERLAP_SHARE
            && size + overlap.size <= room.max
        {
            start = overlap.range.start;
            size += overlap.size;
        }
        drafts.push(Draft {
            range: start..pieces[pack.end - 1].range.end,
            size,
            path,
            room: room.clone(),
            whole,
            heading_only: inside.iter().all(|piece| piece.heading),
        });
        before = pack;
    }
    drafts
        .iter_mut()
        .for_each(|draft| draft.heading_only &= whole);
    drafts
}

/// The sentence that a chunk may repeat from the one before: the last of it,
/// when the chunk begins within a paragraph.
fn overlap<'a>(
    pieces: &'a [Piece],
    before: &Range<usize>,
    pack: &Range<usize>,
) -> Option<&'a Piece> {
    let last = pack.start.checked_sub(1)?;
    (pieces[pack.start].continues && before.len() > 1).then_some(&pieces[last])
}

/// Makes chunks of drafts, the few that turn out to be too long cut in halves.
fn finish<E, F>(drafts: Vec<Draft<'_>>, ruler: &Ruler<'_, F>) -> Result<Vec<Chunk>, E>
where
    F: Fn(&str) -> Result<usize, E>,
{
    let mut chunks: Vec<Chunk> = Vec::with_capacity(drafts.len());
    let mut cursor = Cursor::default();
    let mut waiting: Vec<Draft<'_>> = drafts.into_iter().rev().collect();
    while let Some(draft) = waiting.pop() {
        let range = trimmed(ruler.text, &draft.range);
        if range.is_empty() {
            continue;
        }
        if !ruler.fits(&range, &draft.room)?
            && let [cut] = Grain::Halves.cuts(ruler.text, &range)[..]
        {
            waiting.push(Draft {
                range: cut..range.end,
                ..draft.clone()
            });
            waiting.push(Draft {
                range: range.start..cut,
                ..draft
            });
            continue;
        }
        let text = &ruler.text[range.clone()];
        let char_start = cursor.advance(ruler.text, range.start);
        let span = Span {
            start: range.start,
            end: range.end,
            char_start,
            char_end: char_start + text.chars().count(),
        };
        chunks.push(Chunk {
            index: u32::try_from(chunks.len()).expect("a text has fewer chunks than 2^32"),
            heading_path: draft.path.to_vec(),
            span,
            text: text.to_owned(),
        });
    }
    Ok(chunks)
}

/// The range without the blanks at its ends.
fn trimmed(text: &str, range: &Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let start = range.start + (inside.len() - inside.trim_start().len());
    start..(start + inside.trim().len())
}

/// Turns rising byte offsets into character offsets in one pass.
#[derive(Default)]
pub(crate) struct Cursor {
    byte: usize,
    char: usize,
}

impl Cursor {
    pub(crate) fn advance(&mut self, text: &str, byte: usize) -> usize {
        self.char += text[self.byte..byte].chars().count();
        self.byte = byte;
        self.char
    }
}
