//! Stores of any size with real vectors: sentences of the given sets, embedded
//! by the bundled model.
//!
//! A chunk is a sentence that gives the vector, followed by others up to the
//! size of a usual chunk, so that the words to search are as many as in real
//! chunks. Ten chunks are a document.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rag_core::analyse::{detect_language, index_terms};
use rag_core::model::{
    Chunk, CollectionName, ContentHash, Document, DocumentId, DocumentInfo, EmbeddedChunk,
    EmbeddedDocument, MediaType, Metadata, Span, Timestamp,
};
use rag_core::port::{Embedder, Expect, Purpose, Store};

use crate::cached::CachedEmbedder;
use crate::judged::{Judged, corpus};
use crate::location::Location;
use crate::memory::{collection, measured};

/// Chunks of a document.
const DOCUMENT_CHUNKS: usize = 10;
/// The characters of a chunk, about 175 tokens.
const CHUNK_CHARS: usize = 750;
/// The characters a sentence may have.
const SENTENCE_CHARS: std::ops::RangeInclusive<usize> = 25..=400;
/// How far apart the sentences of a chunk are taken from; prime, so that they
/// are others in each chunk.
const STRIDE: usize = 7_919;
/// Sentences embedded at a time.
const BATCH: usize = 1_000;
/// One document in so many is in the small collection, and in each part.
pub(crate) const ONE_IN: usize = 100;

/// Sentences and their vectors.
pub(crate) struct Material {
    sentences: Vec<String>,
    pub(crate) vectors: Vec<Vec<f32>>,
}

/// A store that grows.
pub(crate) struct Growing {
    store: Arc<dyn Store>,
    documents: usize,
}

impl Material {
    /// `count` sentences of the sets in `folders`, and their vectors. Where
    /// there are too few, pairs of sentences count as sentences too.
    pub(crate) async fn new(
        folders: &[PathBuf],
        count: usize,
        embedder: &CachedEmbedder,
    ) -> anyhow::Result<Self> {
        let sentences = sentences(folders, count)?;
        let mut vectors = Vec::with_capacity(count);
        for batch in sentences.chunks(BATCH) {
            vectors.extend(embedder.embed(batch, Purpose::Passage).await?);
        }
        Ok(Material { sentences, vectors })
    }

    /// The text of a chunk.
    fn text(&self, chunk: usize) -> String {
        let mut text = self.sentences[chunk].clone();
        let mut chars = text.chars().count();
        let mut place = chunk;
        while chars < CHUNK_CHARS {
            place = (place + STRIDE) % self.sentences.len();
            text.push(' ');
            text.push_str(&self.sentences[place]);
            chars += self.sentences[place].chars().count() + 1;
        }
        text
    }

    /// A document, ready to be put in.
    fn document(&self, number: usize) -> EmbeddedDocument {
        let place = Place::of_document(number);
        let source_uri = format!("measured:{number}");
        let title = format!("Document {number}");
        let mut text = String::new();
        let mut chars = 0;
        let mut chunks = Vec::with_capacity(DOCUMENT_CHUNKS);
        for (index, chunk) in (0u32..).zip(number * DOCUMENT_CHUNKS..(number + 1) * DOCUMENT_CHUNKS)
        {
            let piece = self.text(chunk);
            let (start, char_start) = (text.len(), chars);
            text.push_str(&piece);
            chars += piece.chars().count();
            let span = Span {
                start,
                end: text.len(),
                char_start,
                char_end: chars,
            };
            text.push_str("\n\n");
            chars += 2;
            let chunk_of = Chunk {
                index,
                heading_path: Vec::new(),
                span,
                text: piece,
            };
            let indexed = chunk_of.indexed_text(&title);
            chunks.push(EmbeddedChunk {
                hash: ContentHash::of(&indexed),
                vector: self.vectors[chunk].clone(),
                terms: index_terms(&indexed, detect_language(&indexed)),
                chunk: chunk_of,
            });
        }
        let info = DocumentInfo {
            id: DocumentId::derive(&place.collection, &source_uri, 0),
            collection: place.collection,
            title,
            source_uri,
            media_type: MediaType::Plain,
            metadata: Metadata::from_iter([("part".to_owned(), place.part.into())]),
            content_hash: ContentHash::of(&text),
            size_bytes: text.len() as u64,
            chunk_count: u32::try_from(chunks.len()).expect("ten"),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            revision: 1,
        };
        EmbeddedDocument {
            document: Document { info, text },
            chunks,
        }
    }
}

