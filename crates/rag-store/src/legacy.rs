//! Reads the PostgreSQL database of the first prior system, so that its documents
//! can be taken over. It is only ever read: each transaction is READ ONLY.
//!
//! Where its tables are and whether they are all there is told by `legacy/open`,
//! what its rows mean by `legacy/row`. What becomes of them is left to the caller.

mod open;
mod row;

use async_trait::async_trait;
use rag_core::port::{
    LegacyChunk, LegacyCollection, LegacyDocument, LegacyError, LegacyPage, LegacySource,
    LegacyWanted,
};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{Postgres, Row, Transaction};

use row::{Header, collection, header};

/// How many documents are looked at for one page.
const PAGE_ROWS: i64 = 100;
/// How much text a page has, unless one document alone has more.
const PAGE_BYTES_MAX: u64 = 8 << 20;
/// How many chunks are read at once.
const CHUNK_ROWS: i64 = 500;
/// The most chunks one document may have.
const CHUNKS_MAX: usize = 100_000;
/// The most collections there may be.
const COLLECTIONS_MAX: i64 = 10_000;

/// How each transaction begins. A pooler may give it any session, so that what it
/// needs is set in it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL statement_timeout = '5min'; \
    SET LOCAL idle_in_transaction_session_timeout = '5min'";

/// The database of the first prior system.
pub struct LegacyPostgres {
    pool: PgPool,
    location: String,
    time_zone: String,
}

#[async_trait]
impl LegacySource for LegacyPostgres {
    fn location(&self) -> &str {
        &self.location
    }

    fn time_zone(&self) -> &str {
        &self.time_zone
    }

    async fn collections(&self) -> Result<Vec<LegacyCollection>, LegacyError> {
        let read = async {
            let mut reading = self.begin_in_zone().await?;
            let query = sqlx::query(
                "SELECT c.id::bigint AS id, c.name::text AS name,
                     c.description::text AS description,
                     CASE WHEN isfinite(c.created_at)
                         THEN (extract(epoch FROM c.created_at::timestamptz) * 1000000)::bigint
                     END AS created_at
                 FROM collections c ORDER BY c.name, c.id LIMIT $1",
            );
            let rows = query.bind(COLLECTIONS_MAX).persistent(false);
            let rows = rows.fetch_all(&mut *reading).await?;
            reading.commit().await?;
            rows.iter()
                .map(collection)
                .collect::<Result<_, sqlx::Error>>()
        };
        read.await
            .map_err(|error| self.failed("collections", error))
    }

    async fn document_count(&self) -> Result<u64, LegacyError> {
        let read = async {
            let mut reading = self.pool.begin_with(BEGIN).await?;
            let query = sqlx::query("SELECT count(*) FROM source_documents").persistent(false);
            let count: i64 = query.fetch_one(&mut *reading).await?.try_get(0)?;
            reading.commit().await?;
            Ok(u64::try_from(count).unwrap_or_default())
        };
        read.await.map_err(|error| self.failed("documents", error))
    }

    async fn documents(
        &self,
        wanted: &LegacyWanted,
        before: Option<i64>,
    ) -> Result<LegacyPage, LegacyError> {
        let read = async {
            let mut reading = self.begin_in_zone().await?;
            let headers = headers(&mut reading, before).await?;
            let all = headers.len();
            let (seen, chosen) = choose(headers, wanted);
            let more = seen.len() < all || i64::try_from(all).unwrap_or(PAGE_ROWS) == PAGE_ROWS;
            let documents = texts(&mut reading, chosen, wanted).await?;
            reading.commit().await?;
            Ok(LegacyPage {
                documents,
                seen: seen.len() as u64,
                before: seen.last().copied().filter(|_| more),
            })
        };
        read.await.map_err(|error| self.failed("documents", error))
    }

    async fn chunks(&self, document: i64) -> Result<Vec<LegacyChunk>, LegacyError> {
        let read = async {
            let mut reading = self.pool.begin_with(BEGIN).await?;
            let mut chunks = Vec::new();
            let mut after = i64::MIN;
            while chunks.len() < CHUNKS_MAX {
                let rows = chunk_rows(&mut reading, document, after).await?;
                let Some(last) = rows.last() else { break };
                after = last.try_get("chunk_index")?;
                for row in &rows {
                    chunks.push(row::chunk(row)?);
                }
            }
            reading.commit().await?;
            Ok(chunks)
        };
        read.await.map_err(|error| self.failed("chunks", error))
    }
}

