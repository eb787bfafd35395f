//! Collections in the database.

use rag_core::model::{Collection, CollectionInfo, CollectionName};
use rag_core::port::{DeletedCollection, StoreError};

use super::error::Failure;
use super::row::{self, COLLECTION_COLUMNS};
use super::session::{Session, built, sql};
use super::text::kept;
use super::vector_table;

pub(super) async fn create(session: &mut Session, collection: &Collection) -> Result<(), Failure> {
    let schema = collection.metadata_schema.clone();
    let schema = schema.map(|schema| serde_json::Value::Object(schema).to_string());
    let space = vector_table::ensure(session, &collection.space).await?;
    let insert = sql(
        "INSERT INTO collection (name, description, metadata_schema, space_id, created_at)
         VALUES ($1, $2, $3::text::json, $4, $5) ON CONFLICT (name) DO NOTHING",
    );
    let insert = insert
        .bind(collection.name.as_str())
        .bind(kept(&collection.description))
        .bind(schema)
        .bind(space.id)
        .bind(collection.created_at.as_microsecond());
    match session.execute(insert).await? {
        0 => Err(StoreError::CollectionExists(collection.name.clone()).into()),
        _ => Ok(()),
    }
}

pub(super) async fn all(session: &mut Session) -> Result<Vec<CollectionInfo>, Failure> {
    let select = built(format!(
        "SELECT {COLLECTION_COLUMNS} FROM collection c JOIN space s ON s.id = c.space_id
         ORDER BY c.created_at DESC, c.name"
    ));
    session.each(select, row::collection).await
}

pub(super) async fn one(
    session: &mut Session,
    name: &CollectionName,
) -> Result<CollectionInfo, Failure> {
    let select = built(format!(
        "SELECT {COLLECTION_COLUMNS} FROM collection c JOIN space s ON s.id = c.space_id
         WHERE c.name = $1"
    ));
    match session.row(select.bind(name.as_str())).await? {
        Some(row) => row::collection(&row),
        None => Err(StoreError::NoCollection(name.clone()).into()),
    }
}

pub(super) async fn describe(
    session: &mut Session,
    name: &CollectionName,
    description: &str,
) -> Result<(), Failure> {
    let update = sql("UPDATE collection SET description = $2 WHERE name = $1");
    let update = update.bind(name.as_str()).bind(kept(description));
    match session.execute(update).await? {
        0 => Err(StoreError::NoCollection(name.clone()).into()),
        _ => Ok(()),
    }
}

pub(super) async fn delete(
    session: &mut Session,
    name: &CollectionName,
) -> Result<DeletedCollection, Failure> {
    // It waits for the writes that are under way in the collection, so that the
    // counts are right.
    let id = id_alone(session, name).await?;
    let select = sql("SELECT document_count, chunk_count FROM collection WHERE id = $1");
    let counts = session.one(select.bind(id)).await?;
    // What is many goes at once; the rest goes with the rows it belongs to.
    for table in vector_table::all(session).await? {
        let delete = built(format!("DELETE FROM {table} WHERE collection_id = $1"));
        session.execute(delete.bind(id)).await?;
    }
    for delete in [
        "DELETE FROM word WHERE collection_id = $1",
        "DELETE FROM chunk k USING document d
         WHERE d.id = k.document_id AND d.collection_id = $1",
        "DELETE FROM collection WHERE id = $1",
    ] {
        session.execute(sql(delete).bind(id)).await?;
    }
    Ok(DeletedCollection {
        document_count: row::number(&counts, 0)?,
        chunk_count: row::number(&counts, 1)?,
    })
}

/// The id of a collection; [`StoreError::NoCollection`] when there is none.
pub(super) async fn id(session: &mut Session, name: &CollectionName) -> Result<i64, Failure> {
    lock(session, name, "").await
}

/// The id of a collection that stays for as long as the transaction lasts.
pub(super) async fn id_that_stays(
    session: &mut Session,
    name: &CollectionName,
) -> Result<i64, Failure> {
    lock(session, name, "FOR KEY SHARE").await
}

/// The id of a collection that nobody else writes to while the transaction lasts.
pub(super) async fn id_alone(session: &mut Session, name: &CollectionName) -> Result<i64, Failure> {
    lock(session, name, "FOR UPDATE").await
}

async fn lock(
    session: &mut Session,
    name: &CollectionName,
    lock: &'static str,
) -> Result<i64, Failure> {
    let select = built(format!("SELECT id FROM collection WHERE name = $1 {lock}"));
    match session.row(select.bind(name.as_str())).await? {
        Some(row) => row::get(&row, 0),
        None => Err(StoreError::NoCollection(name.clone()).into()),
    }
}
