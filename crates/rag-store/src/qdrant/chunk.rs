//! Chunks: points in the Qdrant collection of their space.
//!
//! A chunk carries the token of the attempt that wrote it and its document, and
//! is there for readers once the document's record names that token. Its id
//! follows from the token and its index.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    Condition, DenseVector, Filter, NamedVectors, PointId, PointStruct, SparseVector, Value,
    Vector, Vectors, VectorsOutput, vector, vector_output, vectors,
};
use rag_core::model::{Chunk, EmbeddedChunk, EmbeddedDocument, Span};

use super::document::Cut;
use super::failure::Failure;
use super::points::Fields;
use super::row::{Payload, Row, number, numbers, payload, texts};
use super::schema::{DENSE, WORDS};
use super::server::Server;
use super::{sparse, token};
use crate::metadata_keys;

/// The fields that a chunk is made of.
pub(super) const CHUNK_FIELDS: [&str; 7] = [
    "index",
    "heading",
    "text",
    "start",
    "end",
    "char_start",
    "char_end",
];

/// How many chunks are read with their vectors at once.
const VECTORS_READ: usize = 128;

/// What the vector and the words of a chunk add to a message, about.
const OVERHEAD_BYTES: usize = 512;

/// Writes the chunks of a document in a space for a record to name later.
pub(super) async fn write(
    server: &Server,
    space: &str,
    home: &str,
    token: &str,
    embedded: &EmbeddedDocument,
) -> Result<(), Failure> {
    let info = &embedded.document.info;
    let keys = metadata_keys::keys(&info.metadata);
    let points = embedded.chunks.iter().map(|embedded| {
        let chunk = &embedded.chunk;
        let fields = payload([
            ("document", number(info.id.as_i64())),
            ("home", Value::from(home)),
            ("token", Value::from(token)),
            ("keys", numbers(keys.iter().copied())),
            ("hash", Value::from(embedded.hash.to_string())),
            ("length", number(embedded.terms.len())),
            ("index", Value::from(i64::from(chunk.index))),
            (
                "heading",
                texts(chunk.heading_path.iter().map(String::as_str)),
            ),
            ("text", Value::from(chunk.text.as_str())),
            ("start", number(chunk.span.start)),
            ("end", number(chunk.span.end)),
            ("char_start", number(chunk.span.char_start)),
            ("char_end", number(chunk.span.char_end)),
        ]);
        let point = PointStruct {
            id: Some(point(token, chunk.index)),
            vectors: Some(both(embedded)),
            payload: fields,
        };
        (point, bytes(embedded, keys.len()))
    });
    server.upsert_all(&server.chunks(space), points).await
}

/// About how many bytes of a message a chunk takes.
fn bytes(embedded: &EmbeddedChunk, key_count: usize) -> usize {
    let headings = embedded.chunk.heading_path.iter().map(String::len);
    OVERHEAD_BYTES
        + embedded.chunk.text.len()
        + headings.sum::<usize>()
        + size_of_val(embedded.vector.as_slice())
        + 8 * embedded.terms.len()
        + 12 * key_count
}

fn both(embedded: &EmbeddedChunk) -> Vectors {
    let dense = vector::Vector::Dense(DenseVector {
        data: embedded.vector.clone(),
    });
    let mut named = HashMap::from([(DENSE.to_owned(), wrapped(dense))]);
    let (indices, values) = sparse::vector(&embedded.terms);
    if !indices.is_empty() {
        let words = vector::Vector::Sparse(SparseVector { indices, values });
        named.insert(WORDS.to_owned(), wrapped(words));
    }
    Vectors {
        vectors_options: Some(vectors::VectorsOptions::Vectors(NamedVectors {
            vectors: named,
        })),
    }
}

fn wrapped(vector: vector::Vector) -> Vector {
    Vector {
        vector: Some(vector),
        ..Vector::default()
    }
}

/// The id of the chunk that `token` wrote at `index`.
pub(super) fn point(token: &str, index: u32) -> PointId {
    token::point(&["chunk", token, &index.to_string()])
}

