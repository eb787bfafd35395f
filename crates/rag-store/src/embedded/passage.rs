//! Chunks by where they stand, and vectors by the text they belong to.

use std::collections::HashMap;

use rag_core::model::{Chunk, ChunkRef, ContentHash, DocumentId, DocumentInfo};
use rag_core::port::{StoredPassage, WholeDocument};
use rusqlite::{Connection, OptionalExtension, params};

use super::document;
use super::error::Failure;
use super::row::{self, CHUNK_COLUMNS};
use super::space;
use crate::vector::from_bytes;

pub(super) fn chunks(
    connection: &Connection,
    id: DocumentId,
    first: u32,
    last: u32,
) -> Result<Vec<Chunk>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT k.id - d.first_chunk, {CHUNK_COLUMNS} FROM document d
         JOIN chunk k ON k.id BETWEEN d.first_chunk + ?2
                                  AND min(d.first_chunk + ?3, d.first_chunk + d.chunk_count - 1)
         WHERE d.id = ?1 ORDER BY k.id"
    ))?;
    let chunks = statement.query_map(params![id.as_i64(), first, last], |row| {
        row::chunk(row, 1, row.get(0)?)
    })?;
    Ok(chunks.collect::<Result<_, _>>()?)
}

pub(super) fn passages(
    connection: &Connection,
    chunks: &[ChunkRef],
) -> Result<Vec<StoredPassage>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {CHUNK_COLUMNS} FROM document d JOIN chunk k ON k.id = d.first_chunk + ?2
         WHERE d.id = ?1 AND ?2 < d.chunk_count"
    ))?;
    let mut documents: HashMap<DocumentId, DocumentInfo> = HashMap::new();
    let mut passages = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let found = statement
            .query_row(params![chunk.document.as_i64(), chunk.index], |row| {
                row::chunk(row, 0, chunk.index)
            })
            .optional()?;
        let Some(found) = found else { continue };
        if !documents.contains_key(&chunk.document) {
            let info = document::info(connection, chunk.document)?;
            documents.extend(info.map(|info| (chunk.document, info)));
        }
        let document = documents.get(&chunk.document).cloned();
        passages.extend(document.map(|document| StoredPassage {
            document,
            chunk: found,
        }));
    }
    Ok(passages)
}

pub(super) fn whole_document(
    connection: &Connection,
    id: DocumentId,
) -> Result<Option<WholeDocument>, Failure> {
    let (Some(document), Some(space)) = (
        document::with_text(connection, id)?,
        space::of_document(connection, id)?,
    ) else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(
        "SELECT v.vector FROM document d
         JOIN vector v ON v.chunk_id BETWEEN d.first_chunk AND d.first_chunk + d.chunk_count - 1
         WHERE d.id = ?1 ORDER BY v.chunk_id",
    )?;
    let vectors = statement.query_map([id.as_i64()], |row| Ok(from_bytes(row::blob(row, 0)?)))?;
    let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_, _>>()?;
    let chunks = chunks(connection, id, 0, u32::MAX)?;
    if chunks.len() != vectors.len() || chunks.len() != document.info.chunk_count as usize {
        let message = format!("document `{id}` has not as many chunks and vectors as it counts");
        return Err(Failure::Damaged(message));
    }
    Ok(Some(WholeDocument {
        document,
        space,
        chunks: chunks.into_iter().zip(vectors).collect(),
    }))
}

/// The vectors in `space` of texts with these hashes.
pub(super) fn vectors(
    connection: &Connection,
    space: i64,
    hashes: &[ContentHash],
) -> Result<Vec<Option<Vec<f32>>>, Failure> {
    // A chunk is in the space of its collection, or staged in another.
    let mut statement = connection.prepare_cached(
        "SELECT v.vector FROM chunk k
         JOIN document d ON d.id = k.document_id
         JOIN collection c ON c.id = d.collection_id
         JOIN vector v ON v.chunk_id = k.id
         WHERE k.hash = ?1 AND CASE
             WHEN k.id BETWEEN d.first_chunk AND d.first_chunk + d.chunk_count - 1
             THEN c.space_id = ?2
             ELSE EXISTS (
                 SELECT 1 FROM staged g WHERE g.document_id = d.id AND g.space_id = ?2
                     AND k.id BETWEEN g.first_chunk AND g.first_chunk + g.chunk_count - 1)
             END
         LIMIT 1",
    )?;
    let mut vectors = Vec::with_capacity(hashes.len());
    for hash in hashes {
        let vector = statement
            .query_row(params![hash.0, space], |row| {
                Ok(from_bytes(row::blob(row, 0)?))
            })
            .optional()?;
        vectors.push(vector);
    }
    Ok(vectors)
}
