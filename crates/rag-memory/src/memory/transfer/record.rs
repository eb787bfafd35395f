//! What an export is made of: one JSON object a line, in this order: the header,
//! each collection followed by its documents and its jobs, the end.
//!
//! Chunks are kept as places in their document's text and vectors as base64 of
//! little-endian `f32`. Terms are not kept: they are made of the text by the
//! analyser of the program that reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rag_core::model::{
    Chunk, Collection, ContentHash, Document, DocumentInfo, EmbeddingSpace, ItemState, Job,
    JobItem, JobKind, JobState, MediaType, Metadata, NewJob, Span, Timestamp,
};
use rag_core::port::WholeDocument;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the format.
pub(super) const FORMAT: &str = "rag-memory export";
/// Its version. A program reads its own and earlier ones.
pub(super) const VERSION: u32 = 1;

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(super) enum Record {
    Header(Header),
    Collection(CollectionRecord),
    Document(Box<DocumentRecord>),
    Job(Box<JobRecord>),
    End(End),
}

/// What it is, and how much there is, as far as it was known at the beginning.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) program: String,
    pub(super) created_at: String,
    pub(super) documents: u64,
}

/// Tells a complete export from one that was cut off. Whoever reads a store ends
/// with an empty one, which the file fills.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct End {
    /// The records before it.
    pub(super) records: u64,
    /// The SHA-256 of all bytes before this line, in hexadecimal.
    pub(super) sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CollectionRecord {
    pub(super) name: String,
    description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata_schema: Option<Metadata>,
    model: String,
    dimensions: usize,
    created_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DocumentRecord {
    id: String,
    pub(super) collection: String,
    title: String,
    source_uri: String,
    media_type: String,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    metadata: Metadata,
    content_hash: String,
    created_at: String,
    updated_at: String,
    model: String,
    dimensions: usize,
    text: String,
    pub(super) chunks: Vec<ChunkRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChunkRecord {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headings: Vec<String>,
    /// Bytes, then characters, from and to.
    span: [usize; 4],
    vector: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JobRecord {
    id: String,
    kind: String,
    collection: String,
    subject: String,
    key: String,
    request: Value,
    created_at: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    notes: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cancel_requested: bool,
    items: Vec<ItemRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ItemRecord {
    name: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    chunk_count: u32,
    depth: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
}

/// What is wrong with a record.
pub(super) type Flaw = String;

impl Header {
    pub(super) fn new(documents: u64) -> Self {
        Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: Timestamp::now().to_string(),
            documents,
        }
    }
}

impl CollectionRecord {
    pub(super) fn of(collection: Collection) -> Self {
        CollectionRecord {
            name: collection.name.to_string(),
            description: collection.description,
            metadata_schema: collection.metadata_schema,
            model: collection.space.model,
            dimensions: collection.space.dimensions,
            created_at: collection.created_at.to_string(),
        }
    }

    pub(super) fn into_collection(self) -> Result<Collection, Flaw> {
        Ok(Collection {
            name: read(&self.name)?,
            description: self.description,
            metadata_schema: self.metadata_schema,
            space: EmbeddingSpace {
                model: self.model,
                dimensions: self.dimensions,
            },
            created_at: read(&self.created_at)?,
        })
    }
}

impl DocumentRecord {
    pub(super) fn of(whole: WholeDocument) -> Self {
        let info = whole.document.info;
        let chunks = whole.chunks.into_iter().map(|(chunk, vector)| {
            let Span {
                start,
                end,
                char_start,
                char_end,
            } = chunk.span;
            ChunkRecord {
                headings: chunk.heading_path,
                span: [start, end, char_start, char_end],
                vector: vector_text(&vector),
            }
        });
        DocumentRecord {
            id: info.id.to_string(),
            collection: info.collection.to_string(),
            title: info.title,
            source_uri: info.source_uri,
            media_type: info.media_type.as_str().to_owned(),
            metadata: info.metadata,
            content_hash: info.content_hash.to_string(),
            created_at: info.created_at.to_string(),
            updated_at: info.updated_at.to_string(),
            model: whole.space.model,
            dimensions: whole.space.dimensions,
            chunks: chunks.collect(),
            text: whole.document.text,
        }
    }

    /// The document, if it is what its hash says and its chunks are parts of it.
    pub(super) fn into_whole(self) -> Result<WholeDocument, Flaw> {
        let content_hash = ContentHash::of(&self.text);
        if content_hash.to_string() != self.content_hash {
            return Err(format!(
                "the text of document `{}` has another hash",
                self.id
            ));
        }
        let mut chunks = Vec::with_capacity(self.chunks.len());
        let mut place = Place::default();
        for (index, chunk) in (0..).zip(self.chunks) {
            let whole = chunk.into_chunk(index, &self.text, &mut place, self.dimensions);
            let flaw = |flaw| format!("chunk {index} of document `{}` {flaw}", self.id);
            chunks.push(whole.map_err(flaw)?);
        }
        let info = DocumentInfo {
            id: read(&self.id)?,
            collection: read(&self.collection)?,
            title: self.title,
            source_uri: self.source_uri,
            media_type: MediaType::from_name(&self.media_type),
            metadata: self.metadata,
            content_hash,
            size_bytes: self.text.len() as u64,
            chunk_count: u32::try_from(chunks.len()).map_err(|_| "too many chunks".to_owned())?,
            created_at: read(&self.created_at)?,
            updated_at: read(&self.updated_at)?,
            revision: 0,
        };
        Ok(WholeDocument {
            document: Document {
                info,
                text: self.text,
            },
            space: EmbeddingSpace {
                model: self.model,
                dimensions: self.dimensions,
            },
            chunks,
        })
    }
}

/// A place in a text, in bytes and in characters, from which the next is counted.
#[derive(Default)]
struct Place {
    byte: usize,
    char: usize,
}

impl Place {
    /// The character at `byte`, or `None` where none begins.
    fn char_at(&mut self, text: &str, byte: usize) -> Option<usize> {
        if byte < self.byte {
            *self = Place::default();
        }
        self.char += text.get(self.byte..byte)?.chars().count();
        self.byte = byte;
        Some(self.char)
    }
}

impl ChunkRecord {
    fn into_chunk(
        self,
        index: u32,
        text: &str,
        place: &mut Place,
        dimensions: usize,
    ) -> Result<(Chunk, Vec<f32>), Flaw> {
        let [start, end, char_start, char_end] = self.span;
        let slice = text.get(start..end).ok_or("is no part of its text")?;
        let is_true = place.char_at(text, start) == Some(char_start)
            && char_start + slice.chars().count() == char_end;
        if !is_true {
            return Err("is at other characters than bytes".to_owned());
        }
        let vector = read_vector(&self.vector).ok_or("has no readable vector")?;
        if vector.len() != dimensions {
            return Err(format!(
                "has a vector of {} dimensions, not {dimensions}",
                vector.len()
            ));
        }
        let chunk = Chunk {
            index,
            heading_path: self.headings,
            span: Span {
                start,
                end,
                char_start,
                char_end,
            },
            text: slice.to_owned(),
        };
        Ok((chunk, vector))
    }
}

impl JobRecord {
    pub(super) fn of(job: Job, items: Vec<JobItem>) -> Self {
        let item = |item: JobItem| ItemRecord {
            name: item.name,
            state: item.state.as_str().to_owned(),
            reason: item.reason,
            document: item.document.map(|id| id.to_string()),
            chunk_count: item.chunk_count,
            depth: item.depth,
            parent: item.parent,
        };
        JobRecord {
            id: job.id.to_string(),
            kind: job.new.kind.as_str().to_owned(),
            collection: job.new.collection.to_string(),
            subject: job.new.subject,
            key: STANDARD.encode(job.new.key.0),
            request: job.new.request,
            created_at: job.new.created_at.to_string(),
            state: job.state.as_str().to_owned(),
            error: job.error,
            notes: job.notes,
            started_at: job.started_at.map(|time| time.to_string()),
            finished_at: job.finished_at.map(|time| time.to_string()),
            cancel_requested: job.cancel_requested,
            items: items.into_iter().map(item).collect(),
        }
    }

    pub(super) fn into_job(self) -> Result<(Job, Vec<JobItem>), Flaw> {
        let time = |text: Option<String>| text.as_deref().map(read).transpose();
        let key = STANDARD.decode(&self.key).ok();
        let key = key.and_then(|bytes| bytes.try_into().ok());
        let named = |what: &str, name: &str| format!("job `{}` has the {what} `{name}`", self.id);
        let mut items = Vec::with_capacity(self.items.len());
        for item in self.items {
            let state = ItemState::from_name(&item.state);
            items.push(JobItem {
                state: state.ok_or_else(|| named("item state", &item.state))?,
                name: item.name,
                reason: item.reason,
                document: item.document.as_deref().map(read).transpose()?,
                chunk_count: item.chunk_count,
                depth: item.depth,
                parent: item.parent,
            });
        }
        let job = Job {
            id: read(&self.id)?,
            new: NewJob {
                kind: JobKind::from_name(&self.kind).ok_or_else(|| named("kind", &self.kind))?,
                collection: read(&self.collection)?,
                subject: self.subject,
                key: ContentHash(key.ok_or_else(|| named("key", &self.key))?),
                request: self.request,
                created_at: read(&self.created_at)?,
            },
            state: JobState::from_name(&self.state).ok_or_else(|| named("state", &self.state))?,
            error: self.error,
            notes: self.notes,
            started_at: time(self.started_at)?,
            finished_at: time(self.finished_at)?,
            leased_until: None,
            cancel_requested: self.cancel_requested,
            counts: Default::default(),
        };
        Ok((job, items))
    }
}

/// What `text` says.
fn read<T: std::str::FromStr>(text: &str) -> Result<T, Flaw>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error| format!("`{text}` cannot be read: {error}"))
}

fn vector_text(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    STANDARD.encode(bytes)
}

fn read_vector(text: &str) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    let vector = numbers.iter().map(|&number| f32::from_le_bytes(number));
    rest.is_empty().then(|| vector.collect())
}
