//! Packs pieces into chunks of even size, cutting where it hurts least.

use std::ops::Range;

use super::ruler::Room;
use super::split::Piece;

/// Which pieces go together: ranges of `pieces`, in order, without gaps.
///
/// Of all ways to pack them, the one with the least sum of what each chunk
/// lacks of the target (squared, so that two halves are better than a whole
/// and a scrap) and of the seams it begins at.
pub(super) fn pack(pieces: &[Piece], room: &Room) -> Vec<Range<usize>> {
    // For each end: the least cost of packing all before it, and where the
    // last chunk of that packing begins.
    let mut best: Vec<(f32, usize)> = vec![(0.0, 0)];
    for end in 1..=pieces.len() {
        let mut least = (f32::INFINITY, end - 1);
        let mut size = 0;
        for start in (0..end).rev() {
            size += pieces[start].size;
            let count = end - start;
            // A heading stays with what it announces as long as both fit.
            let most = if count == 2 && pieces[start].heading {
                room.max
            } else {
                room.target
            };
            if count > 1 && size > most {
                break;
            }
            let seam = if start == 0 { 0.0 } else { pieces[start].seam };
            let cost = best[start].0 + lack(size, room.target) + seam;
            if cost < least.0 {
                least = (cost, start);
            }
        }
        best.push(least);
    }
    let mut packed = Vec::new();
    let mut end = pieces.len();
    while end > 0 {
        let start = best[end].1;
        packed.push(start..end);
        end = start;
    }
    packed.reverse();
    packed
}

/// The square of what share of the target is missing.
fn lack(size: usize, target: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens are small")]
    let share = size as f32 / target as f32;
    (1.0 - share).max(0.0).powi(2)
}
