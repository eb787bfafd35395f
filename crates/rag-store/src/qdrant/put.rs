//! Putting a document in, or swapping it for the one that is there.
//!
//! The chunks and the text are written first, where nobody reads them. Then the
//! document's record is swapped for one that names them: that is the moment the
//! new revision is there. What the old one named is taken out after.

use std::time::{Duration, Instant};

use rag_core::model::{DocumentInfo, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{Expect, PutOutcome, StoreError};

use super::document::{self, Kept};
use super::failure::Failure;
use super::home::{self, Home, TRIES_MAX, busy};
use super::row::{Payload, texts};
use super::server::Server;
use super::{chunk, record, space, text, token};
use crate::admit;

/// How long writing the chunks of a document may take. The sweep takes what is
/// much older for left over.
pub(super) const WRITING_MAX: Duration = Duration::from_secs(600);

/// What was there before a put.
struct Before {
    /// The record with the document's id, whatever it is.
    seen: Option<Payload>,
    /// The document, if it is one that is there.
    present: Option<Kept>,
    /// What is told of it.
    info: Option<DocumentInfo>,
}

pub(super) async fn put(
    server: &Server,
    embedded: &EmbeddedDocument,
    space: &EmbeddingSpace,
    expect: Expect,
) -> Result<PutOutcome, Failure> {
    let info = &embedded.document.info;
    let _within = server.locks.within(info.collection.as_str()).await;
    let _alone = server.locks.one(info.id).await;
    let home = home::one(server, &info.collection).await?;
    admit::vectors(embedded, space, &info.collection, &home.collection.space)?;
    let mut before = before(server, &home, info).await?;
    admit_as_expected(server, &home, info, &before, expect).await?;

    space::ensure(server, space).await?;
    let begun = Instant::now();
    let token = token::new();
    let pieces = text::pieces(&embedded.document.text);
    tokio::try_join!(
        chunk::write(server, &home.space, &home.key, &token, embedded),
        text::write(server, &home.key, &token, &pieces),
    )?;
    if begun.elapsed() > WRITING_MAX {
        return Err(Failure::Stuck(format!(
            "its chunks took longer than {} s to write\n\nhint: see that the connection to Qdrant is fast enough",
            WRITING_MAX.as_secs()
        )));
    }

    let id = token::document(info.id);
    let along = [home::point(&info.collection)];
    for _ in 0..TRIES_MAX {
        let stored = next(info, before.info.as_ref());
        let mut fields = document::fields(&stored, &home.key, &token, pieces.len());
        fields.extend(chunk::cut_fields(&home.key, &home.space, &token, embedded));
        fields.insert("spaces".to_owned(), texts([home.space.as_str()]));
        let swapped = record::swap(server, &id, before.seen.as_ref(), fields, &along).await?;
        if swapped.is_done {
            server.totals.forget();
            if let Some(present) = &before.present {
                document::forget(server, present).await;
            }
            still_fits(info, &home, swapped.others.get(&along[0]))?;
            return Ok(PutOutcome {
                revision: stored.revision,
                replaced_chunk_count: before.info.map(|info| info.chunk_count),
            });
        }
        before = self::before(server, &home, info).await?;
        let admitted = admit_as_expected(server, &home, info, &before, expect).await;
        if let Err(refused) = admitted {
            give_up(server, &home, &token).await;
            return Err(refused);
        }
    }
    give_up(server, &home, &token).await;
    Err(busy(&format!("document `{}`", info.id)))
}

/// The document as it is kept after `before`.
fn next(info: &DocumentInfo, before: Option<&DocumentInfo>) -> DocumentInfo {
    DocumentInfo {
        revision: before.map_or(1, |before| before.revision + 1),
        created_at: before.map_or(info.created_at, |before| before.created_at),
        ..info.clone()
    }
}

async fn before(server: &Server, home: &Home, info: &DocumentInfo) -> Result<Before, Failure> {
    let seen = server.record(&token::document(info.id)).await?;
    let kept = match &seen {
        Some(seen) => Kept::read(seen)?,
        None => None,
    };
    let Some(kept) = kept else {
        return Ok(Before {
            seen,
            present: None,
            info: None,
        });
    };
    let (home_key, space) = if kept.home == home.key {
        (home.key.clone(), home.space.clone())
    } else {
        // Of another collection, or of one that is gone.
        let name = kept.info(&home.space)?.collection;
        match home::one(server, &name).await {
            Ok(other) => (other.key, other.space),
            Err(Failure::Store(StoreError::NoCollection(_))) => Default::default(),
            Err(failure) => return Err(failure),
        }
    };
    let info = (kept.home == home_key).then(|| kept.info(&space));
    Ok(Before {
        seen,
        info: info.transpose()?,
        // What is left of a collection that is gone is cleared all the same.
        present: Some(kept),
    })
}

async fn admit_as_expected(
    server: &Server,
    home: &Home,
    info: &DocumentInfo,
    before: &Before,
    expect: Expect,
) -> Result<(), Failure> {
    let twin = match &before.info {
        Some(_) => None,
        None => document::in_home(server, home, &info.source_uri).await?,
    };
    let twin = twin.map(|twin| twin.info(&home.space)).transpose()?;
    Ok(admit::expected(
        info,
        before.info.as_ref(),
        twin.as_ref(),
        expect,
    )?)
}

/// Sees that the collection is still the one that the document was put in:
/// another process may have removed it, or moved it to another space.
fn still_fits(info: &DocumentInfo, home: &Home, now: Option<&Payload>) -> Result<(), Failure> {
    let now = match now {
        Some(now) => home::read(now)?.filter(|now| now.key == home.key),
        None => None,
    };
    match now {
        None => Err(StoreError::NoCollection(info.collection.clone()).into()),
        Some(now) if now.space != home.space => Err(StoreError::WrongSpace {
            collection: info.collection.clone(),
            expected: now.collection.space,
            got: home.collection.space.clone(),
        }
        .into()),
        Some(_) => Ok(()),
    }
}

/// Takes out what nobody will name; what stays is left to the sweep.
async fn give_up(server: &Server, home: &Home, token: &str) {
    let chunks = chunk::forget(server, &home.space, token).await;
    if let Err(failure) = chunks.and(text::forget(server, token).await) {
        tracing::warn!("chunks that were not put in are left over: {failure:?}");
    }
}
