//! Joins what is too small to stand alone: headings without text, and sections
//! of a few words each.

use std::ops::Range;

use super::ruler::{Room, Ruler};

/// A chunk in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    /// Where it is, in bytes; surrounding blanks may be in it.
    pub(super) range: Range<usize>,
    /// Its tokens, roughly.
    pub(super) size: usize,
    /// The headings it stands under.
    pub(super) path: &'a [String],
    /// The room of chunks under these headings.
    pub(super) room: Room,
    /// Whether it holds whole sections and not just a part of one.
    pub(super) whole: bool,
    /// Whether it ends with a heading that nothing follows.
    pub(super) heading_only: bool,
}

/// Sections below this share of the target are joined with their siblings.
const TINY_SHARE: usize = 4;
/// And those joined stay below this share.
const JOINED_SHARE: usize = 2;

/// Joins each draft with the one before it where the two belong together.
pub(super) fn join<'a, E, F: Fn(&str) -> Result<usize, E>>(
    drafts: Vec<Draft<'a>>,
    ruler: &Ruler<'_, F>,
) -> Result<Vec<Draft<'a>>, E> {
    let mut joined: Vec<Draft<'a>> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let Some(last) = joined.last_mut() else {
            joined.push(draft);
            continue;
        };
        let both = last.range.start..draft.range.end;
        if last.heading_only && ruler.fits(&both, &draft.room)? {
            *last = Draft {
                range: both,
                size: last.size + draft.size,
                ..draft
            };
        } else if are_tiny_relatives(last, &draft) {
            last.range = both;
            last.size += draft.size;
            last.path = common_path(last.path, draft.path);
            last.room = ruler.room(last.path)?;
        } else {
            joined.push(draft);
        }
    }
    // A heading at the very end has nothing to announce.
    if let [.., before, last] = joined.as_mut_slice()
        && last.heading_only
        && ruler.fits(&(before.range.start..last.range.end), &before.room)?
    {
        before.range.end = last.range.end;
        joined.pop();
    }
    Ok(joined)
}

/// Whether both are short sections, and siblings or parent and child.
fn are_tiny_relatives(last: &Draft<'_>, next: &Draft<'_>) -> bool {
    let target = last.room.target.min(next.room.target);
    let common = common_path(last.path, next.path).len();
    let related = common == last.path.len() || common + 1 == last.path.len().min(next.path.len());
    !next.heading_only
        && last.whole
        && next.whole
        && related
        && next.path.len() <= common + 1
        && next.size < target / TINY_SHARE
        && last.size + next.size <= target / JOINED_SHARE
}

/// The headings that both paths begin with.
fn common_path<'a>(one: &'a [String], other: &[String]) -> &'a [String] {
    let count = one
        .iter()
        .zip(other)
        .take_while(|(one, other)| one == other)
        .count();
    &one[..count]
}
