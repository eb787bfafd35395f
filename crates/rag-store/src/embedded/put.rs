//! Putting a document in, or swapping it for the one that is there.

use rag_core::model::{DocumentInfo, EmbeddedChunk, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{Expect, PutOutcome, StoreError};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde_json::Value;

use super::codes::signs_to_bytes;
use super::document;
use super::error::Failure;
use crate::{admit, metadata_keys, vector, words};

/// Where a document goes.
struct Home {
    collection: i64,
    space: i64,
    embedding: EmbeddingSpace,
}

pub(super) fn put(
    connection: &Connection,
    embedded: &EmbeddedDocument,
    space: &EmbeddingSpace,
    expect: Expect,
) -> Result<PutOutcome, Failure> {
    let info = &embedded.document.info;
    let home = home(connection, info)?;
    admit::vectors(embedded, space, &info.collection, &home.embedding)?;
    let present = document::info(connection, info.id)?;
    let twin = match present {
        Some(_) => None,
        None => document::of_source(connection, &info.collection, &info.source_uri)?,
    };
    admit::expected(info, present.as_ref(), twin.as_ref(), expect)?;
    if present.is_some() {
        document::remove(connection, info.id)?;
    }
    let revision = present.as_ref().map_or(1, |present| present.revision + 1);
    let created_at = present
        .as_ref()
        .map_or(info.created_at, |present| present.created_at);
    let stored = DocumentInfo {
        revision,
        created_at,
        ..info.clone()
    };
    let first_chunk = next_chunk(connection)?;
    insert_document(connection, &stored, embedded, &home, first_chunk)?;
    insert_chunks(connection, embedded, first_chunk)?;
    insert_codes(connection, embedded, &home, first_chunk)?;
    let replaced_chunk_count = present.map(|present| present.chunk_count);
    count(
        connection,
        &home,
        replaced_chunk_count,
        embedded.chunks.len(),
    )?;
    document::log_change(connection, info.id)?;
    Ok(PutOutcome {
        revision,
        replaced_chunk_count,
    })
}

fn home(connection: &Connection, info: &DocumentInfo) -> Result<Home, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT c.id, s.id, s.model, s.dimensions
         FROM collection c JOIN space s ON s.id = c.space_id WHERE c.name = ?1",
    )?;
    let home = statement.query_row([info.collection.as_str()], |row| {
        let dimensions: u32 = row.get(3)?;
        Ok(Home {
            collection: row.get(0)?,
            space: row.get(1)?,
            embedding: EmbeddingSpace {
                model: row.get(2)?,
                dimensions: dimensions as usize,
            },
        })
    });
    home.optional()?
        .ok_or_else(|| StoreError::NoCollection(info.collection.clone()).into())
}

/// The lowest chunk id never used.
pub(super) fn next_chunk(connection: &Connection) -> Result<i64, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'chunk'")?;
    let last: Option<i64> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(0) + 1)
}

fn insert_document(
    connection: &Connection,
    info: &DocumentInfo,
    embedded: &EmbeddedDocument,
    home: &Home,
    first_chunk: i64,
) -> Result<(), Failure> {
    let text = &embedded.document.text;
    connection
        .prepare_cached(
            "INSERT INTO document (id, collection_id, title, source_uri, media_type, metadata,
                 content_hash, size_bytes, first_chunk, chunk_count, created_at, updated_at,
                 revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            info.id.as_i64(),
            home.collection,
            info.title,
            info.source_uri,
            info.media_type.as_str(),
            Value::Object(info.metadata.clone()).to_string(),
            info.content_hash.0,
            number(text.len()),
            first_chunk,
            number(embedded.chunks.len()),
            info.created_at.as_microsecond(),
            info.updated_at.as_microsecond(),
            info.revision.cast_signed(),
        ])?;
    connection
        .prepare_cached("INSERT INTO document_text (document_id, text) VALUES (?1, ?2)")?
        .execute(params![info.id.as_i64(), text])?;
    let mut entry = connection
        .prepare_cached("INSERT INTO metadata_entry (key, document_id) VALUES (?1, ?2)")?;
    for key in metadata_keys::keys(&info.metadata) {
        entry.execute([key, info.id.as_i64()])?;
    }
    Ok(())
}