/// The chunk in the fields of a point.
pub(super) fn read(row: Row<'_>) -> Result<Chunk, Failure> {
    Ok(Chunk {
        index: row.number("index")?,
        heading_path: row
            .texts("heading")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        span: Span {
            start: row.number("start")?,
            end: row.number("end")?,
            char_start: row.number("char_start")?,
            char_end: row.number("char_end")?,
        },
        text: row.text("text")?.to_owned(),
    })
}

/// The dense vector of a point.
pub(super) fn dense(vectors: Option<&VectorsOutput>) -> Result<Vec<f32>, Failure> {
    match vectors.and_then(|vectors| vectors.get_vector_by_name(DENSE)) {
        Some(vector_output::Vector::Dense(dense)) => Ok(dense.data),
        _ => Err(Failure::Damaged("a chunk has no vector".to_owned())),
    }
}

/// The words of a point; none for one that has none.
pub(super) fn words(vectors: Option<&VectorsOutput>) -> SparseVector {
    match vectors.and_then(|vectors| vectors.get_vector_by_name(WORDS)) {
        Some(vector_output::Vector::Sparse(words)) => words,
        _ => SparseVector::default(),
    }
}

/// The chunks of a cut with `first <= index <= last`; `None` when not all of
/// them are there any more.
pub(super) async fn range(
    server: &Server,
    space: &str,
    cut: &Cut,
    first: u32,
    last: u32,
) -> Result<Option<Vec<Chunk>>, Failure> {
    let end = last.saturating_add(1).min(cut.chunk_count);
    let ids: Vec<PointId> = (first..end).map(|index| point(&cut.token, index)).collect();
    let fields = Fields::Only(&CHUNK_FIELDS);
    let found = server.get(&server.chunks(space), &ids, fields, &[]).await?;
    if found.len() != ids.len() {
        return Ok(None);
    }
    let found = found.iter().map(|point| read(Row(&point.payload)));
    let mut chunks = found.collect::<Result<Vec<_>, _>>()?;
    chunks.sort_unstable_by_key(|chunk| chunk.index);
    Ok(Some(chunks))
}

/// All chunks of a cut with their vectors; `None` when not all of them are
/// there any more.
pub(super) async fn with_vectors(
    server: &Server,
    space: &str,
    cut: &Cut,
) -> Result<Option<Vec<(Chunk, Vec<f32>)>>, Failure> {
    let ids: Vec<PointId> = (0..cut.chunk_count)
        .map(|index| point(&cut.token, index))
        .collect();
    let fields = Fields::Only(&CHUNK_FIELDS);
    let of_space = server.chunks(space);
    let mut chunks = Vec::with_capacity(ids.len());
    for some in ids.chunks(VECTORS_READ) {
        let found = server.get(&of_space, some, fields, &[DENSE]);
        for point in found.await? {
            chunks.push((read(Row(&point.payload))?, dense(point.vectors.as_ref())?));
        }
    }
    if chunks.len() != ids.len() {
        return Ok(None);
    }
    chunks.sort_unstable_by_key(|(chunk, _)| chunk.index);
    Ok(Some(chunks))
}

/// Takes what a token wrote in a space out of Qdrant.
pub(super) async fn forget(server: &Server, space: &str, token: &str) -> Result<(), Failure> {
    let filter = Filter::must([Condition::matches("token", token.to_owned())]);
    server.delete(&server.chunks(space), &filter).await
}

/// What a document's record says of how it is cut in a space.
pub(super) fn cut_fields(
    home: &str,
    space: &str,
    token: &str,
    embedded: &EmbeddedDocument,
) -> Payload {
    let chunk_count = embedded.chunks.len();
    let terms = embedded.chunks.iter().map(|chunk| chunk.terms.len() as u64);
    let digits = super::totals::digits(home, chunk_count as u64, terms.sum());
    HashMap::from([
        (format!("token_{space}"), Value::from(token)),
        (format!("chunks_{space}"), number(chunk_count)),
        (
            super::totals::field(space),
            texts(digits.iter().map(String::as_str)),
        ),
    ])
}
