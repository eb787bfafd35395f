//! Takes a section apart into pieces that are small enough to pack.

use std::ops::Range;

use super::grain::{CODE, Grain, HTML, PROSE, ROW};
use super::outline::{Block, Kind, Section};
use super::ruler::{Room, Ruler};

/// A stretch of text that stays in one chunk.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// Where it is, in bytes; surrounding blanks may be in it.
    pub(super) range: Range<usize>,
    /// Its tokens.
    pub(super) size: usize,
    /// How much it hurts to begin a chunk with it, from 0.
    pub(super) seam: f32,
    /// Whether it is a sentence that continues what is before it.
    pub(super) continues: bool,
    /// Whether it is a heading.
    pub(super) heading: bool,
}

/// A cut between the blocks of a list, quote or table.
const INNER_SEAM: f32 = 0.05;
/// A cut between a heading or "as follows:" and what it announces.
const ANNOUNCED_SEAM: f32 = 0.5;

/// Collects the pieces of a section.
pub(super) struct Splitter<'a, F> {
    ruler: &'a Ruler<'a, F>,
    room: &'a Room,
    pieces: Vec<Piece>,
}

impl<'a, E, F: Fn(&str) -> Result<usize, E>> Splitter<'a, F> {
    pub(super) fn new(ruler: &'a Ruler<'a, F>, room: &'a Room) -> Self {
        Splitter {
            ruler,
            room,
            pieces: Vec::new(),
        }
    }

    /// The pieces of a Markdown section with the blocks `all[section.blocks]`.
    pub(super) fn section(mut self, section: &Section, all: &[Block]) -> Result<Vec<Piece>, E> {
        self.blocks(&section.range, &all[section.blocks.clone()], 0, 0.0)?;
        Ok(self.pieces)
    }

    /// The pieces of a text without blocks; it is always cut at the first of `grains`.
    pub(super) fn text(mut self, grains: &[Grain]) -> Result<Vec<Piece>, E> {
        let whole = 0..self.ruler.text.len();
        if let Some((first, finer)) = grains.split_first() {
            for part in parts(&whole, &first.cuts(self.ruler.text, &whole)) {
                self.stretch(part, finer, self.generous(), 0.0, false)?;
            }
        }
        Ok(self.pieces)
    }

    /// Cuts `range` before each of its blocks of `depth`, which are the first
    /// in `blocks`; deeper ones follow their parents.
    fn blocks(
        &mut self,
        range: &Range<usize>,
        blocks: &[Block],
        depth: usize,
        seam: f32,
    ) -> Result<(), E> {
        let own: Vec<usize> = (0..blocks.len())
            .filter(|&at| blocks[at].depth == depth)
            .collect();
        let starts: Vec<usize> = own
            .iter()
            .map(|&at| self.line_start(blocks[at].start).max(range.start))
            .collect();
        let before = range.start..starts.first().copied().unwrap_or(range.end);
        self.stretch(before, PROSE, self.room.target, seam, false)?;
        for (place, &at) in own.iter().enumerate() {
            let end = starts.get(place + 1).copied().unwrap_or(range.end);
            let inner_end = own.get(place + 1).copied().unwrap_or(blocks.len());
            let first = starts[place] == range.start;
            let seam = if first || depth == 0 {
                seam
            } else {
                seam + INNER_SEAM
            };
            self.block(
                starts[place]..end,
                &blocks[at],
                &blocks[at + 1..inner_end],
                seam,
            )?;
        }
        Ok(())
    }

    fn block(
        &mut self,
        range: Range<usize>,
        block: &Block,
        inner: &[Block],
        seam: f32,
    ) -> Result<(), E> {
        let (target, max) = (self.room.target, self.room.max);
        match block.kind {
            Kind::Code => self.stretch(range, CODE, max, seam, false),
            Kind::Row => self.stretch(range, ROW, max, seam, false),
            Kind::Html => self.stretch(range, HTML, target, seam, false),
            Kind::Prose => self.stretch(range, PROSE, self.generous(), seam, false),
            Kind::Heading => {
                let first = self.pieces.len();
                self.stretch(range, PROSE, max, seam, false)?;
                self.pieces[first..]
                    .iter_mut()
                    .for_each(|piece| piece.heading = true);
                Ok(())
            }
            Kind::Container if inner.is_empty() => self.stretch(range, PROSE, target, seam, false),
            Kind::Container => {
                let size = self.ruler.size(&range)?;
                if size <= target {
                    self.push(range, size, seam, false);
                    return Ok(());
                }
                self.blocks(&range, inner, block.depth + 1, seam)
            }
        }
    }

    /// Adds a stretch of text in parts that have `most` tokens, or as many as
    /// the target when it has to be cut.
    fn stretch(
        &mut self,
        range: Range<usize>,
        grains: &[Grain],
        most: usize,
        seam: f32,
        continues: bool,
    ) -> Result<(), E> {
        if self.ruler.text[range.clone()].trim().is_empty() {
            return Ok(());
        }
        let size = self.ruler.size(&range)?;
        let Some((&grain, finer)) = grains.split_first().filter(|_| size > most) else {
            self.push(range, size, seam, continues);
            return Ok(());
        };
        let cuts = grain.cuts(self.ruler.text, &range);
        if cuts.is_empty() && finer.is_empty() {
            self.push(range, size, seam, continues);
            return Ok(());
        }
        // Halves are halved again until they fit.
        let finer = if finer.is_empty() { grains } else { finer };
        let most = match grain {
            _ if cuts.is_empty() => most,
            Grain::Paragraphs | Grain::Lines => self.generous(),
            _ => self.room.target,
        };
        for (place, part) in parts(&range, &cuts).enumerate() {
            match place {
                0 => self.stretch(part, finer, most, seam, continues)?,
                _ => {
                    let sentence =
                        grain == Grain::Sentences || (continues && grain == Grain::Halves);
                    self.stretch(part, finer, most, seam + grain.seam(), sentence)?;
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, range: Range<usize>, size: usize, seam: f32, continues: bool) {
        let announced = self.pieces.last().is_some_and(|last| {
            last.heading
                || self.ruler.text[last.range.clone()]
                    .trim_end()
                    .ends_with([':', '：'])
        });
        let seam = if announced {
            seam + ANNOUNCED_SEAM
        } else {
            seam
        };
        self.pieces.push(Piece {
            range,
            size,
            seam,
            continues,
            heading: false,
        });
    }

    /// A paragraph that is only a little too long is better whole.
    fn generous(&self) -> usize {
        (self.room.target + self.room.target / 4).min(self.room.max)
    }

    fn line_start(&self, at: usize) -> usize {
        self.ruler.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }
}

/// The parts that `cuts` divide `range` into.
fn parts(range: &Range<usize>, cuts: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let starts = std::iter::once(range.start).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain(std::iter::once(range.end));
    starts.zip(ends).map(|(start, end)| start..end)
}
