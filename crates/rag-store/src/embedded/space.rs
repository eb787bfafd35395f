//! Collections in two embedding spaces: staging, switching and dropping.

use rag_core::model::{CollectionName, DocumentId, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::StagedSpace;
use rusqlite::{Connection, OptionalExtension, params};

use super::collection::{ensure_space, one, space_id};
use super::document;
use super::error::Failure;
use super::filter::collection_id;
use super::put::{Codes, insert_chunks, next_chunk, number};
use super::row::{self, sql_number};
use crate::admit;

/// Stages a document's chunks in `space`. `false` when it is not there as it is.
pub(super) fn stage(
    connection: &Connection,
    embedded: &EmbeddedDocument,
    space: &EmbeddingSpace,
) -> Result<bool, Failure> {
    let info = &embedded.document.info;
    let collection = one(connection, &info.collection)?.collection;
    admit::vectors(embedded, space, &info.collection, space)?;
    let present = document::info(connection, info.id)?;
    let is_as_told = present.is_some_and(|present| {
        present.collection == info.collection && present.revision == info.revision
    });
    if !is_as_told || collection.space == *space {
        return Ok(false);
    }
    let (id, space) = (info.id.as_i64(), ensure_space(connection, space)?);
    remove_staged(
        connection,
        &format!("document_id = {id} AND space_id = {space}"),
    )?;
    let first_chunk = next_chunk(connection)?;
    insert_chunks(connection, embedded, first_chunk)?;
    let codes = Codes::of(&embedded.chunks);
    connection
        .prepare_cached(
            "INSERT INTO staged (document_id, space_id, collection_id, first_chunk, chunk_count,
                 signs, term_counts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            space,
            collection_id(connection, &info.collection)?,
            first_chunk,
            number(embedded.chunks.len()),
            codes.signs,
            codes.term_counts,
        ])?;
    Ok(true)
}

pub(super) fn staged(
    connection: &Connection,
    collection: &CollectionName,
) -> Result<Vec<StagedSpace>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT s.model, s.dimensions, count(*) FROM staged g JOIN space s ON s.id = g.space_id
         WHERE g.collection_id = ?1 GROUP BY s.id ORDER BY s.model, s.dimensions",
    )?;
    let spaces = statement.query_map([collection_id(connection, collection)?], |row| {
        Ok(StagedSpace {
            space: EmbeddingSpace {
                model: row.get(0)?,
                dimensions: row::size(row, 1)?,
            },
            document_count: row::count(row, 2)?,
        })
    })?;
    Ok(spaces.collect::<Result<_, _>>()?)
}

pub(super) fn unstaged(
    connection: &Connection,
    collection: &CollectionName,
    space: &EmbeddingSpace,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<DocumentId>, Failure> {
    if one(connection, collection)?.collection.space == *space {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT id FROM document d WHERE collection_id = ?1 AND id > ?3 AND NOT EXISTS (
             SELECT 1 FROM staged g WHERE g.document_id = d.id AND g.space_id = ?2)
         ORDER BY id LIMIT ?4",
    )?;
    let values = params![
        collection_id(connection, collection)?,
        space_id(connection, space)?.unwrap_or(-1),
        after.map_or(-1, DocumentId::as_i64),
        sql_number(limit),
    ];
    let ids = statement.query_map(values, |row| row::document_id(row, 0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Makes `space` the collection's. `false` while a document is not staged in it.
pub(super) fn switch(
    connection: &Connection,
    name: &CollectionName,
    space: &EmbeddingSpace,
) -> Result<bool, Failure> {
    let old = one(connection, name)?.collection.space;
    if old == *space {
        return Ok(true);
    }
    if !unstaged(connection, name, space, None, 1)?.is_empty() {
        return Ok(false);
    }
    let collection = collection_id(connection, name)?;
    let old = ensure_space(connection, &old)?;
    let new = ensure_space(connection, space)?;
    // Where there are no chunks there is no row of codes.
    connection.execute_batch(&format!(
        "INSERT INTO staged (document_id, space_id, collection_id, first_chunk, chunk_count,
             signs, term_counts)
         SELECT d.id, {old}, {collection}, d.first_chunk, d.chunk_count, coalesce(k.signs, x''),
             coalesce(k.term_counts, x'')
         FROM document d
         LEFT JOIN code k ON k.first_chunk = d.first_chunk AND k.document_id = d.id
         WHERE d.collection_id = {collection};
         DELETE FROM code WHERE collection_id = {collection};
         INSERT INTO code (first_chunk, document_id, collection_id, space_id, signs, term_counts)
         SELECT first_chunk, document_id, collection_id, space_id, signs, term_counts
         FROM staged
         WHERE collection_id = {collection} AND space_id = {new} AND chunk_count > 0;
         UPDATE document SET first_chunk = g.first_chunk, chunk_count = g.chunk_count
         FROM staged g
         WHERE g.document_id = document.id AND g.collection_id = {collection}
             AND g.space_id = {new};
         DELETE FROM staged WHERE collection_id = {collection} AND space_id = {new};
         UPDATE collection SET space_id = {new}, chunk_count = (
             SELECT coalesce(sum(chunk_count), 0) FROM document
             WHERE collection_id = {collection})
         WHERE id = {collection};"
    ))?;
    // A gap in the log makes every searching process read its index anew: chunks
    // that come back are older than those it has.
    connection.execute(
        "INSERT INTO change (sequence, collection_id)
         SELECT coalesce(max(sequence), 0) + 2, ?1 FROM change",
        [collection],
    )?;
    Ok(true)
}

pub(super) fn drop_staged(connection: &Connection, name: &CollectionName) -> Result<u64, Failure> {
    let collection = collection_id(connection, name)?;
    let removed = remove_staged(connection, &format!("collection_id = {collection}"))?;
    Ok(removed as u64)
}

/// Removes what is staged under `condition`, with its chunks.
fn remove_staged(connection: &Connection, condition: &str) -> Result<usize, Failure> {
    let mut find = connection.prepare(&format!(
        "SELECT first_chunk, chunk_count FROM staged WHERE {condition}"
    ))?;
    let ranges = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (first_chunk, chunk_count) in ranges.collect::<Result<Vec<_>, _>>()? {
        document::remove_chunks(connection, first_chunk, chunk_count)?;
    }
    Ok(connection.execute(&format!("DELETE FROM staged WHERE {condition}"), [])?)
}

/// The space of a document's collection, if the document is there.
pub(super) fn of_document(
    connection: &Connection,
    id: DocumentId,
) -> Result<Option<EmbeddingSpace>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT s.model, s.dimensions FROM document d
         JOIN collection c ON c.id = d.collection_id JOIN space s ON s.id = c.space_id
         WHERE d.id = ?1",
    )?;
    let space = statement.query_row([id.as_i64()], |row| {
        Ok(EmbeddingSpace {
            model: row.get(0)?,
            dimensions: row::size(row, 1)?,
        })
    });
    Ok(space.optional()?)
}
