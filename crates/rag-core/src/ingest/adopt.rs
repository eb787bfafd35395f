//! Takes over chunks that another program cut and embedded with the same model,
//! in place of cutting and embedding the text anew.

use std::ops::Range;

use super::{Identified, document, index};
use crate::chunk::Cursor;
use crate::model::{Chunk, ContentHash, EmbeddedDocument, Span, Timestamp};

/// How far from 1 a vector's length may be to be left as it is.
const LENGTH_TOLERANCE: f64 = 1e-3;

/// A chunk that another program made of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignChunk {
    /// Its text, which is all that was embedded: no title, no headings.
    pub text: String,
    /// Its vector.
    pub vector: Vec<f32>,
}

/// A document with the chunks and vectors of another program, which come in the
/// order they stand in the text and may overlap.
///
/// `None` when they are not chunks of all of this text, or when one has no vector
/// of `dimensions` numbers. Their places are searched for, their words analysed as
/// those of any other chunk, but they have no headings, and their hashes are those
/// of what was embedded: the bare text.
pub fn adopt(
    text: &Identified,
    chunks: &[ForeignChunk],
    dimensions: usize,
    now: Timestamp,
) -> Option<EmbeddedDocument> {
    let source = &text.source;
    let pieces: Vec<&str> = chunks.iter().map(|chunk| &*chunk.text).collect();
    let ranges = ranges(&source.text, &pieces)?;
    let mut cursor = Cursor::default();
    let mut placed = Vec::with_capacity(chunks.len());
    for (foreign, range) in chunks.iter().zip(ranges) {
        let char_start = cursor.advance(&source.text, range.start);
        let chunk = Chunk {
            index: u32::try_from(placed.len()).ok()?,
            heading_path: Vec::new(),
            span: Span {
                start: range.start,
                end: range.end,
                char_start,
                char_end: char_start + foreign.text.chars().count(),
            },
            text: foreign.text.clone(),
        };
        placed.push((chunk, unit(&foreign.vector, dimensions)?));
    }
    let document = document(text.clone(), placed.len(), now);
    let mut adopted = index(document, placed);
    for chunk in &mut adopted.chunks {
        // The vector is not that of the title and the text.
        chunk.hash = ContentHash::of(&chunk.chunk.text);
    }
    Some(adopted)
}

/// Where `pieces` stand in `text`: each begins and ends after the one before it,
/// and what is in none of them is blank. `None` when there is no such place.
fn ranges(text: &str, pieces: &[&str]) -> Option<Vec<Range<usize>>> {
    let mut ranges = Vec::with_capacity(pieces.len());
    let mut last: Option<Range<usize>> = None;
    for piece in pieces {
        if piece.trim().is_empty() {
            return None;
        }
        let (begin, end) = last.map_or((0, 0), |last: Range<usize>| (last.start + 1, last.end));
        // It ends beyond the one before it, and begins before anything is missed.
        let first = begin.max((end + 1).saturating_sub(piece.len()));
        let first = text.ceil_char_boundary(first);
        let latest = end + blanks(&text[end..]);
        let until = text.ceil_char_boundary(latest.saturating_add(piece.len()));
        let start = first + text.get(first..until)?.find(piece)?;
        let range = start..start + piece.len();
        ranges.push(range.clone());
        last = Some(range);
    }
    let end = last.map_or(0, |last| last.end);
    text[end..].trim().is_empty().then_some(ranges)
}

