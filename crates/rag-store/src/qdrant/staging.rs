//! Collections in two embedding spaces: staging, switching and dropping.
//!
//! A document's record names its chunks in each space that it is cut in; which
//! of them are found is said by the record of its collection alone. So switching
//! is one write.

use qdrant_client::qdrant::Value;
use rag_core::model::{CollectionName, DocumentId, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::StagedSpace;

use super::document::{self, Cut, Kept, Present};
use super::failure::Failure;
use super::home::{self, Home, TRIES_MAX, busy};
use super::row::{Payload, texts};
use super::server::Server;
use super::{chunk, record, space, token, totals};
use crate::admit;

/// How many documents are read at once to drop what is staged of them.
const DROPPED_AT_ONCE: usize = 256;

/// Stages a document's chunks in `space`. `false` when it is not there as it is.
pub(super) async fn stage(
    server: &Server,
    embedded: &EmbeddedDocument,
    space: &EmbeddingSpace,
) -> Result<bool, Failure> {
    let info = &embedded.document.info;
    let _within = server.locks.within(info.collection.as_str()).await;
    let _alone = server.locks.one(info.id).await;
    let home = home::one(server, &info.collection).await?;
    admit::vectors(embedded, space, &info.collection, space)?;
    if !is_as_told(
        embedded,
        space,
        document::one(server, info.id).await?.as_ref(),
    )? {
        return Ok(false);
    }
    let key = space::ensure(server, space).await?;
    let token = token::new();
    chunk::write(server, &key, &home.key, &token, embedded).await?;
    for _ in 0..TRIES_MAX {
        let present = document::one(server, info.id).await?;
        let Some(present) = present.filter(|found| found.home.key == home.key) else {
            chunk::forget(server, &key, &token).await?;
            return Ok(false);
        };
        if !is_as_told(embedded, space, Some(&present))? {
            chunk::forget(server, &key, &token).await?;
            return Ok(false);
        }
        let before = present.kept.cut(&key)?;
        let mut fields = without(&present.kept, &key);
        fields.extend(chunk::cut_fields(&home.key, &key, &token, embedded));
        let mut spaces = present.kept.spaces();
        spaces.retain(|space| *space != key);
        spaces.push(&key);
        fields.insert("spaces".to_owned(), texts(spaces));
        if swap(server, &present.kept, info.id, fields).await? {
            forget(server, &key, before).await;
            return Ok(true);
        }
    }
    chunk::forget(server, &key, &token).await?;
    Err(busy(&format!("document `{}`", info.id)))
}

/// Whether a document is there at the revision told, in another space.
fn is_as_told(
    embedded: &EmbeddedDocument,
    space: &EmbeddingSpace,
    present: Option<&Present>,
) -> Result<bool, Failure> {
    let Some(present) = present else {
        return Ok(false);
    };
    let (told, found) = (&embedded.document.info, present.info()?);
    Ok(found.collection == told.collection
        && found.revision == told.revision
        && present.home.collection.space != *space)
}

/// The record of a document without what it says of a space.
fn without(kept: &Kept, space: &str) -> Payload {
    let mut fields = kept.seen.clone();
    for field in [format!("token_{space}"), format!("chunks_{space}")] {
        fields.remove(&field);
    }
    fields.remove(&totals::field(space));
    let spaces = kept.spaces().into_iter().filter(|kept| *kept != space);
    let spaces: Value = texts(spaces);
    fields.insert("spaces".to_owned(), spaces);
    fields
}

async fn swap(
    server: &Server,
    kept: &Kept,
    id: DocumentId,
    fields: Payload,
) -> Result<bool, Failure> {
    let point = token::document(id);
    let swapped = record::swap(server, &point, Some(&kept.seen), fields, &[]).await?;
    Ok(swapped.is_done)
}

/// Takes the chunks of a cut that no record names any more out of Qdrant; what
/// stays after a failure is left to the sweep.
async fn forget(server: &Server, space: &str, cut: Option<Cut>) {
    if let Some(cut) = cut
        && let Err(failure) = chunk::forget(server, space, &cut.token).await
    {
        tracing::warn!("chunks that were staged before are left over: {failure:?}");
    }
}

pub(super) async fn staged(
    server: &Server,
    collection: &CollectionName,
) -> Result<Vec<StagedSpace>, Failure> {
    let home = home::one(server, collection).await?;
    let mut staged = Vec::new();
    for space in space::all(server).await? {
        if space == home.collection.space {
            continue;
        }
        let homes = std::slice::from_ref(&home.key);
        let totals = totals::of(server, &space::key(&space), homes).await?;
        let document_count = totals.get(&home.key).map_or(0, |totals| totals.documents);
        if document_count > 0 {
            staged.push(StagedSpace {
                space,
                document_count,
            });
        }
    }
    Ok(staged)
}

pub(super) async fn unstaged(
    server: &Server,
    collection: &CollectionName,
    space: &EmbeddingSpace,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<DocumentId>, Failure> {
    let home = home::one(server, collection).await?;
    if home.collection.space == *space {
        return Ok(Vec::new());
    }
    document::ids(server, &home, Some(space), after, limit).await
}

/// Makes `space` the collection's. `false` while a document is not staged in it.
pub(super) async fn switch(
    server: &Server,
    name: &CollectionName,
    space: &EmbeddingSpace,
) -> Result<bool, Failure> {
    let _alone = server.locks.whole(name.as_str()).await;
    for _ in 0..TRIES_MAX {
        let home = home::one(server, name).await?;
        if home.collection.space == *space {
            return Ok(true);
        }
        if !is_staged(server, &home, space).await? {
            return Ok(false);
        }
        space::ensure(server, space).await?;
        if !home::move_to(server, &home, space).await? {
            continue;
        }
        // Another process may have put a document in meanwhile, which then
        // would not be found: back to where it is.
        if is_staged(server, &home, space).await? {
            return Ok(true);
        }
        let now = home::one(server, name).await?;
        home::move_to(server, &now, &home.collection.space).await?;
        return Ok(false);
    }
    Err(busy(&format!("collection `{name}`")))
}

/// Whether all documents of a home are cut in a space.
async fn is_staged(server: &Server, home: &Home, space: &EmbeddingSpace) -> Result<bool, Failure> {
    let left = document::ids(server, home, Some(space), None, 1).await?;
    Ok(left.is_empty())
}

pub(super) async fn drop(server: &Server, name: &CollectionName) -> Result<u64, Failure> {
    let _alone = server.locks.whole(name.as_str()).await;
    let home = home::one(server, name).await?;
    let mut dropped = 0;
    let mut after = None;
    loop {
        let ids = document::ids(server, &home, None, after, DROPPED_AT_ONCE).await?;
        let Some(&last) = ids.last() else {
            return Ok(dropped);
        };
        after = Some(last);
        for (id, present) in document::present(server, ids.into_iter()).await? {
            dropped += drop_of(server, &home, id, present).await?;
        }
    }
}

/// Drops what is staged of one document, and says in how many spaces it was.
async fn drop_of(
    server: &Server,
    home: &Home,
    id: DocumentId,
    present: Present,
) -> Result<u64, Failure> {
    let mut present = Some(present);
    for _ in 0..TRIES_MAX {
        let Some(found) = present else { return Ok(0) };
        let mut staged = Vec::new();
        let mut kept = found.kept.clone();
        for space in found.kept.spaces() {
            if space != home.space {
                staged.push((space, found.kept.cut(space)?));
                kept.seen = without(&kept, space);
            }
        }
        if staged.is_empty() {
            return Ok(0);
        }
        if swap(server, &found.kept, id, kept.seen).await? {
            let count = staged.len() as u64;
            for (space, cut) in staged {
                forget(server, space, cut).await;
            }
            return Ok(count);
        }
        present = document::one(server, id).await?;
    }
    Err(busy(&format!("document `{id}`")))
}