pub(super) fn insert_chunks(
    connection: &Connection,
    embedded: &EmbeddedDocument,
    first_chunk: i64,
) -> Result<(), Failure> {
    let mut chunk_row = connection.prepare_cached(
        "INSERT INTO chunk (id, document_id, heading_path, byte_start, byte_end, char_start,
             char_end, text, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut vector_row =
        connection.prepare_cached("INSERT INTO vector (chunk_id, vector) VALUES (?1, ?2)")?;
    let mut word_row = connection.prepare_cached(
        r#"INSERT INTO word (rowid, "1", "2", "3", "4", "5", "6", "8", "12")
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"#,
    )?;
    for (
        id,
        EmbeddedChunk {
            chunk,
            hash,
            vector,
            terms,
        },
    ) in (first_chunk..).zip(&embedded.chunks)
    {
        chunk_row.execute(params![
            id,
            embedded.document.info.id.as_i64(),
            Value::from(chunk.heading_path.clone()).to_string(),
            number(chunk.span.start),
            number(chunk.span.end),
            number(chunk.span.char_start),
            number(chunk.span.char_end),
            chunk.text,
            hash.0,
        ])?;
        vector_row.execute(params![id, vector::to_bytes(vector)])?;
        let words = words::indexed(terms).map(SqlValue::from);
        word_row.execute(params_from_iter(
            std::iter::once(SqlValue::from(id)).chain(words),
        ))?;
    }
    Ok(())
}

/// What searches keep in memory of chunks: a sign for each dimension, and how
/// many terms each has.
pub(super) struct Codes {
    pub(super) signs: Vec<u8>,
    pub(super) term_counts: Vec<u8>,
}

impl Codes {
    pub(super) fn of(chunks: &[EmbeddedChunk]) -> Self {
        let term_count =
            |chunk: &EmbeddedChunk| u32::try_from(chunk.terms.len()).unwrap_or(u32::MAX);
        Codes {
            signs: chunks
                .iter()
                .flat_map(|chunk| signs_to_bytes(&chunk.vector))
                .collect(),
            term_counts: chunks
                .iter()
                .flat_map(|chunk| term_count(chunk).to_le_bytes())
                .collect(),
        }
    }
}

fn insert_codes(
    connection: &Connection,
    embedded: &EmbeddedDocument,
    home: &Home,
    first_chunk: i64,
) -> Result<(), Failure> {
    let chunks = &embedded.chunks;
    if chunks.is_empty() {
        return Ok(());
    }
    let codes = Codes::of(chunks);
    let document = embedded.document.info.id.as_i64();
    connection
        .prepare_cached(
            "INSERT INTO code (first_chunk, document_id, collection_id, space_id, signs,
                 term_counts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            first_chunk,
            document,
            home.collection,
            home.space,
            codes.signs,
            codes.term_counts
        ])?;
    Ok(())
}

/// Keeps the collection's counts right.
fn count(
    connection: &Connection,
    home: &Home,
    replaced_chunk_count: Option<u32>,
    chunk_count: usize,
) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "UPDATE collection
             SET document_count = document_count + ?2, chunk_count = chunk_count + ?3 - ?4
             WHERE id = ?1",
        )?
        .execute(params![
            home.collection,
            i64::from(replaced_chunk_count.is_none()),
            number(chunk_count),
            replaced_chunk_count.unwrap_or(0),
        ])?;
    Ok(())
}

/// A size as SQLite has it.
pub(super) fn number(size: usize) -> i64 {
    i64::try_from(size).expect("what is in memory has fewer than 2^63 bytes")
}