impl LegacyPostgres {
    /// A transaction in which a time without a zone is one of the zone there.
    async fn begin_in_zone(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let mut reading = self.pool.begin_with(BEGIN).await?;
        let query = sqlx::query("SELECT set_config('TimeZone', $1, true)").persistent(false);
        query.bind(&self.time_zone).fetch_one(&mut *reading).await?;
        Ok(reading)
    }

    fn failed(&self, what: &str, error: sqlx::Error) -> LegacyError {
        LegacyError::Unavailable {
            action: format!("read the {what} of {}", self.location),
            source: error.into(),
        }
    }
}

/// The next documents, by falling id, without their texts.
async fn headers(
    reading: &mut Transaction<'static, Postgres>,
    before: Option<i64>,
) -> Result<Vec<Header>, sqlx::Error> {
    let query = sqlx::query(
        "SELECT d.id::bigint AS id, d.filename::text AS filename, d.file_type::text AS file_type,
             octet_length(d.content)::bigint AS bytes,
             CASE WHEN octet_length(d.metadata::text) <= $3 THEN d.metadata::text END AS metadata,
             d.metadata IS NULL AS metadata_missing,
             CASE WHEN isfinite(d.created_at)
                 THEN (extract(epoch FROM d.created_at::timestamptz) * 1000000)::bigint
             END AS created_at,
             CASE WHEN isfinite(d.updated_at)
                 THEN (extract(epoch FROM d.updated_at::timestamptz) * 1000000)::bigint
             END AS updated_at,
             ARRAY(SELECT DISTINCT k.collection_id::bigint
                 FROM document_chunks c JOIN chunk_collections k ON k.chunk_id = c.id
                 WHERE c.source_document_id = d.id) AS collections
         FROM source_documents d WHERE d.id < $1 ORDER BY d.id DESC LIMIT $2",
    );
    let rows = query
        .bind(before.unwrap_or(i64::MAX))
        .bind(PAGE_ROWS)
        .bind(row::METADATA_BYTES_MAX)
        .persistent(false)
        .fetch_all(&mut **reading)
        .await?;
    rows.iter().map(header).collect()
}

/// The ids of as many documents as fit a page, and the wanted ones among them.
fn choose(headers: Vec<Header>, wanted: &LegacyWanted) -> (Vec<i64>, Vec<Header>) {
    let (mut seen, mut chosen) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for header in headers {
        let is_wanted = match header.collections.is_empty() {
            true => wanted.orphans,
            false => !header.collections.is_disjoint(&wanted.collections),
        };
        if is_wanted {
            if header.bytes <= wanted.text_bytes_max {
                bytes += header.bytes;
            }
            if bytes > PAGE_BYTES_MAX && !chosen.is_empty() {
                break;
            }
            seen.push(header.id);
            chosen.push(header);
        } else {
            seen.push(header.id);
        }
    }
    (seen, chosen)
}

/// The documents of headers, each with its text unless that is too long.
async fn texts(
    reading: &mut Transaction<'static, Postgres>,
    headers: Vec<Header>,
    wanted: &LegacyWanted,
) -> Result<Vec<LegacyDocument>, sqlx::Error> {
    let short = headers
        .iter()
        .filter(|header| header.bytes <= wanted.text_bytes_max);
    let ids: Vec<i64> = short.map(|header| header.id).collect();
    let query = sqlx::query(
        "SELECT id::bigint AS id, content FROM source_documents WHERE id = ANY($1::bigint[])",
    );
    let rows = match ids.is_empty() {
        true => Vec::new(),
        false => {
            let query = query.bind(ids).persistent(false);
            query.fetch_all(&mut **reading).await?
        }
    };
    let mut texts = std::collections::HashMap::with_capacity(rows.len());
    for row in rows {
        texts.insert(row.try_get::<i64, _>("id")?, row.try_get("content")?);
    }
    let with_text = |header: Header| {
        let text = texts.remove(&header.id);
        header.with_text(text)
    };
    Ok(headers.into_iter().map(with_text).collect())
}

/// The next chunks of a document, by index.
async fn chunk_rows(
    reading: &mut Transaction<'static, Postgres>,
    document: i64,
    after: i64,
) -> Result<Vec<PgRow>, sqlx::Error> {
    // The cast finds `vector` in whichever schema it is, and takes arrays too.
    let query = sqlx::query(
        "SELECT chunk_index::bigint AS chunk_index, content, embedding::real[] AS embedding
         FROM document_chunks WHERE source_document_id = $1 AND chunk_index > $2
         ORDER BY chunk_index LIMIT $3",
    );
    query
        .bind(document)
        .bind(after)
        .bind(CHUNK_ROWS)
        .persistent(false)
        .fetch_all(&mut **reading)
        .await
}
