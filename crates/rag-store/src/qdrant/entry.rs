//! Entries: records that belong to no collection, and so have no home.
//!
//! An entry is changed only from what was seen of it, so of several that add it
//! one does, whichever processes they are in.

use qdrant_client::qdrant::{Condition, Filter, PointId, Value};
use rag_core::model::Timestamp;
use rag_core::port::{ENTRIES_LISTED_MAX, Entry, EntryKind};

use super::failure::Failure;
use super::home::{TRIES_MAX, busy};
use super::points::Fields;
use super::row::{Payload, Row, optional, payload, time};
use super::server::Server;
use super::{record, token};

/// How many entries are looked at with each that is added, to find some that have
/// expired. So these are about one in so many at the most.
const LOOKED_AT: usize = 16;

/// Adds an entry, in place of one that has expired too; one that is there is
/// given instead.
pub(super) async fn add(
    server: &Server,
    entry: &Entry,
    now: Timestamp,
) -> Result<Option<Entry>, Failure> {
    let id = point(entry.kind, &entry.key);
    let _alone = server.locks.one(&id).await;
    for _ in 0..TRIES_MAX {
        let (seen, there) = look(server, &id, entry.kind, now).await?;
        if there.is_some() {
            return Ok(there);
        }
        let added = record::swap(server, &id, seen.as_ref(), fields(entry), &[]).await?;
        if added.is_done {
            if let Err(failure) = forget_expired(server, &id, now).await {
                tracing::warn!("entries that have expired are left over: {failure:?}");
            }
            return Ok(None);
        }
    }
    Err(changed_by_others(entry.kind))
}

/// Replaces an entry. `false` when it is not there.
pub(super) async fn replace(
    server: &Server,
    entry: &Entry,
    now: Timestamp,
) -> Result<bool, Failure> {
    let id = point(entry.kind, &entry.key);
    let _alone = server.locks.one(&id).await;
    for _ in 0..TRIES_MAX {
        let (Some(seen), Some(_)) = look(server, &id, entry.kind, now).await? else {
            return Ok(false);
        };
        let replaced = record::swap(server, &id, Some(&seen), fields(entry), &[]).await?;
        if replaced.is_done {
            return Ok(true);
        }
    }
    Err(changed_by_others(entry.kind))
}

pub(super) async fn one(
    server: &Server,
    kind: EntryKind,
    key: &str,
    now: Timestamp,
) -> Result<Option<Entry>, Failure> {
    let (_, there) = look(server, &point(kind, key), kind, now).await?;
    Ok(there)
}

/// The first entries of a kind by the bytes of their key. The keys of all are
/// gone through for it, the values read of those alone.
pub(super) async fn all(
    server: &Server,
    kind: EntryKind,
    now: Timestamp,
) -> Result<Vec<Entry>, Failure> {
    let filter = Filter::must([Condition::matches("kind", label(kind))]);
    let fields = Fields::Only(&["key", "expires_at"]);
    let found = server.scroll(server.records(), &filter, None, usize::MAX, fields);
    let mut keys = Vec::new();
    for point in found.await? {
        let row = Row(&point.payload);
        if is_there(row.maybe_time("expires_at")?, now) {
            keys.push(row.text("key")?.to_owned());
        }
    }
    keys.sort_unstable();
    keys.truncate(ENTRIES_LISTED_MAX);
    let wanted: Vec<PointId> = keys.iter().map(|key| point(kind, key)).collect();
    let found = server.get(server.records(), &wanted, Fields::All, &[]);
    let mut found = record::by_id(found.await?);
    let mut entries = Vec::with_capacity(wanted.len());
    for id in &wanted {
        let there = found.remove(id).map(|seen| read(&seen, kind, now));
        entries.extend(there.transpose()?.flatten());
    }
    Ok(entries)
}

/// Removes an entry. `false` when there is none.
pub(super) async fn remove(server: &Server, kind: EntryKind, key: &str) -> Result<bool, Failure> {
    let id = point(kind, key);
    let _alone = server.locks.one(&id).await;
    for _ in 0..TRIES_MAX {
        let seen = server.record(&id).await?;
        let Some(seen) = seen.filter(|seen| is_of(seen, kind)) else {
            return Ok(false);
        };
        if record::remove(server, &id, &seen).await? {
            return Ok(true);
        }
    }
    Err(changed_by_others(kind))
}

/// The record at `id` as it is, and the entry in it that is there at `now`.
async fn look(
    server: &Server,
    id: &PointId,
    kind: EntryKind,
    now: Timestamp,
) -> Result<(Option<Payload>, Option<Entry>), Failure> {
    let seen = server.record(id).await?;
    let there = match &seen {
        Some(seen) => read(seen, kind, now)?,
        None => None,
    };
    Ok((seen, there))
}

/// Takes out what has expired of the few entries whose ids come after `id`. These
/// are hashes, so adding one entry after the other comes by everywhere.
async fn forget_expired(server: &Server, id: &PointId, now: Timestamp) -> Result<(), Failure> {
    let labels = Vec::from(EntryKind::ALL.map(label));
    let filter = Filter::must([Condition::matches("kind", labels)]);
    let fields = Fields::Only(&["expires_at", "version"]);
    let found = server.scroll(
        server.records(),
        &filter,
        Some(id.clone()),
        LOOKED_AT,
        fields,
    );
    let mut expired = Vec::new();
    for point in found.await? {
        let row = Row(&point.payload);
        if !is_there(row.maybe_time("expires_at")?, now) {
            expired.push(row.text("version")?.to_owned());
        }
    }
    if expired.is_empty() {
        return Ok(());
    }
    // By version, so that one that was added anew meanwhile stays.
    let expired = Filter::must([Condition::matches("version", expired)]);
    server.delete(server.records(), &expired).await
}

/// The id of the record of an entry.
fn point(kind: EntryKind, key: &str) -> PointId {
    token::point(&["entry", kind.as_str(), key])
}

/// What the records of a kind are of: it has an index already.
fn label(kind: EntryKind) -> String {
    format!("entry-{}", kind.as_str())
}

fn is_of(seen: &Payload, kind: EntryKind) -> bool {
    Row(seen).maybe_text("kind") == Some(label(kind).as_str())
}

fn is_there(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_none_or(|expires_at| expires_at > now)
}

fn fields(entry: &Entry) -> Payload {
    payload([
        ("kind", Value::from(label(entry.kind))),
        ("key", Value::from(entry.key.as_str())),
        ("value", Value::from(entry.value.to_string())),
        ("expires_at", optional(entry.expires_at.map(time))),
    ])
}

/// The entry in a record, unless it was removed or has expired.
fn read(seen: &Payload, kind: EntryKind, now: Timestamp) -> Result<Option<Entry>, Failure> {
    let row = Row(seen);
    let expires_at = row.maybe_time("expires_at")?;
    if !is_of(seen, kind) || !is_there(expires_at, now) {
        return Ok(None);
    }
    Ok(Some(Entry {
        kind,
        key: row.text("key")?.to_owned(),
        value: row.json("value")?,
        expires_at,
    }))
}

fn changed_by_others(kind: EntryKind) -> Failure {
    busy(&format!("an entry of kind `{}`", kind.as_str()))
}
