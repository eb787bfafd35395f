//! Entries in the file: adding, replacing, reading and removing them.
//!
//! Each function is one transaction of its caller's, so that of two processes
//! that add the same entry one comes first.

use rag_core::model::Timestamp;
use rag_core::port::{ENTRIES_LISTED_MAX, Entry, EntryKind};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::Failure;
use super::row::{self, sql_number};

/// How many entries that have expired go with one that is added.
const EXPIRED_REMOVED_MAX: u32 = 100;

/// Adds an entry, in place of one that has expired too; one that is there is
/// given instead.
pub(super) fn add(
    connection: &Connection,
    entry: &Entry,
    now: Timestamp,
) -> Result<Option<Entry>, Failure> {
    let added = connection
        .prepare_cached(
            "INSERT INTO entry (kind, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind, key) DO UPDATE
                 SET value = excluded.value, expires_at = excluded.expires_at
                 WHERE entry.expires_at <= ?5",
        )?
        .execute(params![
            entry.kind.as_str(),
            entry.key,
            entry.value.to_string(),
            entry.expires_at.map(Timestamp::as_microsecond),
            now.as_microsecond(),
        ])?;
    if added > 0 {
        forget_expired(connection, now)?;
        return Ok(None);
    }
    let there = one(connection, entry.kind, &entry.key, now)?;
    let there = there
        .ok_or_else(|| Failure::Damaged("an entry is in the way that is not there".to_owned()))?;
    Ok(Some(there))
}

/// Replaces an entry. `false` when it is not there.
pub(super) fn replace(
    connection: &Connection,
    entry: &Entry,
    now: Timestamp,
) -> Result<bool, Failure> {
    let replaced = connection
        .prepare_cached(
            "UPDATE entry SET value = ?3, expires_at = ?4
             WHERE kind = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?5)",
        )?
        .execute(params![
            entry.kind.as_str(),
            entry.key,
            entry.value.to_string(),
            entry.expires_at.map(Timestamp::as_microsecond),
            now.as_microsecond(),
        ])?;
    Ok(replaced > 0)
}

pub(super) fn one(
    connection: &Connection,
    kind: EntryKind,
    key: &str,
    now: Timestamp,
) -> Result<Option<Entry>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT key, value, expires_at FROM entry
         WHERE kind = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
    )?;
    Ok(statement
        .query_row(params![kind.as_str(), key, now.as_microsecond()], |row| {
            read(row, kind)
        })
        .optional()?)
}

/// The first entries of a kind by the bytes of their key.
pub(super) fn all(
    connection: &Connection,
    kind: EntryKind,
    now: Timestamp,
) -> Result<Vec<Entry>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT key, value, expires_at FROM entry
         WHERE kind = ?1 AND (expires_at IS NULL OR expires_at > ?2)
         ORDER BY key LIMIT ?3",
    )?;
    let found = statement.query_map(
        params![
            kind.as_str(),
            now.as_microsecond(),
            sql_number(ENTRIES_LISTED_MAX),
        ],
        |row| read(row, kind),
    )?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Removes an entry. `false` when there is none.
pub(super) fn remove(connection: &Connection, kind: EntryKind, key: &str) -> Result<bool, Failure> {
    let removed = connection
        .prepare_cached("DELETE FROM entry WHERE kind = ?1 AND key = ?2")?
        .execute(params![kind.as_str(), key])?;
    Ok(removed > 0)
}

/// Removes some of what has expired: more than is added, so that it does not pile up.
fn forget_expired(connection: &Connection, now: Timestamp) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "DELETE FROM entry WHERE (kind, key) IN (
                 SELECT kind, key FROM entry WHERE expires_at <= ?1
                 ORDER BY expires_at LIMIT ?2)",
        )?
        .execute(params![now.as_microsecond(), EXPIRED_REMOVED_MAX])?;
    Ok(())
}

/// The entry of a kind in the columns `key, value, expires_at`.
fn read(row: &Row<'_>, kind: EntryKind) -> rusqlite::Result<Entry> {
    Ok(Entry {
        kind,
        key: row.get(0)?,
        value: row::json(row, 1)?,
        expires_at: row::optional(row, 2, row::time)?,
    })
}
