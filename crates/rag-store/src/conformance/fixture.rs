//! Small documents and vectors for checks: made from their text alone, so that
//! a check can say what it expects.

use std::sync::Arc;

use rag_core::model::{
    Chunk, ChunkRef, Collection, CollectionName, ContentHash, Document, DocumentId, DocumentInfo,
    EmbeddedChunk, EmbeddedDocument, EmbeddingSpace, Filter, JobKind, MediaType, Metadata, NewJob,
    Span, Timestamp,
};
use rag_core::port::{ChunkScore, Entry, EntryKind, Expect, PutOutcome, Store, StoreError};

/// The dimensions of [`space`].
pub const DIMENSIONS: usize = 8;

/// Every character class that has broken a store before.
pub const ODD_TEXT: &str =
    "Zürich 日本語 हिन्दी עברית 👩‍👩‍👧 e\u{301} \"quotes\" 'and' % _ \\ \u{feff}end";

/// The space of the fixture's vectors.
pub fn space() -> EmbeddingSpace {
    EmbeddingSpace {
        model: "fixture".to_owned(),
        dimensions: DIMENSIONS,
    }
}

/// A name known to be good.
pub fn name(text: &str) -> CollectionName {
    text.parse().expect("the suite's names are valid")
}

/// The moment `seconds` after 1970.
pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("the suite's times are in range")
}

/// The object that `json` is.
pub fn metadata(json: &str) -> Metadata {
    serde_json::from_str(json).expect("the suite's metadata are objects")
}

/// A collection in [`space`], made at 1970.
pub fn collection(text: &str) -> Collection {
    Collection {
        name: name(text),
        description: format!("about {text}"),
        metadata_schema: None,
        space: space(),
        created_at: time(0),
    }
}

/// Adds [`collection`]s of these names.
pub async fn create(store: &Arc<dyn Store>, names: &[&str]) {
    for name in names {
        good(store.create_collection(&collection(name)).await);
    }
}

/// A unit vector that looks random and is the same for the same text.
pub fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut state = ContentHash::of(text).head() | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    unit((0..dimensions).map(|_| next()).collect())
}

/// `vector` scaled to length 1.
pub fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    vector.iter_mut().for_each(|number| *number /= length);
    vector
}

/// A document with one chunk for each of `texts`, whose terms are the words of
/// the text and whose vector is [`vector`] of it.
pub fn document(collection: &str, source_uri: &str, texts: &[&str]) -> EmbeddedDocument {
    let collection = name(collection);
    let text = texts.join("\n");
    let mut start = 0;
    let mut chunks = Vec::with_capacity(texts.len());
    for (index, chunk) in (0..).zip(texts) {
        let char_start = text[..start].chars().count();
        let span = Span {
            start,
            end: start + chunk.len(),
            char_start,
            char_end: char_start + chunk.chars().count(),
        };
        start = span.end + 1;
        chunks.push(EmbeddedChunk {
            chunk: Chunk {
                index,
                heading_path: Vec::new(),
                span,
                text: (*chunk).to_owned(),
            },
            hash: ContentHash::of(chunk),
            vector: vector(chunk, DIMENSIONS),
            terms: chunk.split_whitespace().map(str::to_owned).collect(),
        });
    }
    let info = DocumentInfo {
        id: DocumentId::derive(&collection, source_uri, 0),
        collection,
        title: format!("Title of {source_uri}"),
        source_uri: source_uri.to_owned(),
        media_type: MediaType::Plain,
        metadata: Metadata::new(),
        content_hash: ContentHash::of(&text),
        size_bytes: text.len() as u64,
        chunk_count: u32::try_from(chunks.len()).expect("the suite's documents are small"),
        created_at: time(1),
        updated_at: time(1),
        revision: 0,
    };
    EmbeddedDocument {
        document: Document { info, text },
        chunks,
    }
}

/// A job of `collection` asked for `seconds` after 1970; jobs about the same
/// subject have the same key.
pub fn new_job(collection: &str, subject: &str, seconds: i64) -> NewJob {
    NewJob {
        kind: JobKind::Crawl,
        collection: name(collection),
        subject: subject.to_owned(),
        key: ContentHash::of_parts(&[collection, subject]),
        request: serde_json::json!({"root": subject}),
        created_at: time(seconds),
    }
}

/// An entry that says what it is known by and does not expire.
pub fn entry(kind: EntryKind, key: &str) -> Entry {
    Entry {
        kind,
        key: key.to_owned(),
        value: serde_json::json!({"of": key}),
        expires_at: None,
    }
}

/// Puts `document` in, whatever is there.
pub async fn put(store: &Arc<dyn Store>, document: &EmbeddedDocument) -> PutOutcome {
    good(store.put_document(document, &space(), Expect::Any).await)
}

/// What a store keeps of `document` at `revision`.
pub fn kept(document: &EmbeddedDocument, revision: u64) -> Document {
    let info = DocumentInfo {
        revision,
        ..document.document.info.clone()
    };
    Document {
        info,
        text: document.document.text.clone(),
    }
}

/// Names the chunk of `document` at `index`.
pub fn chunk_ref(document: &EmbeddedDocument, index: u32) -> ChunkRef {
    ChunkRef {
        document: document.document.info.id,
        index,
    }
}

/// Everything passes it.
pub fn anything() -> Filter {
    Filter::default()
}

/// Documents of these collections pass it.
pub fn within(collections: &[&str]) -> Filter {
    let collections = collections.iter().map(|text| name(text)).collect();
    Filter {
        collections,
        metadata: Metadata::new(),
    }
}

/// The chunks of a ranking, in order.
pub fn ranked(scores: &[ChunkScore]) -> Vec<ChunkRef> {
    scores.iter().map(|score| score.chunk).collect()
}

/// What the words of `query` match.
pub async fn matching(store: &Arc<dyn Store>, query: &str, filter: &Filter) -> Vec<ChunkScore> {
    let terms: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
    good(store.matching(&terms, filter, 1_000).await)
}

/// What a call gave that may not fail.
#[track_caller]
pub fn good<T>(result: Result<T, StoreError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the store failed: {error:?}"),
    }
}

/// Asserts that a call named a collection that is not there.
#[track_caller]
pub fn assert_no_collection<T>(result: Result<T, StoreError>, text: &str) {
    match result {
        Err(StoreError::NoCollection(missing)) => assert_eq!(missing, name(text)),
        Err(other) => panic!("a missing collection was told as {other:?}"),
        Ok(_) => panic!("a missing collection was not told"),
    }
}
