//! Puts a text into a collection, one stage after the other:
//!
//! ```text
//! Extracted ─identify→ Identified ─prepare→ Draft ─embed→ EmbeddedDocument ─put→ Store
//! ```
//!
//! Everything that can fail before the store is touched comes before it, so a
//! failure leaves an earlier version as it was. Reading sources and running
//! the stages on the right threads is left to the caller.

mod adopt;

pub use adopt::{ForeignChunk, adopt};

use std::collections::HashMap;

use crate::analyse::{Language, detect_language, index_terms};
use crate::chunk::chunk;
use crate::model::{
    Chunk, CollectionName, ContentHash, Document, DocumentId, DocumentInfo, EmbeddedChunk,
    EmbeddedDocument, EmbeddingSpace, Extracted, MediaType, Timestamp,
};
use crate::port::{EmbedError, Embedder, Expect, Purpose, PutOutcome, Store, StoreError};

/// The most characters a title is given when it is taken from the text.
const DERIVED_TITLE_CHARS_MAX: usize = 120;
/// How often an id that is taken is salted anew. A single collision is as
/// likely as one in 2^63 for each document there is.
const SALTS_MAX: u32 = 8;

/// Why a text was not put in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// There is nothing but white space.
    #[error("`{title}` has no text")]
    Blank {
        /// What it is called.
        title: String,
    },
    /// There is a NUL character, which text never has.
    #[error("`{title}` is not text: it has a NUL character at byte {position}")]
    NotText {
        /// What it is called.
        title: String,
        /// Where the first one is.
        position: usize,
    },
    /// More text than one document may have.
    #[error("`{title}` has {bytes} bytes of text, a document may have {bytes_max}")]
    TooLarge {
        /// What it is called.
        title: String,
        /// How much it has.
        bytes: u64,
        /// How much is allowed.
        bytes_max: u64,
    },
    /// The collection has this source already.
    #[error(
        "`{title}` is in collection `{collection}` already, as document {id}{}",
        if *.unchanged { "" } else { ", with other content" }
    )]
    Exists {
        /// What it is called there.
        title: String,
        /// The collection.
        collection: CollectionName,
        /// The document.
        id: DocumentId,
        /// Whether the text is the same.
        unchanged: bool,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The text could not be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// A text that belongs to a collection and has an identity there.
#[derive(Clone, Debug)]
pub struct Identified {
    /// The collection.
    pub collection: CollectionName,
    /// Its source, or `text:<hash>`.
    pub source_uri: String,
    /// The hash of its text.
    pub content_hash: ContentHash,
    /// The text, with a title that is not blank.
    pub source: Extracted,
}

/// Checks a text and gives it its identity in `collection`.
pub fn identify(
    collection: CollectionName,
    mut source: Extracted,
    bytes_max: u64,
) -> Result<Identified, IngestError> {
    if source.title.trim().is_empty() {
        source.title = derived_title(&source.text);
    }
    let title = || source.title.clone();
    if source.text.trim().is_empty() {
        return Err(IngestError::Blank { title: title() });
    }
    if let Some(position) = source.text.find('\0') {
        return Err(IngestError::NotText {
            title: title(),
            position,
        });
    }
    let bytes = source.text.len() as u64;
    if bytes > bytes_max {
        return Err(IngestError::TooLarge {
            title: title(),
            bytes,
            bytes_max,
        });
    }
    let content_hash = ContentHash::of(&source.text);
    let source_uri = source
        .source_uri
        .clone()
        .unwrap_or_else(|| format!("text:{content_hash}"));
    Ok(Identified {
        collection,
        source_uri,
        content_hash,
        source,
    })
}

/// The first heading or line of a text that is not empty, cut to a title's length.
fn derived_title(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| line.chars().any(char::is_alphanumeric));
    let line = line.unwrap_or("untitled").trim_start_matches('#').trim();
    match line.char_indices().nth(DERIVED_TITLE_CHARS_MAX) {
        None => line.to_owned(),
        Some((cut, _)) => {
            let head = &line[..cut];
            let end = head.rfind(char::is_whitespace).unwrap_or(cut);
            format!("{}…", head[..end].trim_end())
        }
    }
}

/// Whether a document is, to a reader, what was put in again.
pub fn unchanged(document: &DocumentInfo, new: &Identified) -> bool {
    document.content_hash == new.content_hash
        && document.title == new.source.title
        && document.media_type == new.source.media_type
        && document.metadata == new.source.metadata
}

/// A document and its chunks, before they have vectors.
#[derive(Clone, Debug)]
pub struct Draft {
    text: Identified,
    chunks: Vec<DraftChunk>,
}

#[derive(Clone, Debug)]
struct DraftChunk {
    chunk: Chunk,
    indexed_text: String,
    hash: ContentHash,
    terms: Vec<String>,
}

impl DraftChunk {
    fn new(chunk: Chunk, title: &str, language: Language) -> Self {
        let indexed_text = chunk.indexed_text(title);
        DraftChunk {
            hash: ContentHash::of(&indexed_text),
            terms: index_terms(&indexed_text, language),
            indexed_text,
            chunk,
        }
    }
}

/// Cuts a text into chunks and analyses their words. Takes processor time, and
/// the first time loads the embedder's tokenizer: call it off the runtime's
/// threads.
pub fn prepare(embedder: &dyn Embedder, text: Identified) -> Result<Draft, EmbedError> {
    let source = &text.source;
    let count_tokens = |text: &str| embedder.count_tokens(text);
    let chunks = chunk(
        &source.text,
        source.media_type,
        &source.title,
        embedder.token_limits(),
        count_tokens,
    )?;
    let language = language(source.media_type, &source.text);
    let chunks = chunks
        .into_iter()
        .map(|chunk| DraftChunk::new(chunk, &source.title, language))
        .collect();
    Ok(Draft { text, chunks })
}

