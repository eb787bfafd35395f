//! Rows of the database and what they are in the domain.

use jiff::Timestamp;
use rag_core::model::{
    Chunk, Collection, CollectionInfo, CollectionName, ContentHash, DocumentId, DocumentInfo,
    EmbeddingSpace, MediaType, Metadata, Span,
};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, Row, Type};

use super::error::Failure;
use super::text;

type Result<T> = std::result::Result<T, Failure>;

/// The columns that [`collection`] reads.
pub(super) const COLLECTION_COLUMNS: &str = "
    c.name, c.description, c.metadata_schema::text, s.model, s.dimensions, c.created_at,
    c.document_count, c.chunk_count";

/// The columns that [`document`] reads.
pub(super) const DOCUMENT_COLUMNS: &str = "
    d.id, c.name, d.title, d.source_uri, d.media_type, d.metadata::text, d.content_hash,
    d.size_bytes, d.chunk_count, d.created_at, d.updated_at, d.revision";

/// The columns that [`chunk`] reads.
pub(super) const CHUNK_COLUMNS: &str = "
    k.index, k.heading_path::text, k.byte_start, k.byte_end, k.char_start, k.char_end, k.text";

pub(super) fn collection(row: &PgRow) -> Result<CollectionInfo> {
    Ok(CollectionInfo {
        collection: Collection {
            name: name(row, 0)?,
            description: text(row, 1)?,
            metadata_schema: optional(row, 2, metadata)?,
            space: space(row, 3)?,
            created_at: time(row, 5)?,
        },
        document_count: number(row, 6)?,
        chunk_count: number(row, 7)?,
    })
}

/// The space whose model and dimensions are in the columns from `first` on.
pub(super) fn space(row: &PgRow, first: usize) -> Result<EmbeddingSpace> {
    let dimensions: i32 = get(row, first + 1)?;
    Ok(EmbeddingSpace {
        model: text(row, first)?,
        dimensions: in_range(dimensions, first + 1)?,
    })
}

pub(super) fn document(row: &PgRow) -> Result<DocumentInfo> {
    let chunk_count: i32 = get(row, 8)?;
    Ok(DocumentInfo {
        id: document_id(row, 0)?,
        collection: name(row, 1)?,
        title: text(row, 2)?,
        source_uri: text(row, 3)?,
        media_type: MediaType::from_name(get(row, 4)?),
        metadata: metadata(row, 5)?,
        content_hash: hash(row, 6)?,
        size_bytes: number(row, 7)?,
        chunk_count: in_range(chunk_count, 8)?,
        created_at: time(row, 9)?,
        updated_at: time(row, 10)?,
        revision: number(row, 11)?,
    })
}

/// The chunk in the columns from `first` on.
pub(super) fn chunk(row: &PgRow, first: usize) -> Result<Chunk> {
    Ok(Chunk {
        index: index(row, first)?,
        heading_path: parsed(row, first + 1, |text| serde_json::from_str(text))?,
        span: Span {
            start: number(row, first + 2)?,
            end: number(row, first + 3)?,
            char_start: number(row, first + 4)?,
            char_end: number(row, first + 5)?,
        },
        text: text(row, first + 6)?,
    })
}

pub(super) fn document_id(row: &PgRow, column: usize) -> Result<DocumentId> {
    let number = get(row, column)?;
    DocumentId::from_i64(number).ok_or_else(|| odd(column, number))
}

/// A chunk's index.
pub(super) fn index(row: &PgRow, column: usize) -> Result<u32> {
    let number: i32 = get(row, column)?;
    in_range(number, column)
}

/// A number that is never negative.
pub(super) fn number<T: TryFrom<i64>>(row: &PgRow, column: usize) -> Result<T> {
    let number: i64 = get(row, column)?;
    in_range(number, column)
}

pub(super) fn hash(row: &PgRow, column: usize) -> Result<ContentHash> {
    let bytes: &[u8] = get(row, column)?;
    let hash = bytes.try_into().map(ContentHash);
    hash.map_err(|_| odd(column, format!("{} bytes", bytes.len())))
}

/// A text as it was before [`text::kept`].
pub(super) fn text(row: &PgRow, column: usize) -> Result<String> {
    get(row, column).map(text::original)
}

/// A metadata object.
pub(super) fn metadata(row: &PgRow, column: usize) -> Result<Metadata> {
    parsed(row, column, |text| serde_json::from_str(text))
}

/// Any JSON.
pub(super) fn json(row: &PgRow, column: usize) -> Result<serde_json::Value> {
    parsed(row, column, |text| serde_json::from_str(text))
}

pub(super) fn name(row: &PgRow, column: usize) -> Result<CollectionName> {
    parsed(row, column, |text: &str| text.parse())
}

pub(super) fn time(row: &PgRow, column: usize) -> Result<Timestamp> {
    let number = get(row, column)?;
    Timestamp::from_microsecond(number).map_err(|_| odd(column, number))
}

/// What `read` makes of a column, if there is anything in it.
pub(super) fn optional<T>(
    row: &PgRow,
    column: usize,
    read: fn(&PgRow, usize) -> Result<T>,
) -> Result<Option<T>> {
    match row.try_get_raw(column) {
        Ok(value) if sqlx::ValueRef::is_null(&value) => Ok(None),
        _ => read(row, column).map(Some),
    }
}

/// What is in a column, as it is.
pub(super) fn get<'row, T>(row: &'row PgRow, column: usize) -> Result<T>
where
    T: Decode<'row, Postgres> + Type<Postgres>,
{
    Ok(row.try_get(column)?)
}

/// `number` for PostgreSQL, whose largest is smaller.
pub(super) fn sql_number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn in_range<T: TryFrom<N>, N: Copy + std::fmt::Display>(number: N, column: usize) -> Result<T> {
    T::try_from(number).map_err(|_| odd(column, number))
}

fn parsed<T, E: std::fmt::Display>(
    row: &PgRow,
    column: usize,
    parse: impl FnOnce(&str) -> std::result::Result<T, E>,
) -> Result<T> {
    parse(get(row, column)?).map_err(|error| odd(column, error))
}

fn odd(column: usize, what: impl std::fmt::Display) -> Failure {
    Failure::Damaged(format!(
        "column {column} of a row is not what it should be: {what}"
    ))
}
