//! Documents in the file: reading, listing and removing them.

use rag_core::model::{
    CollectionName, Document, DocumentId, DocumentInfo, Filter, Metadata, contains,
};
use rag_core::port::{DeletedDocument, DocumentPage};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::error::Failure;
use super::filter::{Condition, collection_id};
use super::index::CHANGES_KEPT;
use super::row::{self, DOCUMENT_COLUMNS, sql_number};

pub(super) fn with_text(
    connection: &Connection,
    id: DocumentId,
) -> Result<Option<Document>, Failure> {
    let Some(info) = info(connection, id)? else {
        return Ok(None);
    };
    let mut statement =
        connection.prepare_cached("SELECT text FROM document_text WHERE document_id = ?1")?;
    let text = statement
        .query_row([id.as_i64()], |row| row.get(0))
        .optional()?;
    let text = text.ok_or_else(|| Failure::Damaged(format!("document `{id}` has no text")))?;
    Ok(Some(Document { info, text }))
}

pub(super) fn info(
    connection: &Connection,
    id: DocumentId,
) -> Result<Option<DocumentInfo>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {DOCUMENT_COLUMNS} FROM document d JOIN collection c ON c.id = d.collection_id
         WHERE d.id = ?1"
    ))?;
    Ok(statement
        .query_row([id.as_i64()], row::document)
        .optional()?)
}

pub(super) fn of_source(
    connection: &Connection,
    collection: &CollectionName,
    source_uri: &str,
) -> Result<Option<DocumentInfo>, Failure> {
    let collection = collection_id(connection, collection)?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {DOCUMENT_COLUMNS} FROM document d JOIN collection c ON c.id = d.collection_id
         WHERE d.collection_id = ?1 AND d.source_uri = ?2"
    ))?;
    Ok(statement
        .query_row(params![collection, source_uri], row::document)
        .optional()?)
}

pub(super) fn page(
    connection: &Connection,
    filter: &Filter,
    offset: usize,
    limit: usize,
) -> Result<DocumentPage, Failure> {
    let condition = Condition::new(connection, filter)?;
    match &condition.unsure {
        None => sure_page(connection, &condition, offset, limit),
        Some(wanted) => checked_page(connection, &condition, wanted, offset, limit),
    }
}

/// A page of the documents that pass by their rows alone.
fn sure_page(
    connection: &Connection,
    condition: &Condition,
    offset: usize,
    limit: usize,
) -> Result<DocumentPage, Failure> {
    let total = connection
        .prepare_cached(&format!(
            "SELECT count(*) FROM document d WHERE {}",
            condition.sql
        ))?
        .query_row(params_from_iter(&condition.values), |row| {
            row::count(row, 0)
        })?;
    let mut values = condition.values.clone();
    values.extend([limit, offset].map(|number| sql_number(number).into()));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {DOCUMENT_COLUMNS} FROM document d JOIN collection c ON c.id = d.collection_id
         WHERE {} ORDER BY d.updated_at DESC, d.id LIMIT ? OFFSET ?",
        condition.sql
    ))?;
    let documents = statement.query_map(params_from_iter(&values), row::document)?;
    Ok(DocumentPage {
        documents: documents.collect::<Result<_, _>>()?,
        total,
    })
}

/// A page of the documents that pass and whose metadata contain `wanted`.
fn checked_page(
    connection: &Connection,
    condition: &Condition,
    wanted: &Metadata,
    offset: usize,
    limit: usize,
) -> Result<DocumentPage, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT d.id, d.metadata FROM document d
         WHERE {} ORDER BY d.updated_at DESC, d.id",
        condition.sql
    ))?;
    let mut rows = statement.query(params_from_iter(&condition.values))?;
    let mut passing = Vec::new();
    while let Some(row) = rows.next()? {
        if contains(&row::metadata(row, 1)?, wanted) {
            passing.push(row::document_id(row, 0)?);
        }
    }
    let mut documents = Vec::new();
    for &id in passing.iter().skip(offset).take(limit) {
        documents.extend(info(connection, id)?);
    }
    Ok(DocumentPage {
        documents,
        total: passing.len() as u64,
    })
}

pub(super) fn ids(
    connection: &Connection,
    collection: &CollectionName,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<DocumentId>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM document WHERE collection_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let values = params![
        collection_id(connection, collection)?,
        after.map_or(-1, DocumentId::as_i64),
        sql_number(limit),
    ];
    let ids = statement.query_map(values, |row| row::document_id(row, 0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn delete(
    connection: &Connection,
    id: DocumentId,
) -> Result<Option<DeletedDocument>, Failure> {
    let Some(info) = info(connection, id)? else {
        return Ok(None);
    };
    remove(connection, id)?;
    connection
        .prepare_cached(
            "UPDATE collection
             SET document_count = document_count - 1, chunk_count = chunk_count - ?2
             WHERE name = ?1",
        )?
        .execute(params![info.collection.as_str(), info.chunk_count])?;
    log_change(connection, id)?;
    Ok(Some(DeletedDocument {
        title: info.title,
        collection: info.collection,
        chunk_count: info.chunk_count,
    }))
}

/// Removes the documents of a collection; the caller sees to its counts and to
/// the log.
pub(super) fn delete_all(connection: &Connection, collection: i64) -> Result<(), Failure> {
    let mut statement = connection.prepare("SELECT id FROM document WHERE collection_id = ?1")?;
    let ids = statement.query_map([collection], |row| row::document_id(row, 0))?;
    for id in ids.collect::<Result<Vec<_>, _>>()? {
        remove(connection, id)?;
    }
    Ok(())
}

/// Takes a document and everything that belongs to it out of every table.
pub(super) fn remove(connection: &Connection, id: DocumentId) -> Result<(), Failure> {
    let id = id.as_i64();
    let (first, count): (i64, i64) = connection
        .prepare_cached("SELECT first_chunk, chunk_count FROM document WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    remove_chunks(connection, first, count)?;
    connection
        .prepare_cached("DELETE FROM code WHERE first_chunk BETWEEN ?1 AND ?2")?
        .execute([first, first + count - 1])?;
    for sql in [
        "DELETE FROM metadata_entry WHERE document_id = ?1",
        "DELETE FROM document_text WHERE document_id = ?1",
        "DELETE FROM document WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

/// Takes `count` chunks out of the tables that have a row for each.
pub(super) fn remove_chunks(
    connection: &Connection,
    first: i64,
    count: i64,
) -> Result<(), Failure> {
    let mut forget_words = connection.prepare_cached("DELETE FROM word WHERE rowid = ?1")?;
    for chunk in first..first + count {
        forget_words.execute([chunk])?;
    }
    for sql in [
        "DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2",
        "DELETE FROM vector WHERE chunk_id BETWEEN ?1 AND ?2",
    ] {
        connection
            .prepare_cached(sql)?
            .execute([first, first + count - 1])?;
    }
    Ok(())
}

/// Tells every searching process that a document changed.
pub(super) fn log_change(connection: &Connection, id: DocumentId) -> Result<(), Failure> {
    connection
        .prepare_cached("INSERT INTO change (document_id) VALUES (?1)")?
        .execute([id.as_i64()])?;
    connection
        .prepare_cached("DELETE FROM change WHERE sequence <= ?1")?
        .execute([connection.last_insert_rowid() - CHANGES_KEPT])?;
    Ok(())
}