/// Where a document is found by a filter.
pub(crate) struct Place {
    pub(crate) collection: CollectionName,
    /// Its metadata's `part`.
    pub(crate) part: usize,
}

impl Place {
    /// The place of the document that a chunk is in.
    pub(crate) fn of_chunk(chunk: usize) -> Self {
        Self::of_document(chunk / DOCUMENT_CHUNKS)
    }

    fn of_document(number: usize) -> Self {
        let collection = if number.is_multiple_of(ONE_IN) {
            small_collection()
        } else {
            collection()
        };
        Place {
            collection,
            part: (number + number / ONE_IN) % ONE_IN,
        }
    }
}

/// The collection that has one document in a hundred.
pub(crate) fn small_collection() -> CollectionName {
    "small".parse().expect("these characters are allowed")
}

impl Growing {
    /// A new store at `location`.
    pub(crate) async fn create(
        location: &Location,
        embedder: &CachedEmbedder,
    ) -> anyhow::Result<Self> {
        let store = location.open()?;
        for name in [collection(), small_collection()] {
            store.create_collection(&measured(&name, embedder)).await?;
        }
        Ok(Growing {
            store,
            documents: 0,
        })
    }

    /// Puts documents in until there are `chunks`, and says how many chunks
    /// that were and how long the store took for them.
    pub(crate) async fn grow(
        &mut self,
        material: &Material,
        embedder: &CachedEmbedder,
        chunks: usize,
    ) -> anyhow::Result<(usize, Duration)> {
        let before = self.documents;
        let mut took = Duration::ZERO;
        while self.documents * DOCUMENT_CHUNKS < chunks {
            let document = material.document(self.documents);
            let started = Instant::now();
            self.store
                .put_document(&document, embedder.space(), Expect::Absent)
                .await?;
            took += started.elapsed();
            self.documents += 1;
        }
        Ok(((self.documents - before) * DOCUMENT_CHUNKS, took))
    }
}

/// `count` queries of the sets, as many of each as there are.
pub(crate) fn queries(folders: &[PathBuf], count: usize) -> anyhow::Result<Vec<String>> {
    let mut queries = Vec::new();
    for folder in folders {
        let set = Judged::read(folder)?.queries;
        queries.extend(
            set.into_iter()
                .map(|query| query.text)
                .take(count.div_ceil(folders.len())),
        );
    }
    queries.truncate(count);
    Ok(queries)
}

fn sentences(folders: &[PathBuf], count: usize) -> anyhow::Result<Vec<String>> {
    let mut singles = HashSet::new();
    let mut pairs = HashSet::new();
    for folder in folders {
        for document in corpus(folder)? {
            let parts = parts(&document.text);
            pairs.extend(parts.windows(2).map(|pair| pair.join(" ")));
            singles.extend(parts.into_iter().map(ToOwned::to_owned));
        }
    }
    // Sorted by hash: without any order, and the same in every run.
    let by_hash = |texts: HashSet<String>| {
        let mut texts: Vec<String> = texts.into_iter().collect();
        texts.sort_by_cached_key(|text| ContentHash::of(text));
        texts
    };
    let mut all = by_hash(singles);
    all.truncate(count);
    all.extend(by_hash(pairs).into_iter().take(count - all.len()));
    anyhow::ensure!(
        all.len() == count,
        "the sets have {} sentences, {count} are needed: name more sets",
        all.len()
    );
    all.sort_by_cached_key(|text| ContentHash::of_parts(&["mixed", text]));
    Ok(all)
}

/// The sentences and lines of a text.
fn parts(text: &str) -> Vec<&str> {
    text.lines()
        .flat_map(|line| line.split_inclusive(". "))
        .flat_map(|part| part.split_inclusive(['?', '!', '。']))
        .map(str::trim)
        .filter(|part| SENTENCE_CHARS.contains(&part.chars().count()))
        .collect()
}
