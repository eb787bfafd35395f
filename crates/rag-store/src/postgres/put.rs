//! Putting a document in, or swapping it for the one that is there.

use rag_core::model::{ContentHash, DocumentInfo, EmbeddedChunk, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{Expect, PutOutcome, StoreError};
use serde_json::Value;

use super::document;
use super::error::Failure;
use super::lexeme;
use super::row;
use super::session::{Session, built, sql};
use super::text::kept;
use super::vector_table::{self, SPACE_COLUMNS, Space};
use crate::{admit, metadata_keys};

/// How many chunks one statement takes: some megabytes.
const BATCH_CHUNKS: usize = 250;

/// Where a document goes.
struct Home {
    collection: i64,
    space: Space,
    embedding: EmbeddingSpace,
}

/// Where the chunks of a document go.
pub(super) enum Place<'space> {
    /// Where they are found.
    Found(&'space Space),
    /// Where they are staged.
    Staged(&'space Space),
}

/// The caller has the lock of the document. The flag says that the space's table
/// has grown to where it needs an index.
pub(super) async fn put(
    session: &mut Session,
    embedded: &EmbeddedDocument,
    space: &EmbeddingSpace,
    expect: Expect,
) -> Result<(PutOutcome, Option<i32>), Failure> {
    let info = &embedded.document.info;
    let home = home(session, info).await?;
    admit::vectors(embedded, space, &info.collection, &home.embedding)?;
    let there =
        document::of_id_or_source(session, info.id, home.collection, &info.source_uri).await?;
    let present = there.iter().find(|there| there.id == info.id);
    let twin = there.iter().find(|there| there.id != info.id);
    admit::expected(info, present, twin, expect)?;
    // Everything that belongs to it goes with it.
    let replaced_term_count: i64 = match present {
        Some(_) => {
            let delete = sql("DELETE FROM document WHERE id = $1 RETURNING term_count");
            row::get(&session.one(delete.bind(info.id.as_i64())).await?, 0)?
        }
        None => 0,
    };
    let revision = present.map_or(1, |present| present.revision + 1);
    let created_at = present.map_or(info.created_at, |present| present.created_at);
    let stored = DocumentInfo {
        revision,
        created_at,
        ..info.clone()
    };
    insert_document(session, &stored, embedded, &home).await?;
    insert_chunks(
        session,
        embedded,
        home.collection,
        &Place::Found(&home.space),
    )
    .await?;
    let replaced_chunk_count = present.map(|present| present.chunk_count);
    let outcome = PutOutcome {
        revision,
        replaced_chunk_count,
    };
    let chunk_count = count(session, &home, embedded, &outcome, replaced_term_count).await?;
    let needs_index = !home.space.is_indexed && chunk_count >= vector_table::INDEXED_CHUNKS_MIN;
    Ok((outcome, needs_index.then_some(home.space.id)))
}

/// The collection that a document goes to, which stays for as long as the
/// transaction lasts.
async fn home(session: &mut Session, info: &DocumentInfo) -> Result<Home, Failure> {
    let select = built(format!(
        "SELECT c.id, {SPACE_COLUMNS}, s.model, s.dimensions
         FROM collection c JOIN space s ON s.id = c.space_id
         WHERE c.name = $1 FOR KEY SHARE OF c"
    ));
    let found = session.row(select.bind(info.collection.as_str())).await?;
    let found = found.ok_or_else(|| StoreError::NoCollection(info.collection.clone()))?;
    Ok(Home {
        collection: row::get(&found, 0)?,
        space: vector_table::read(&found, 1)?,
        embedding: row::space(&found, 4)?,
    })
}

async fn insert_document(
    session: &mut Session,
    info: &DocumentInfo,
    embedded: &EmbeddedDocument,
    home: &Home,
) -> Result<(), Failure> {
    let text = &embedded.document.text;
    let insert = sql("WITH d AS (
             INSERT INTO document (id, collection_id, revision, chunk_count, term_count,
                 size_bytes, created_at, updated_at, content_hash, source_hash, media_type, title,
                 source_uri, metadata, metadata_keys)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::text::json, $15))
         INSERT INTO document_text (document_id, text) VALUES ($1, $16)");
    let insert = insert
        .bind(info.id.as_i64())
        .bind(home.collection)
        .bind(info.revision.cast_signed())
        .bind(small(embedded.chunks.len()))
        .bind(term_count(&embedded.chunks))
        .bind(number(text.len()))
        .bind(info.created_at.as_microsecond())
        .bind(info.updated_at.as_microsecond())
        .bind(info.content_hash.0.to_vec())
        .bind(ContentHash::of(&info.source_uri).0.to_vec())
        .bind(info.media_type.as_str())
        .bind(kept(&info.title))
        .bind(kept(&info.source_uri))
        .bind(Value::Object(info.metadata.clone()).to_string())
        .bind(metadata_keys::keys(&info.metadata))
        .bind(kept(text));
    session.execute(insert).await?;
    Ok(())
}

/// Writes the chunks of a document that is there.
pub(super) async fn insert_chunks(
    session: &mut Session,
    embedded: &EmbeddedDocument,
    collection: i64,
    place: &Place<'_>,
) -> Result<(), Failure> {
    let (space, words) = match place {
        Place::Found(space) => (
            space,
            "word (document_id, index, term_count, collection_id, words)
             SELECT $1, r.index, r.term_count, $3::bigint,",
        ),
        Place::Staged(space) => (
            space,
            "staged_word (document_id, index, term_count, space_id, words)
             SELECT $1, r.index, r.term_count, $2::integer,",
        ),
    };
    let (table, vector, dimensions) = (space.table(), space.vector(), space.dimensions);
    for chunks in embedded.chunks.chunks(BATCH_CHUNKS) {
        let insert = built(format!(
            "WITH r AS MATERIALIZED (
                 SELECT * FROM unnest($4::int[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bytea[], $10::text[], $11::text[], $12::int[], $13::text[])
                     WITH ORDINALITY r (index, byte_start, byte_end, char_start, char_end, hash,
                         heading_path, text, term_count, words, number)
             ), k AS (
                 INSERT INTO chunk (document_id, space_id, index, byte_start, byte_end,
                     char_start, char_end, hash, heading_path, text)
                 SELECT $1, $2, r.index, r.byte_start, r.byte_end, r.char_start, r.char_end,
                     r.hash, r.heading_path::json, r.text FROM r
             ), w AS (
                 INSERT INTO {words} array_to_tsvector(string_to_array(r.words, ' ')) FROM r
             )
             INSERT INTO {table} (document_id, collection_id, index, embedding)
             SELECT $1, $3, r.index,
                 ($14::real[])[(r.number - 1) * {dimensions} + 1 : r.number * {dimensions}]::{vector}
             FROM r"
        ));
        let each = |of: fn(&EmbeddedChunk) -> i64| chunks.iter().map(of).collect::<Vec<i64>>();
        let texts = |of: fn(&EmbeddedChunk) -> String| chunks.iter().map(of).collect::<Vec<_>>();
        let indexes = chunks.iter().map(|chunk| chunk.chunk.index.cast_signed());
        let term_counts = chunks.iter().map(|chunk| small(chunk.terms.len()));
        let hashes = chunks.iter().map(|chunk| chunk.hash.0.to_vec());
        let vectors = chunks.iter().flat_map(|chunk| chunk.vector.iter().copied());
        let insert = insert
            .bind(embedded.document.info.id.as_i64())
            .bind(space.id)
            .bind(collection)
            .bind(indexes.collect::<Vec<i32>>())
            .bind(each(|chunk| number(chunk.chunk.span.start)))
            .bind(each(|chunk| number(chunk.chunk.span.end)))
            .bind(each(|chunk| number(chunk.chunk.span.char_start)))
            .bind(each(|chunk| number(chunk.chunk.span.char_end)))
            .bind(hashes.collect::<Vec<_>>())
            .bind(texts(|chunk| {
                Value::from(chunk.chunk.heading_path.clone()).to_string()
            }))
            .bind(texts(|chunk| kept(&chunk.chunk.text).into_owned()))
            .bind(term_counts.collect::<Vec<i32>>())
            .bind(texts(lexeme::of_chunk))
            .bind(vectors.collect::<Vec<f32>>());
        session.execute(insert).await?;
    }
    Ok(())
}

/// Keeps the collection's counts right, last, since others wait from there. Gives
/// how many chunks the collections of the space have now.
async fn count(
    session: &mut Session,
    home: &Home,
    embedded: &EmbeddedDocument,
    outcome: &PutOutcome,
    replaced_term_count: i64,
) -> Result<i64, Failure> {
    let update = sql("UPDATE collection SET document_count = document_count + $2,
             chunk_count = chunk_count + $3, term_count = term_count + $4
         WHERE id = $1
         RETURNING (SELECT sum(o.chunk_count)::bigint FROM collection o
             WHERE o.space_id = collection.space_id)");
    let replaced = outcome.replaced_chunk_count;
    let added = number(embedded.chunks.len()) - i64::from(replaced.unwrap_or(0));
    let update = update
        .bind(home.collection)
        .bind(i64::from(replaced.is_none()))
        .bind(added)
        .bind(term_count(&embedded.chunks) - replaced_term_count);
    let before: i64 = row::get(&session.one(update).await?, 0)?;
    Ok(before + added)
}

/// How many terms chunks have together.
pub(super) fn term_count(chunks: &[EmbeddedChunk]) -> i64 {
    chunks.iter().map(|chunk| number(chunk.terms.len())).sum()
}

/// A number of chunks, or of a chunk's terms, as PostgreSQL has it.
pub(super) fn small(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A size as PostgreSQL has it.
fn number(size: usize) -> i64 {
    i64::try_from(size).expect("what is in memory has fewer than 2^63 bytes")
}
