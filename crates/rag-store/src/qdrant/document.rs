//! Documents: their records, read, listed and removed.
//!
//! The record of a document names the revision that is read: its text and its
//! chunks are points of their own, which carry the token of the attempt that
//! wrote them. What no record names is not there for any reader.

use std::collections::HashMap;

use qdrant_client::qdrant::{Condition, Filter, PointId, Value};
use rag_core::model::{
    CollectionName, ContentHash, Document, DocumentId, DocumentInfo, EmbeddingSpace, MediaType,
};
use rag_core::port::{DeletedDocument, WholeDocument};

use super::failure::Failure;
use super::home::{self, Home, TRIES_MAX, busy};
use super::points::Fields;
use super::row::{Payload, Row, number, numbers, payload, time};
use super::server::Server;
use super::{chunk, record, space, text, token};
use crate::metadata_keys;

/// How often a document is read again that was replaced while it was read.
pub(super) const READS_MAX: usize = 32;

/// How often the same revision may turn out not to be whole before it is taken
/// for damaged: one that was replaced has another token the next time.
const SAME_READS_MAX: usize = 3;

/// A document as it is recorded.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// All but how many chunks it has, which depends on the space.
    info: DocumentInfo,
    /// The collection it was put in.
    pub(super) home: String,
    /// What wrote its text, and in how many pieces.
    pub(super) text: String,
    pub(super) piece_count: u32,
    /// Its record as it was read.
    pub(super) seen: Payload,
}

/// How a document is cut in a space.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cut {
    /// What wrote the chunks.
    pub(super) token: String,
    pub(super) chunk_count: u32,
}

/// A document that is there, with its collection.
#[derive(Clone, Debug)]
pub(super) struct Present {
    pub(super) kept: Kept,
    pub(super) home: Home,
}

impl Kept {
    /// The document in a record, unless it was removed.
    pub(super) fn read(seen: &Payload) -> Result<Option<Self>, Failure> {
        let row = Row(seen);
        if row.text("kind")? != "document" {
            return Ok(None);
        }
        let info = DocumentInfo {
            id: id(row)?,
            collection: row.name("collection")?,
            title: row.text("title")?.to_owned(),
            source_uri: row.text("source_uri")?.to_owned(),
            media_type: MediaType::from_name(row.text("media_type")?),
            metadata: row.metadata("metadata")?,
            content_hash: row.hash("content_hash")?,
            size_bytes: row.number("size_bytes")?,
            chunk_count: 0,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            revision: row.number("revision")?,
        };
        Ok(Some(Kept {
            info,
            home: row.text("home")?.to_owned(),
            text: row.text("text")?.to_owned(),
            piece_count: row.number("piece_count")?,
            seen: seen.clone(),
        }))
    }

    /// How it is cut in a space, if it is.
    pub(super) fn cut(&self, space: &str) -> Result<Option<Cut>, Failure> {
        let row = Row(&self.seen);
        let Some(token) = row.maybe_text(&format!("token_{space}")) else {
            return Ok(None);
        };
        Ok(Some(Cut {
            token: token.to_owned(),
            chunk_count: row.number(&format!("chunks_{space}"))?,
        }))
    }

    /// The keys of the spaces that it is cut in.
    pub(super) fn spaces(&self) -> Vec<&str> {
        Row(&self.seen).texts("spaces")
    }

    /// What is told of it where `space` is the space of its collection.
    pub(super) fn info(&self, space: &str) -> Result<DocumentInfo, Failure> {
        let cut = self.cut(space)?;
        Ok(DocumentInfo {
            chunk_count: cut.map_or(0, |cut| cut.chunk_count),
            ..self.info.clone()
        })
    }
}

impl Present {
    pub(super) fn info(&self) -> Result<DocumentInfo, Failure> {
        self.kept.info(&self.home.space)
    }

    /// How it is cut where it is found; in no chunks where it never was.
    pub(super) fn cut(&self) -> Result<Cut, Failure> {
        let cut = self.kept.cut(&self.home.space)?;
        Ok(cut.unwrap_or(Cut {
            token: String::new(),
            chunk_count: 0,
        }))
    }
}

