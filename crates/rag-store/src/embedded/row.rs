//! Rows of the file and what they are in the domain.

use jiff::Timestamp;
use rag_core::model::{
    Chunk, Collection, CollectionInfo, CollectionName, ContentHash, DocumentId, DocumentInfo,
    EmbeddingSpace, MediaType, Metadata, Span,
};
use rusqlite::types::{FromSql, Type, ValueRef};
use rusqlite::{Error, Result, Row};

/// The columns that [`collection`] reads.
pub(super) const COLLECTION_COLUMNS: &str = "
    c.name, c.description, c.metadata_schema, s.model, s.dimensions, c.created_at,
    c.document_count, c.chunk_count";

/// The columns that [`document`] reads.
pub(super) const DOCUMENT_COLUMNS: &str = "
    d.id, c.name, d.title, d.source_uri, d.media_type, d.metadata, d.content_hash,
    d.size_bytes, d.chunk_count, d.created_at, d.updated_at, d.revision";

/// The columns that [`chunk`] reads.
pub(super) const CHUNK_COLUMNS: &str =
    "k.heading_path, k.byte_start, k.byte_end, k.char_start, k.char_end, k.text";

pub(super) fn collection(row: &Row<'_>) -> Result<CollectionInfo> {
    let schema: Option<String> = row.get(2)?;
    Ok(CollectionInfo {
        collection: Collection {
            name: name(row, 0)?,
            description: row.get(1)?,
            metadata_schema: schema.map(|_| metadata(row, 2)).transpose()?,
            space: EmbeddingSpace {
                model: row.get(3)?,
                dimensions: size(row, 4)?,
            },
            created_at: time(row, 5)?,
        },
        document_count: count(row, 6)?,
        chunk_count: count(row, 7)?,
    })
}

pub(super) fn document(row: &Row<'_>) -> Result<DocumentInfo> {
    let hash: [u8; 32] = row.get(6)?;
    Ok(DocumentInfo {
        id: document_id(row, 0)?,
        collection: name(row, 1)?,
        title: row.get(2)?,
        source_uri: row.get(3)?,
        media_type: MediaType::from_name(&row.get::<_, String>(4)?),
        metadata: metadata(row, 5)?,
        content_hash: ContentHash(hash),
        size_bytes: count(row, 7)?,
        chunk_count: row.get(8)?,
        created_at: time(row, 9)?,
        updated_at: time(row, 10)?,
        revision: count(row, 11)?,
    })
}

/// The chunk `index` of its document, from the columns from `first` on.
pub(super) fn chunk(row: &Row<'_>, first: usize, index: u32) -> Result<Chunk> {
    Ok(Chunk {
        index,
        heading_path: read(row, first, |text| serde_json::from_str(text))?,
        span: Span {
            start: size(row, first + 1)?,
            end: size(row, first + 2)?,
            char_start: size(row, first + 3)?,
            char_end: size(row, first + 4)?,
        },
        text: row.get(first + 5)?,
    })
}

pub(super) fn document_id(row: &Row<'_>, column: usize) -> Result<DocumentId> {
    let number: i64 = row.get(column)?;
    DocumentId::from_i64(number).ok_or(Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn count(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn size(row: &Row<'_>, column: usize) -> Result<usize> {
    let number: i64 = row.get(column)?;
    usize::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

/// The bytes of a column, where they lie.
pub(super) fn blob<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row [u8]> {
    let value = row.get_ref(column)?;
    value.as_blob().map_err(|error| mistyped(column, error))
}

/// A metadata object.
pub(super) fn metadata(row: &Row<'_>, column: usize) -> Result<Metadata> {
    read(row, column, |text| serde_json::from_str(text))
}

pub(super) fn name(row: &Row<'_>, column: usize) -> Result<CollectionName> {
    read(row, column, |text: &str| text.parse())
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    let number =
        i64::column_result(row.get_ref(column)?).map_err(|error| mistyped(column, error))?;
    Timestamp::from_microsecond(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

/// Any JSON.
pub(super) fn json(row: &Row<'_>, column: usize) -> Result<serde_json::Value> {
    read(row, column, |text| serde_json::from_str(text))
}

/// What `read` makes of a column, if there is anything in it.
pub(super) fn optional<T>(
    row: &Row<'_>,
    column: usize,
    read: fn(&Row<'_>, usize) -> Result<T>,
) -> Result<Option<T>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => read(row, column).map(Some),
    }
}

/// `number` for SQLite, whose largest is smaller.
pub(super) fn sql_number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn read<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> std::result::Result<T, E>,
) -> Result<T> {
    let value = row.get_ref(column)?;
    let text = value.as_str().map_err(|error| mistyped(column, error))?;
    parse(text).map_err(|error| mistyped(column, error))
}

fn mistyped(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
