//! Collections in the file.

use rag_core::model::{Collection, CollectionInfo, CollectionName, EmbeddingSpace};
use rag_core::port::{DeletedCollection, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::document;
use super::error::Failure;
use super::filter::collection_id;
use super::row::{self, COLLECTION_COLUMNS};

pub(super) fn create(connection: &Connection, collection: &Collection) -> Result<(), Failure> {
    let schema = collection.metadata_schema.clone();
    let schema = schema.map(|schema| serde_json::Value::Object(schema).to_string());
    let added = connection
        .prepare_cached(
            "INSERT INTO collection (name, description, metadata_schema, space_id, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO NOTHING",
        )?
        .execute(params![
            collection.name.as_str(),
            collection.description,
            schema,
            ensure_space(connection, &collection.space)?,
            collection.created_at.as_microsecond(),
        ])?;
    match added {
        0 => Err(StoreError::CollectionExists(collection.name.clone()).into()),
        _ => Ok(()),
    }
}

pub(super) fn all(connection: &Connection) -> Result<Vec<CollectionInfo>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLLECTION_COLUMNS} FROM collection c JOIN space s ON s.id = c.space_id
         ORDER BY c.created_at DESC, c.name"
    ))?;
    let collections = statement.query_map([], row::collection)?;
    Ok(collections.collect::<Result<_, _>>()?)
}

pub(super) fn one(
    connection: &Connection,
    name: &CollectionName,
) -> Result<CollectionInfo, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLLECTION_COLUMNS} FROM collection c JOIN space s ON s.id = c.space_id
         WHERE c.name = ?1"
    ))?;
    let found = statement
        .query_row([name.as_str()], row::collection)
        .optional()?;
    found.ok_or_else(|| StoreError::NoCollection(name.clone()).into())
}

pub(super) fn describe(
    connection: &Connection,
    name: &CollectionName,
    description: &str,
) -> Result<(), Failure> {
    let changed = connection
        .prepare_cached("UPDATE collection SET description = ?2 WHERE name = ?1")?
        .execute([name.as_str(), description])?;
    match changed {
        0 => Err(StoreError::NoCollection(name.clone()).into()),
        _ => Ok(()),
    }
}

pub(super) fn delete(
    connection: &Connection,
    name: &CollectionName,
) -> Result<DeletedCollection, Failure> {
    let info = one(connection, name)?;
    let id = collection_id(connection, name)?;
    document::delete_all(connection, id)?;
    // Its jobs go with the row.
    connection.execute("DELETE FROM collection WHERE id = ?1", [id])?;
    connection.execute("INSERT INTO change (collection_id) VALUES (?1)", [id])?;
    Ok(DeletedCollection {
        document_count: info.document_count,
        chunk_count: info.chunk_count,
    })
}

/// The id of a space, if a collection was ever made in it.
pub(super) fn space_id(
    connection: &Connection,
    space: &EmbeddingSpace,
) -> Result<Option<i64>, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM space WHERE model = ?1 AND dimensions = ?2")?;
    let dimensions = i64::try_from(space.dimensions).unwrap_or(i64::MAX);
    Ok(statement
        .query_row(params![space.model, dimensions], |row| row.get(0))
        .optional()?)
}

pub(super) fn ensure_space(
    connection: &Connection,
    space: &EmbeddingSpace,
) -> Result<i64, Failure> {
    if let Some(id) = space_id(connection, space)? {
        return Ok(id);
    }
    let dimensions = i64::try_from(space.dimensions).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO space (model, dimensions) VALUES (?1, ?2)",
        params![space.model, dimensions],
    )?;
    Ok(connection.last_insert_rowid())
}
