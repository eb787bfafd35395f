//! Entries in the database: adding, replacing, reading and removing them.
//!
//! Each function is one transaction of its caller's. What changes an entry's row
//! says in the same statement what must be so, so that of two programs that add
//! the same entry one comes first.

use rag_core::model::Timestamp;
use rag_core::port::{ENTRIES_LISTED_MAX, Entry, EntryKind};
use sqlx::postgres::PgRow;

use super::error::Failure;
use super::row::{self, sql_number};
use super::session::{Session, Statement, sql};

/// How many entries that have expired go with one that is added.
const EXPIRED_REMOVED_MAX: i64 = 100;

/// Adds an entry, in place of one that has expired too; one that is there is
/// given instead.
pub(super) async fn add(
    session: &mut Session,
    entry: &Entry,
    now: Timestamp,
) -> Result<Option<Entry>, Failure> {
    let insert = sql("INSERT INTO entry (kind, key, value, expires_at)
         VALUES ($1, $2, $3::text::json, $4)
         ON CONFLICT (kind, key) DO UPDATE
             SET value = excluded.value, expires_at = excluded.expires_at
             WHERE entry.expires_at <= $5");
    if session.execute(written(insert, entry, now)).await? > 0 {
        forget_expired(session, now).await?;
        return Ok(None);
    }
    // What was in the way is locked since, so it is still there.
    let there = one(session, entry.kind, &entry.key, now).await?;
    let there = there
        .ok_or_else(|| Failure::Damaged("an entry is in the way that is not there".to_owned()))?;
    Ok(Some(there))
}

/// Replaces an entry. `false` when it is not there.
pub(super) async fn replace(
    session: &mut Session,
    entry: &Entry,
    now: Timestamp,
) -> Result<bool, Failure> {
    let update = sql("UPDATE entry SET value = $3::text::json, expires_at = $4
         WHERE kind = $1 AND key = $2 AND (expires_at IS NULL OR expires_at > $5)");
    Ok(session.execute(written(update, entry, now)).await? > 0)
}

pub(super) async fn one(
    session: &mut Session,
    kind: EntryKind,
    key: &str,
    now: Timestamp,
) -> Result<Option<Entry>, Failure> {
    let select = sql("SELECT key, value::text, expires_at FROM entry
         WHERE kind = $1 AND key = $2 AND (expires_at IS NULL OR expires_at > $3)");
    let select = select
        .bind(kind.as_str())
        .bind(key.as_bytes())
        .bind(now.as_microsecond());
    let found = session.row(select).await?;
    found.map(|row| read(&row, kind)).transpose()
}

/// The first entries of a kind by the bytes of their key.
pub(super) async fn all(
    session: &mut Session,
    kind: EntryKind,
    now: Timestamp,
) -> Result<Vec<Entry>, Failure> {
    let select = sql("SELECT key, value::text, expires_at FROM entry
         WHERE kind = $1 AND (expires_at IS NULL OR expires_at > $2)
         ORDER BY key LIMIT $3");
    let select = select
        .bind(kind.as_str())
        .bind(now.as_microsecond())
        .bind(sql_number(ENTRIES_LISTED_MAX));
    session.each(select, |row| read(row, kind)).await
}

/// Removes an entry. `false` when there is none.
pub(super) async fn remove(
    session: &mut Session,
    kind: EntryKind,
    key: &str,
) -> Result<bool, Failure> {
    let delete = sql("DELETE FROM entry WHERE kind = $1 AND key = $2");
    let delete = delete.bind(kind.as_str()).bind(key.as_bytes());
    Ok(session.execute(delete).await? > 0)
}

/// Removes some of what has expired: more than is added, so that it does not pile
/// up. What others are at is left to them: who waited here for a row could be
/// waited for by the one who has it.
async fn forget_expired(session: &mut Session, now: Timestamp) -> Result<(), Failure> {
    let delete = sql("DELETE FROM entry WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM entry WHERE expires_at <= $1
             ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))");
    let delete = delete.bind(now.as_microsecond()).bind(EXPIRED_REMOVED_MAX);
    session.execute(delete).await?;
    Ok(())
}

/// `statement` with an entry and the moment as its values.
fn written(statement: Statement, entry: &Entry, now: Timestamp) -> Statement {
    statement
        .bind(entry.kind.as_str())
        .bind(entry.key.as_bytes())
        .bind(entry.value.to_string())
        .bind(entry.expires_at.map(Timestamp::as_microsecond))
        .bind(now.as_microsecond())
}

/// The entry of a kind in the columns `key, value, expires_at`.
fn read(row: &PgRow, kind: EntryKind) -> Result<Entry, Failure> {
    let key: Vec<u8> = row::get(row, 0)?;
    let key = String::from_utf8(key);
    Ok(Entry {
        kind,
        key: key.map_err(|_| Failure::Damaged("an entry's key is no text".to_owned()))?,
        value: row::json(row, 1)?,
        expires_at: row::optional(row, 2, row::time)?,
    })
}
