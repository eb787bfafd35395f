//! Chunks by where they stand, and vectors by the text they belong to.

use std::collections::HashMap;

use rag_core::model::{Chunk, ChunkRef, ContentHash, DocumentId, DocumentInfo, EmbeddingSpace};
use rag_core::port::{StoredPassage, WholeDocument};

use super::document;
use super::error::Failure;
use super::row::{self, CHUNK_COLUMNS};
use super::session::{Session, built};
use super::vector_table::{self, SPACE_COLUMNS};

/// The chunks of documents that are found: those in their collection's space.
const FOUND_CHUNKS: &str = "document d JOIN collection c ON c.id = d.collection_id
     JOIN chunk k ON k.document_id = d.id AND k.space_id = c.space_id";

pub(super) async fn chunks(
    session: &mut Session,
    id: DocumentId,
    first: u32,
    last: u32,
) -> Result<Vec<Chunk>, Failure> {
    let select = built(format!(
        "SELECT {CHUNK_COLUMNS} FROM {FOUND_CHUNKS}
         WHERE d.id = $1 AND k.index BETWEEN $2 AND $3 ORDER BY k.index"
    ));
    let select = select
        .bind(id.as_i64())
        .bind(i64::from(first))
        .bind(i64::from(last));
    session.each(select, |row| row::chunk(row, 0)).await
}

pub(super) async fn passages(
    session: &mut Session,
    chunks: &[ChunkRef],
) -> Result<Vec<StoredPassage>, Failure> {
    let (documents, indexes) = columns(chunks);
    let select = built(format!(
        "SELECT r.number, {CHUNK_COLUMNS}
         FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY r (document_id, index, number)
         JOIN ({FOUND_CHUNKS}) ON d.id = r.document_id AND k.index = r.index
         ORDER BY r.number"
    ));
    let found = session
        .each(select.bind(documents).bind(indexes), |row| {
            Ok((row::number::<usize>(row, 0)?, row::chunk(row, 1)?))
        })
        .await?;
    let mut ids: Vec<DocumentId> = found
        .iter()
        .filter_map(|(number, _)| chunks.get(number - 1))
        .map(|chunk| chunk.document)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let documents = document::some(session, &ids).await?;
    let documents: HashMap<DocumentId, DocumentInfo> = documents
        .into_iter()
        .map(|document| (document.id, document))
        .collect();
    let passages = found.into_iter().filter_map(|(number, chunk)| {
        let document = documents.get(&chunks.get(number - 1)?.document)?.clone();
        Some(StoredPassage { document, chunk })
    });
    Ok(passages.collect())
}

pub(super) async fn whole_document(
    session: &mut Session,
    id: DocumentId,
) -> Result<Option<WholeDocument>, Failure> {
    let Some(document) = document::with_text(session, id).await? else {
        return Ok(None);
    };
    let select = built(format!(
        "SELECT {SPACE_COLUMNS}, s.model, s.dimensions FROM document d
         JOIN collection c ON c.id = d.collection_id JOIN space s ON s.id = c.space_id
         WHERE d.id = $1"
    ));
    let found = session.one(select.bind(id.as_i64())).await?;
    let table = vector_table::read(&found, 0)?.table();
    let select = built(format!(
        "SELECT v.embedding::real[], {CHUNK_COLUMNS} FROM {FOUND_CHUNKS}
         JOIN {table} v ON v.document_id = d.id AND v.index = k.index
         WHERE d.id = $1 ORDER BY k.index"
    ));
    let chunks = session
        .each(select.bind(id.as_i64()), |row| {
            Ok((row::chunk(row, 1)?, row::get::<Vec<f32>>(row, 0)?))
        })
        .await?;
    if chunks.len() != document.info.chunk_count as usize {
        let message = format!("document `{id}` has not as many chunks and vectors as it counts");
        return Err(Failure::Damaged(message));
    }
    Ok(Some(WholeDocument {
        document,
        space: row::space(&found, 3)?,
        chunks,
    }))
}

/// The vectors in `space` of texts with these hashes.
pub(super) async fn vectors(
    session: &mut Session,
    space: &EmbeddingSpace,
    hashes: &[ContentHash],
) -> Result<Vec<Option<Vec<f32>>>, Failure> {
    let mut vectors = vec![None; hashes.len()];
    let Some(space) = vector_table::find(session, space).await? else {
        return Ok(vectors);
    };
    // Staged or not.
    let table = space.table();
    let select = built(format!(
        "SELECT r.number, f.embedding
         FROM unnest($1::bytea[]) WITH ORDINALITY r (hash, number)
         CROSS JOIN LATERAL (
             SELECT v.embedding::real[] AS embedding FROM chunk k
             JOIN {table} v ON v.document_id = k.document_id AND v.index = k.index
             WHERE k.hash = r.hash AND k.space_id = $2 LIMIT 1) f"
    ));
    let wanted: Vec<Vec<u8>> = hashes.iter().map(|hash| hash.0.to_vec()).collect();
    let found = session
        .each(select.bind(wanted).bind(space.id), |row| {
            Ok((row::number::<usize>(row, 0)?, row::get(row, 1)?))
        })
        .await?;
    for (number, vector) in found {
        vectors[number - 1] = Some(vector);
    }
    Ok(vectors)
}

/// The documents of `chunks` and their indexes, for a statement's parameters.
pub(super) fn columns(chunks: &[ChunkRef]) -> (Vec<i64>, Vec<i64>) {
    let columns = chunks.iter();
    columns
        .map(|chunk| (chunk.document.as_i64(), i64::from(chunk.index)))
        .unzip()
}