/// The record of a document, but for what it has in spaces.
pub(super) fn fields(info: &DocumentInfo, home: &str, text: &str, piece_count: usize) -> Payload {
    let metadata = serde_json::Value::Object(info.metadata.clone()).to_string();
    payload([
        ("kind", Value::from("document")),
        ("id", number(info.id.as_i64())),
        ("home", Value::from(home)),
        ("collection", Value::from(info.collection.as_str())),
        ("title", Value::from(info.title.as_str())),
        ("source", Value::from(source(&info.source_uri))),
        ("source_uri", Value::from(info.source_uri.as_str())),
        ("media_type", Value::from(info.media_type.as_str())),
        ("metadata", Value::from(metadata)),
        ("keys", numbers(metadata_keys::keys(&info.metadata))),
        ("content_hash", Value::from(info.content_hash.to_string())),
        ("size_bytes", number(info.size_bytes)),
        ("created_at", time(info.created_at)),
        ("updated_at", time(info.updated_at)),
        ("revision", number(info.revision)),
        ("text", Value::from(text)),
        ("piece_count", number(piece_count)),
    ])
}

/// What a source is looked up by: an index holds no long keys.
fn source(uri: &str) -> String {
    ContentHash::of(uri).to_string()
}

pub(super) fn id(row: Row<'_>) -> Result<DocumentId, Failure> {
    DocumentId::from_i64(row.number("id")?)
        .ok_or_else(|| Failure::Damaged("a document has a negative id".to_owned()))
}

/// The documents of these ids that are there.
pub(super) async fn present(
    server: &Server,
    ids: impl Iterator<Item = DocumentId>,
) -> Result<HashMap<DocumentId, Present>, Failure> {
    let ids: Vec<PointId> = ids.map(token::document).collect();
    let found = server.get(server.records(), &ids, Fields::All, &[]);
    let mut kept = Vec::new();
    for point in found.await? {
        kept.extend(Kept::read(&point.payload)?);
    }
    let names = kept.iter().map(|kept| &kept.info.collection);
    let homes = home::named(server, names).await?;
    let with_home = kept.into_iter().filter_map(|kept| {
        let home = homes.get(&kept.info.collection)?;
        let home = (home.key == kept.home).then(|| home.clone())?;
        Some((kept.info.id, Present { kept, home }))
    });
    Ok(with_home.collect())
}

/// The document of that id, if it is there.
pub(super) async fn one(server: &Server, id: DocumentId) -> Result<Option<Present>, Failure> {
    let mut found = present(server, std::iter::once(id)).await?;
    Ok(found.remove(&id))
}

/// Keeps count of readings of a document that was not whole.
#[derive(Default)]
pub(super) struct Rereads {
    token: String,
    same: usize,
    all: usize,
}

impl Rereads {
    /// Fails when what `token` names was not whole too often.
    pub(super) fn note(&mut self, id: DocumentId, token: &str) -> Result<(), Failure> {
        self.same = if self.token == token {
            self.same + 1
        } else {
            1
        };
        self.all += 1;
        token.clone_into(&mut self.token);
        if self.same >= SAME_READS_MAX {
            let message = format!("document `{id}` has not all its text and chunks");
            return Err(Failure::Damaged(message));
        }
        if self.all >= READS_MAX {
            return Err(busy(&format!("document `{id}`")));
        }
        Ok(())
    }
}

pub(super) async fn with_text(
    server: &Server,
    id: DocumentId,
) -> Result<Option<Document>, Failure> {
    let mut rereads = Rereads::default();
    loop {
        let Some(found) = one(server, id).await? else {
            return Ok(None);
        };
        if let Some(text) = text::read(server, &found.kept).await? {
            let info = found.info()?;
            return Ok(Some(Document { info, text }));
        }
        rereads.note(id, &found.kept.text)?;
    }
}

