//! Chunks: the passages of a document that are found.

use super::{ContentHash, DocumentId};

/// How many characters of a title are indexed with each chunk.
pub const TITLE_CHARS_INDEXED_MAX: usize = 120;

/// Where a chunk stands in its document's text, in bytes and in characters
/// (Unicode code points), both half open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte: `&text[start..end]` is the chunk.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// First character.
    pub char_start: usize,
    /// One past the last character.
    pub char_end: usize,
}

/// A passage of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its place among the document's chunks, from 0.
    pub index: u32,
    /// The headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// Where it stands.
    pub span: Span,
    /// The exact slice of the document's text.
    pub text: String,
}

impl Chunk {
    /// What is embedded and indexed: `title > heading path`, a line break,
    /// and the text. Headings that repeat the title are left out, and what is
    /// beyond [`TITLE_CHARS_INDEXED_MAX`] of a title: a model that reads a few
    /// hundred tokens should spend them on the text.
    pub fn indexed_text(&self, title: &str) -> String {
        let mut head: String = title.chars().take(TITLE_CHARS_INDEXED_MAX).collect();
        for heading in self.heading_path.iter().filter(|heading| *heading != title) {
            head.push_str(" > ");
            head.push_str(heading);
        }
        format!("{head}\n{}", self.text)
    }
}

/// A chunk with its vector and its words.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddedChunk {
    /// The chunk.
    pub chunk: Chunk,
    /// The hash of [`Chunk::indexed_text`]: what its vector belongs to.
    pub hash: ContentHash,
    /// Of unit length, in the collection's embedding space.
    pub vector: Vec<f32>,
    /// The analysed terms of the indexed text, repeated as often as they occur.
    pub terms: Vec<String>,
}

/// Names a chunk: its document and its index there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkRef {
    /// The document.
    pub document: DocumentId,
    /// The chunk's index in it.
    pub index: u32,
}
