//! Documents in the database: reading, listing and removing them.

use rag_core::model::{
    CollectionName, ContentHash, Document, DocumentId, DocumentInfo, Filter, Metadata, contains,
};
use rag_core::port::{DeletedDocument, DocumentPage};

use super::collection;
use super::error::Failure;
use super::filter::Condition;
use super::row::{self, DOCUMENT_COLUMNS, sql_number};
use super::session::{Session, built, sql};

/// Where the columns of [`DOCUMENT_COLUMNS`] come from.
const DOCUMENTS: &str = "document d JOIN collection c ON c.id = d.collection_id";

pub(super) async fn with_text(
    session: &mut Session,
    id: DocumentId,
) -> Result<Option<Document>, Failure> {
    let select = built(format!(
        "SELECT {DOCUMENT_COLUMNS}, t.text FROM {DOCUMENTS}
         LEFT JOIN document_text t ON t.document_id = d.id WHERE d.id = $1"
    ));
    let Some(row) = session.row(select.bind(id.as_i64())).await? else {
        return Ok(None);
    };
    let text = row::optional(&row, 12, row::text)?;
    let text = text.ok_or_else(|| Failure::Damaged(format!("document `{id}` has no text")))?;
    Ok(Some(Document {
        info: row::document(&row)?,
        text,
    }))
}

pub(super) async fn of_source(
    session: &mut Session,
    collection: &CollectionName,
    source_uri: &str,
) -> Result<Option<DocumentInfo>, Failure> {
    let collection = collection::id(session, collection).await?;
    let select = built(format!(
        "SELECT {DOCUMENT_COLUMNS} FROM {DOCUMENTS}
         WHERE d.collection_id = $1 AND d.source_hash = $2"
    ));
    let select = select
        .bind(collection)
        .bind(ContentHash::of(source_uri).0.to_vec());
    let found = session.row(select).await?;
    found.as_ref().map(row::document).transpose()
}

/// The document of that id, and any other of that source.
pub(super) async fn of_id_or_source(
    session: &mut Session,
    id: DocumentId,
    collection: i64,
    source_uri: &str,
) -> Result<Vec<DocumentInfo>, Failure> {
    let select = built(format!(
        "SELECT {DOCUMENT_COLUMNS} FROM {DOCUMENTS}
         WHERE d.id = $1 OR d.collection_id = $2 AND d.source_hash = $3"
    ));
    let select = select
        .bind(id.as_i64())
        .bind(collection)
        .bind(ContentHash::of(source_uri).0.to_vec());
    session.each(select, row::document).await
}

/// Documents by their ids, in no order.
pub(super) async fn some(
    session: &mut Session,
    ids: &[DocumentId],
) -> Result<Vec<DocumentInfo>, Failure> {
    let select = built(format!(
        "SELECT {DOCUMENT_COLUMNS} FROM {DOCUMENTS} WHERE d.id = ANY ($1)"
    ));
    let ids: Vec<i64> = ids.iter().map(|id| id.as_i64()).collect();
    session.each(select.bind(ids), row::document).await
}

pub(super) async fn page(
    session: &mut Session,
    filter: &Filter,
    offset: usize,
    limit: usize,
) -> Result<DocumentPage, Failure> {
    let condition = Condition::new(session, filter).await?;
    match &condition.unsure {
        None => sure_page(session, &condition, offset, limit).await,
        Some(wanted) => checked_page(session, &condition, wanted, offset, limit).await,
    }
}

/// A page of the documents that pass by their rows alone.
async fn sure_page(
    session: &mut Session,
    condition: &Condition,
    offset: usize,
    limit: usize,
) -> Result<DocumentPage, Failure> {
    let total = match condition.has_metadata() {
        true => {
            let count = built(format!(
                "SELECT count(*) FROM document d WHERE {}",
                condition.on_document(1)
            ));
            session.one(condition.bind_document(count)).await?
        }
        // Collections count their documents.
        false => {
            let sum = sql(
                "SELECT coalesce(sum(document_count), 0)::bigint FROM collection
                 WHERE cardinality($1) = 0 OR id = ANY ($1)",
            );
            session.one(sum.bind(condition.collections.clone())).await?
        }
    };
    let total = row::number(&total, 0)?;
    let select = built(format!(
        "SELECT {DOCUMENT_COLUMNS} FROM {DOCUMENTS} WHERE {}
         ORDER BY d.updated_at DESC, d.id LIMIT $1 OFFSET $2",
        condition.on_document(3)
    ));
    let select = select.bind(sql_number(limit)).bind(sql_number(offset));
    let select = condition.bind_document(select);
    Ok(DocumentPage {
        documents: session.each(select, row::document).await?,
        total,
    })
}

/// A page of the documents that pass and whose metadata contain `wanted`.
async fn checked_page(
    session: &mut Session,
    condition: &Condition,
    wanted: &Metadata,
    offset: usize,
    limit: usize,
) -> Result<DocumentPage, Failure> {
    let select = built(format!(
        "SELECT d.id, d.metadata::text FROM document d WHERE {}
         ORDER BY d.updated_at DESC, d.id",
        condition.on_document(1)
    ));
    let mut passing = Vec::new();
    session
        .stream(condition.bind_document(select), |row| {
            if contains(&row::metadata(row, 1)?, wanted) {
                passing.push(row::document_id(row, 0)?);
            }
            Ok(())
        })
        .await?;
    let total = passing.len() as u64;
    let ids: Vec<DocumentId> = passing.into_iter().skip(offset).take(limit).collect();
    let mut documents = some(session, &ids).await?;
    documents.sort_by_key(|info| (std::cmp::Reverse(info.updated_at), info.id));
    Ok(DocumentPage { documents, total })
}

pub(super) async fn ids(
    session: &mut Session,
    collection: &CollectionName,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<DocumentId>, Failure> {
    let collection = collection::id(session, collection).await?;
    let select =
        sql("SELECT id FROM document WHERE collection_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    let select = select
        .bind(collection)
        .bind(after.map_or(-1, DocumentId::as_i64))
        .bind(sql_number(limit));
    session.each(select, |row| row::document_id(row, 0)).await
}

/// The caller has the lock of the document.
pub(super) async fn delete(
    session: &mut Session,
    id: DocumentId,
) -> Result<Option<DeletedDocument>, Failure> {
    // The collection first, as every other write does it.
    let select = sql("SELECT d.title, c.name, d.chunk_count, c.id FROM document d
         JOIN collection c ON c.id = d.collection_id WHERE d.id = $1 FOR KEY SHARE OF c");
    let Some(found) = session.row(select.bind(id.as_i64())).await? else {
        return Ok(None);
    };
    let delete = sql(
        "WITH gone AS (DELETE FROM document WHERE id = $1 RETURNING chunk_count, term_count)
         UPDATE collection c
         SET document_count = c.document_count - 1, chunk_count = c.chunk_count - gone.chunk_count,
             term_count = c.term_count - gone.term_count
         FROM gone WHERE c.id = $2",
    );
    let collection: i64 = row::get(&found, 3)?;
    session
        .execute(delete.bind(id.as_i64()).bind(collection))
        .await?;
    Ok(Some(DeletedDocument {
        title: row::text(&found, 0)?,
        collection: row::name(&found, 1)?,
        chunk_count: row::index(&found, 2)?,
    }))
}