pub(super) async fn whole(
    server: &Server,
    id: DocumentId,
) -> Result<Option<WholeDocument>, Failure> {
    let mut rereads = Rereads::default();
    loop {
        let Some(found) = one(server, id).await? else {
            return Ok(None);
        };
        let cut = found.cut()?;
        let chunks = chunk::with_vectors(server, &found.home.space, &cut).await?;
        let text = text::read(server, &found.kept).await?;
        if let (Some(chunks), Some(text)) = (chunks, text) {
            let info = found.info()?;
            return Ok(Some(WholeDocument {
                document: Document { info, text },
                space: found.home.collection.space,
                chunks,
            }));
        }
        rereads.note(id, &cut.token)?;
    }
}

pub(super) async fn of_source(
    server: &Server,
    collection: &CollectionName,
    source_uri: &str,
) -> Result<Option<DocumentInfo>, Failure> {
    let home = home::one(server, collection).await?;
    let kept = in_home(server, &home, source_uri).await?;
    kept.map(|kept| kept.info(&home.space)).transpose()
}

/// The document that a collection keeps for a source.
pub(super) async fn in_home(
    server: &Server,
    home: &Home,
    source_uri: &str,
) -> Result<Option<Kept>, Failure> {
    let filter = Filter::must([
        Condition::matches("kind", "document".to_owned()),
        Condition::matches("home", home.key.clone()),
        Condition::matches("source", source(source_uri)),
    ]);
    let found = server.scroll(server.records(), &filter, None, 1, Fields::All);
    match found.await?.pop() {
        Some(point) => Kept::read(&point.payload),
        None => Ok(None),
    }
}

/// Ids above `after` of the documents of a home, rising; with `unstaged` only
/// of those that are not cut in that space.
pub(super) async fn ids(
    server: &Server,
    home: &Home,
    unstaged: Option<&EmbeddingSpace>,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<DocumentId>, Failure> {
    let mut conditions = vec![
        Condition::matches("kind", "document".to_owned()),
        Condition::matches("home", home.key.clone()),
    ];
    // In a space that is not there nothing is staged, and nothing is indexed.
    if let Some(space) = unstaged
        && space::is_there(server, space).await?
    {
        let field = super::totals::field(&space::key(space));
        conditions.push(Condition::is_empty(field));
    }
    let first = after.map_or(0, |after| after.as_i64().unsigned_abs() + 1);
    let filter = Filter::must(conditions);
    let found = server.scroll(
        server.records(),
        &filter,
        Some(PointId::from(first)),
        limit,
        Fields::Only(&["id"]),
    );
    let found = found.await?;
    found.iter().map(|point| id(Row(&point.payload))).collect()
}

pub(super) async fn delete(
    server: &Server,
    id: DocumentId,
) -> Result<Option<DeletedDocument>, Failure> {
    for _ in 0..TRIES_MAX {
        let Some(found) = one(server, id).await? else {
            return Ok(None);
        };
        let _within = server
            .locks
            .within(found.home.collection.name.as_str())
            .await;
        let _alone = server.locks.one(id).await;
        if record::remove(server, &token::document(id), &found.kept.seen).await? {
            server.totals.forget();
            forget(server, &found.kept).await;
            let info = found.info()?;
            return Ok(Some(DeletedDocument {
                title: info.title,
                collection: info.collection,
                chunk_count: info.chunk_count,
            }));
        }
    }
    Err(busy(&format!("document `{id}`")))
}

/// Takes out of Qdrant what a record named that is not there any more. What
/// stays after a failure is nobody's, and left to the sweep.
pub(super) async fn forget(server: &Server, kept: &Kept) {
    let mut done = text::forget(server, &kept.text).await;
    for space in kept.spaces() {
        if let Ok(Some(cut)) = kept.cut(space) {
            done = done.and(chunk::forget(server, space, &cut.token).await);
        }
    }
    if let Err(failure) = done {
        tracing::warn!(
            "what document `{}` was before is left over: {failure:?}",
            kept.info.id
        );
    }
}
