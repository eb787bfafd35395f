//! Collections in two embedding spaces: staging, switching and dropping.

use rag_core::model::{CollectionName, DocumentId, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::StagedSpace;

use super::collection;
use super::error::Failure;
use super::put::{Place, insert_chunks, small, term_count};
use super::row::{self, sql_number};
use super::session::{Session, built, sql};
use super::vector_table::{self, INDEXED_CHUNKS_MIN, SPACE_COLUMNS, Space};
use crate::admit;

/// Stages a document's chunks in `space`. `false` when it is not there as it is.
/// The caller has the lock of the document. The space's id says that its table
/// has grown to where it needs an index.
pub(super) async fn stage(
    session: &mut Session,
    embedded: &EmbeddedDocument,
    space: &EmbeddingSpace,
) -> Result<(bool, Option<i32>), Failure> {
    let info = &embedded.document.info;
    let id = info.id.as_i64();
    let collection = collection::id_that_stays(session, &info.collection).await?;
    admit::vectors(embedded, space, &info.collection, space)?;
    let select = sql(
        "SELECT count(*) FROM document d WHERE d.id = $1 AND d.collection_id = $2
             AND d.revision = $3",
    );
    let select = select
        .bind(id)
        .bind(collection)
        .bind(info.revision.cast_signed());
    let is_as_told = row::get::<i64>(&session.one(select).await?, 0)? > 0;
    if !is_as_told || space_of(session, collection).await?.1 == *space {
        return Ok((false, None));
    }
    let space = vector_table::ensure(session, space).await?;
    for delete in [
        built(format!(
            "DELETE FROM {} WHERE document_id = $1 AND $2::integer IS NOT NULL",
            space.table()
        )),
        sql("DELETE FROM chunk WHERE document_id = $1 AND space_id = $2"),
        sql("DELETE FROM staged_word WHERE document_id = $1 AND space_id = $2"),
        sql("DELETE FROM staged WHERE document_id = $1 AND space_id = $2"),
    ] {
        session.execute(delete.bind(id).bind(space.id)).await?;
    }
    insert_chunks(session, embedded, collection, &Place::Staged(&space)).await?;
    let insert = sql(
        "INSERT INTO staged (document_id, space_id, collection_id, chunk_count, term_count)
         VALUES ($1, $2, $3, $4, $5)
         RETURNING (SELECT coalesce(sum(chunk_count), 0)::bigint FROM staged WHERE space_id = $2)",
    );
    let insert = insert
        .bind(id)
        .bind(space.id)
        .bind(collection)
        .bind(small(embedded.chunks.len()))
        .bind(term_count(&embedded.chunks));
    let staged: i64 = row::get(&session.one(insert).await?, 0)?;
    let needs_index = !space.is_indexed && staged >= INDEXED_CHUNKS_MIN;
    Ok((true, needs_index.then_some(space.id)))
}

pub(super) async fn staged(
    session: &mut Session,
    collection: &CollectionName,
) -> Result<Vec<StagedSpace>, Failure> {
    let collection = collection::id(session, collection).await?;
    let select = sql(
        "SELECT s.model, s.dimensions, count(*) FROM staged g JOIN space s ON s.id = g.space_id
         WHERE g.collection_id = $1 GROUP BY s.id ORDER BY s.model, s.dimensions",
    );
    session
        .each(select.bind(collection), |row| {
            Ok(StagedSpace {
                space: row::space(row, 0)?,
                document_count: row::number(row, 2)?,
            })
        })
        .await
}

pub(super) async fn unstaged(
    session: &mut Session,
    collection: &CollectionName,
    space: &EmbeddingSpace,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<DocumentId>, Failure> {
    let collection = collection::id(session, collection).await?;
    if space_of(session, collection).await?.1 == *space {
        return Ok(Vec::new());
    }
    let space = vector_table::find(session, space).await?;
    unstaged_in(
        session,
        collection,
        space.map_or(-1, |space| space.id),
        after,
        limit,
    )
    .await
}

async fn unstaged_in(
    session: &mut Session,
    collection: i64,
    space: i32,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<DocumentId>, Failure> {
    let select = sql(
        "SELECT d.id FROM document d WHERE d.collection_id = $1 AND d.id > $3 AND NOT EXISTS (
             SELECT 1 FROM staged g WHERE g.document_id = d.id AND g.space_id = $2)
         ORDER BY d.id LIMIT $4",
    );
    let select = select
        .bind(collection)
        .bind(space)
        .bind(after.map_or(-1, DocumentId::as_i64))
        .bind(sql_number(limit));
    session.each(select, |row| row::document_id(row, 0)).await
}

/// Makes `space` the collection's. `false` while a document is not staged in it.
///
/// Chunks and vectors stay where they are: whether they are found is a matter of
/// their space. Only the words change their table.
pub(super) async fn switch(
    session: &mut Session,
    name: &CollectionName,
    space: &EmbeddingSpace,
) -> Result<bool, Failure> {
    // Nobody puts anything in meanwhile.
    let collection = collection::id_alone(session, name).await?;
    let (old, old_space) = space_of(session, collection).await?;
    if old_space == *space {
        return Ok(true);
    }
    // An empty collection may move to a space that has nothing yet.
    let new = vector_table::ensure(session, space).await?;
    if !unstaged_in(session, collection, new.id, None, 1)
        .await?
        .is_empty()
    {
        return Ok(false);
    }
    for statement in [
        "INSERT INTO staged_word (document_id, space_id, index, term_count, words)
         SELECT document_id, $2, index, term_count, words FROM word
         WHERE collection_id = $1 AND $3::integer IS NOT NULL",
        "DELETE FROM word
         WHERE collection_id = $1 AND $2::integer IS NOT NULL AND $3::integer IS NOT NULL",
        "WITH moved AS (
             DELETE FROM staged_word w USING staged g
             WHERE g.collection_id = $1 AND g.space_id = $3 AND w.document_id = g.document_id
                 AND w.space_id = g.space_id AND $2::integer IS NOT NULL
             RETURNING w.document_id, w.index, w.term_count, w.words)
         INSERT INTO word (document_id, index, term_count, collection_id, words)
         SELECT document_id, index, term_count, $1, words FROM moved",
        "INSERT INTO staged (document_id, space_id, collection_id, chunk_count, term_count)
         SELECT id, $2, collection_id, chunk_count, term_count FROM document
         WHERE collection_id = $1 AND $3::integer IS NOT NULL",
        "UPDATE document d SET chunk_count = g.chunk_count, term_count = g.term_count
         FROM staged g
         WHERE g.document_id = d.id AND g.collection_id = $1 AND g.space_id = $3
             AND $2::integer IS NOT NULL",
        "DELETE FROM staged
         WHERE collection_id = $1 AND space_id = $3 AND $2::integer IS NOT NULL",
        "UPDATE collection c SET space_id = $3, chunk_count = d.chunk_count,
             term_count = d.term_count
         FROM (SELECT coalesce(sum(chunk_count), 0)::bigint AS chunk_count,
                   coalesce(sum(term_count), 0)::bigint AS term_count
               FROM document WHERE collection_id = $1) d
         WHERE c.id = $1 AND $2::integer IS NOT NULL",
    ] {
        let statement = sql(statement).bind(collection).bind(old.id).bind(new.id);
        session.execute(statement).await?;
    }
    Ok(true)
}

pub(super) async fn drop_staged(
    session: &mut Session,
    name: &CollectionName,
) -> Result<u64, Failure> {
    // Nobody stages anything meanwhile.
    let collection = collection::id_alone(session, name).await?;
    let select = built(format!(
        "SELECT {SPACE_COLUMNS} FROM space s
         WHERE s.id IN (SELECT space_id FROM staged WHERE collection_id = $1)"
    ));
    let spaces = session
        .each(select.bind(collection), |row| vector_table::read(row, 0))
        .await?;
    for space in spaces {
        let delete = built(format!(
            "DELETE FROM {} WHERE collection_id = $1",
            space.table()
        ));
        session.execute(delete.bind(collection)).await?;
    }
    for delete in [
        "DELETE FROM chunk k USING staged g WHERE g.collection_id = $1
             AND k.document_id = g.document_id AND k.space_id = g.space_id",
        "DELETE FROM staged_word w USING staged g WHERE g.collection_id = $1
             AND w.document_id = g.document_id AND w.space_id = g.space_id",
    ] {
        session.execute(sql(delete).bind(collection)).await?;
    }
    let delete = sql("DELETE FROM staged WHERE collection_id = $1");
    session.execute(delete.bind(collection)).await
}

/// The space of a collection that is there.
async fn space_of(
    session: &mut Session,
    collection: i64,
) -> Result<(Space, EmbeddingSpace), Failure> {
    let select = built(format!(
        "SELECT {SPACE_COLUMNS}, s.model, s.dimensions FROM collection c
         JOIN space s ON s.id = c.space_id WHERE c.id = $1"
    ));
    let found = session.one(select.bind(collection)).await?;
    Ok((vector_table::read(&found, 0)?, row::space(&found, 3)?))
}