/// Gives chunks that have their vectors already, as a store or an export holds
/// them, their words and hashes.
pub fn index(document: Document, chunks: Vec<(Chunk, Vec<f32>)>) -> EmbeddedDocument {
    let info = &document.info;
    let language = language(info.media_type, &document.text);
    let chunks = chunks.into_iter().map(|(chunk, vector)| {
        let chunk = DraftChunk::new(chunk, &info.title, language);
        EmbeddedChunk {
            chunk: chunk.chunk,
            hash: chunk.hash,
            vector,
            terms: chunk.terms,
        }
    });
    EmbeddedDocument {
        chunks: chunks.collect(),
        document,
    }
}

/// The language that the words of a text are stemmed in.
fn language(media_type: MediaType, text: &str) -> Language {
    match media_type {
        // Its words are English more often than they look like it.
        MediaType::Code => Language::English,
        MediaType::Markdown | MediaType::Plain => detect_language(text),
    }
}

/// Gives each chunk of a draft its vector: the one the store has for the same
/// text, or a new one.
pub async fn embed(
    store: &dyn Store,
    embedder: &dyn Embedder,
    draft: Draft,
    now: Timestamp,
) -> Result<EmbeddedDocument, IngestError> {
    let hashes: Vec<ContentHash> = draft.chunks.iter().map(|chunk| chunk.hash).collect();
    let known = store.vectors(embedder.space(), &hashes).await?;
    let mut vectors: HashMap<ContentHash, Vec<f32>> = HashMap::new();
    let mut missing: HashMap<ContentHash, &str> = HashMap::new();
    for (chunk, known) in draft.chunks.iter().zip(known) {
        match known {
            Some(vector) => drop(vectors.insert(chunk.hash, vector)),
            None => drop(missing.insert(chunk.hash, &chunk.indexed_text)),
        }
    }
    let (hashes, texts): (Vec<_>, Vec<_>) = missing
        .into_iter()
        .map(|(hash, text)| (hash, text.to_owned()))
        .unzip();
    vectors.extend(
        hashes
            .into_iter()
            .zip(embedder.embed(&texts, Purpose::Passage).await?),
    );
    let chunks: Vec<EmbeddedChunk> = draft
        .chunks
        .into_iter()
        .map(|chunk| EmbeddedChunk {
            vector: vectors
                .get(&chunk.hash)
                .expect("an embedder answers every text")
                .clone(),
            chunk: chunk.chunk,
            hash: chunk.hash,
            terms: chunk.terms,
        })
        .collect();
    Ok(EmbeddedDocument {
        document: document(draft.text, chunks.len(), now),
        chunks,
    })
}

fn document(text: Identified, chunk_count: usize, now: Timestamp) -> Document {
    let Identified {
        collection,
        source_uri,
        content_hash,
        source,
    } = text;
    let info = DocumentInfo {
        id: DocumentId::derive(&collection, &source_uri, 0),
        collection,
        source_uri,
        title: source.title,
        media_type: source.media_type,
        metadata: source.metadata,
        content_hash,
        size_bytes: source.text.len() as u64,
        chunk_count: u32::try_from(chunk_count).expect("a document's size bounds its chunks"),
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    Document {
        info,
        text: source.text,
    }
}

/// Puts a document in, in place of `existing` or as a new one. An id that
/// belongs to another source is salted anew.
pub async fn put(
    store: &dyn Store,
    space: &EmbeddingSpace,
    mut document: EmbeddedDocument,
    existing: Option<DocumentId>,
    expect: Expect,
) -> Result<(DocumentId, PutOutcome), IngestError> {
    let mut salt = 0;
    loop {
        let info = &mut document.document.info;
        let derived = || DocumentId::derive(&info.collection, &info.source_uri, salt);
        let id = existing.unwrap_or_else(derived);
        info.id = id;
        match store.put_document(&document, space, expect).await {
            Ok(outcome) => return Ok((id, outcome)),
            Err(StoreError::IdTaken(_)) if existing.is_none() && salt < SALTS_MAX => salt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The type of a text that came without a name: Markdown, which plain text is
/// read as just the same.
pub const UNNAMED_MEDIA_TYPE: MediaType = MediaType::Markdown;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_taken_from_the_text() {
        let long = "word ".repeat(40);
        for (text, title) in [
            ("# Hello\n\nWorld", "Hello"),
            ("\n\n---\nFirst line\nsecond", "First line"),
            ("***", "untitled"),
            ("日本語", "日本語"),
            (&*long, &*format!("{}…", "word ".repeat(24).trim_end())),
        ] {
            assert_eq!(derived_title(text), title);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let check = |text: &str| {
            let source = Extracted {
                source_uri: None,
                title: "t".into(),
                media_type: MediaType::Plain,
                text: text.into(),
                metadata: Default::default(),
                warnings: Vec::new(),
            };
            identify("c".parse().unwrap(), source, 10)
                .map(|_| ())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(check(" \n\t "), "`t` has no text");
        assert_eq!(
            check("a\0b"),
            "`t` is not text: it has a NUL character at byte 1"
        );
        assert_eq!(
            check("eleven char"),
            "`t` has 11 bytes of text, a document may have 10"
        );
    }
}
