//! What the rows of the first prior system mean.

use std::collections::BTreeSet;

use rag_core::model::{Metadata, Timestamp};
use rag_core::port::{LegacyChunk, LegacyCollection, LegacyDocument};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;

/// The most bytes of metadata that are read.
pub(super) const METADATA_BYTES_MAX: i64 = 1 << 20;

/// A document without its text.
pub(super) struct Header {
    pub(super) id: i64,
    pub(super) bytes: u64,
    pub(super) collections: BTreeSet<i64>,
    title: String,
    file_type: String,
    metadata: Option<Metadata>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

impl Header {
    pub(super) fn with_text(self, text: Option<String>) -> LegacyDocument {
        LegacyDocument {
            id: self.id,
            title: self.title,
            text,
            text_bytes: self.bytes,
            file_type: self.file_type,
            metadata: self.metadata,
            created_at: self.created_at,
            updated_at: self.updated_at,
            collections: self.collections,
        }
    }
}

pub(super) fn header(row: &PgRow) -> Result<Header, sqlx::Error> {
    let collections: Vec<i64> = row.try_get("collections")?;
    let bytes: Option<i64> = row.try_get("bytes")?;
    Ok(Header {
        id: row.try_get("id")?,
        bytes: u64::try_from(bytes.unwrap_or_default()).unwrap_or_default(),
        collections: collections.into_iter().collect(),
        title: text(row, "filename")?,
        file_type: text(row, "file_type")?,
        metadata: metadata(row)?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(super) fn collection(row: &PgRow) -> Result<LegacyCollection, sqlx::Error> {
    Ok(LegacyCollection {
        id: row.try_get("id")?,
        name: text(row, "name")?,
        description: text(row, "description")?,
        created_at: time(row, "created_at")?,
    })
}

pub(super) fn chunk(row: &PgRow) -> Result<LegacyChunk, sqlx::Error> {
    Ok(LegacyChunk {
        text: text(row, "content")?,
        vector: row.try_get("embedding")?,
    })
}

fn text(row: &PgRow, column: &str) -> Result<String, sqlx::Error> {
    let text: Option<String> = row.try_get(column)?;
    Ok(text.unwrap_or_default())
}

fn time(row: &PgRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    let microseconds: Option<i64> = row.try_get(column)?;
    // Years that no calendar of ours has are as good as unknown.
    Ok(microseconds.and_then(|number| Timestamp::from_microsecond(number).ok()))
}

/// A document's metadata; `None` when they are too large.
fn metadata(row: &PgRow) -> Result<Option<Metadata>, sqlx::Error> {
    if row.try_get("metadata_missing")? {
        return Ok(Some(Metadata::new()));
    }
    let json: Option<String> = row.try_get("metadata")?;
    let Some(json) = json else { return Ok(None) };
    let value: Value =
        serde_json::from_str(&json).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some(match value {
        Value::Object(metadata) => metadata,
        Value::Null => Metadata::new(),
        other => Metadata::from_iter([("metadata".to_owned(), other)]),
    }))
}