/// How many bytes of blanks a text begins with.
fn blanks(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// The vector with unit length, if it has that many numbers and a direction.
fn unit(vector: &[f32], dimensions: usize) -> Option<Vec<f32>> {
    let sum: f64 = vector.iter().map(|&number| f64::from(number).powi(2)).sum();
    let length = sum.sqrt();
    if vector.len() != dimensions || !length.is_finite() || length < f64::from(f32::EPSILON) {
        return None;
    }
    if (length - 1.0).abs() <= LENGTH_TOLERANCE {
        return Some(vector.to_vec());
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number of a unit vector fits, with the precision the vector has"
    )]
    let scaled = |&number: &f32| (f64::from(number) / length) as f32;
    Some(vector.iter().map(scaled).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::identify;
    use crate::model::{Extracted, MediaType};

    #[test]
    fn places_are_found_where_the_pieces_really_are() {
        for (text, pieces, expected) in [
            ("ab cd ef", &["ab cd", "cd ef"][..], Some(vec![0..5, 3..8])),
            // Each time the words come again, it is the next piece.
            (
                "x y\n\nx y\n\nx y\n",
                &["x y", "x y", "x y"],
                Some(vec![0..3, 5..8, 10..13]),
            ),
            ("aaaa", &["aaa", "aaa"], Some(vec![0..3, 1..4])),
            ("  é – ü \n", &["é –", "– ü"], Some(vec![2..8, 5..11])),
            // Half a document: an embedding failed on the way.
            ("ab cd ef", &["ab cd"], None),
            ("ab cd ef", &["cd ef"], None),
            ("ab cd ef", &["ab", "ef"], None),
            ("ab cd", &["ab cd", "zz"], None),
            ("ab cd", &["ab", " ", "cd"], None),
            // Backwards.
            ("ab cd", &["cd", "ab"], None),
            ("ab", &["ab", "ab"], None),
            ("ab", &[], None),
            ("é é", &["é", "é"], Some(vec![0..2, 3..5])),
        ] {
            assert_eq!(ranges(text, pieces), expected, "{pieces:?} in {text:?}");
        }
    }

    #[test]
    fn vectors_are_kept_as_they_are_or_made_unit_long() {
        assert_eq!(unit(&[0.6, 0.8], 2), Some(vec![0.6, 0.8]));
        assert_eq!(unit(&[3.0, 4.0], 2), Some(vec![0.6, 0.8]));
        for bad in [
            &[0.0, 0.0][..],
            &[1.0],
            &[f32::NAN, 1.0],
            &[f32::INFINITY, 0.0],
        ] {
            assert_eq!(unit(bad, 2), None, "{bad:?}");
        }
    }

    #[test]
    fn a_document_takes_over_chunks_with_their_vectors() {
        let source = Extracted {
            source_uri: Some("file:///a.md".into()),
            title: "Häuser".into(),
            media_type: MediaType::Markdown,
            text: "Über Häuser.\n\nUnd Gärten.\n".into(),
            metadata: Default::default(),
            warnings: Vec::new(),
        };
        let text = identify("docs".parse().unwrap(), source, 1_000).unwrap();
        let chunk = |text: &str, vector: [f32; 2]| ForeignChunk {
            text: text.into(),
            vector: vector.into(),
        };
        let chunks = [
            chunk("Über Häuser.", [1.0, 0.0]),
            chunk("Und Gärten.", [0.0, 1.0]),
        ];
        let adopted = adopt(&text, &chunks, 2, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(adopted.document.info.chunk_count, 2);
        for (index, chunk) in adopted.chunks.iter().enumerate() {
            let span = chunk.chunk.span;
            assert_eq!(chunk.chunk.index as usize, index);
            assert_eq!(chunk.chunk.text, text.source.text[span.start..span.end]);
            let chars = text.source.text.chars();
            let slice: String = chars
                .skip(span.char_start)
                .take(span.char_end - span.char_start)
                .collect();
            assert_eq!(chunk.chunk.text, slice);
            assert_eq!(chunk.hash, ContentHash::of(&chunk.chunk.text));
            assert_eq!(chunk.vector, chunks[index].vector);
            // The title is among the words, as it is for all chunks.
            assert!(chunk.terms.len() > chunk.chunk.text.split_whitespace().count());
        }
        assert!(adopt(&text, &chunks, 3, Timestamp::UNIX_EPOCH).is_none());
        assert!(adopt(&text, &chunks[..1], 2, Timestamp::UNIX_EPOCH).is_none());
    }
}
