//! The schema and how a file gets to the newest one.
//!
//! Migrations only go forward and all run in one transaction under the write
//! lock, so that of several processes that open a new file one makes the
//! schema and the others find it made.

use rag_core::port::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use super::error::Failure;

/// `RAGM`: tells our files from other SQLite databases.
const APPLICATION_ID: i32 = 0x5241_474d;

/// The newest version.
const VERSION: u32 = 1;

/// Migration `n` brings a file from version `n` to version `n + 1`.
const MIGRATIONS: [&str; VERSION as usize] = [include_str!("migrations/0001.sql")];

/// Brings the file to the newest schema. Writes nothing when it is there.
pub(super) fn migrate(connection: &mut Connection, location: &str) -> Result<(), Failure> {
    if version(connection, location)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction, location)?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// The version of the file's schema, 0 for a new file. A file of another
/// program and one of a newer schema are refused.
pub(super) fn version(connection: &Connection, location: &str) -> Result<u32, Failure> {
    // One statement, so that a file that is being made is seen before or after.
    let (application, found, tables): (i32, u32, u32) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let is_new = application == 0 && tables == 0;
    if application != APPLICATION_ID && !is_new {
        return Err(foreign(location).into());
    }
    if found > VERSION {
        let location = location.to_owned();
        return Err(StoreError::TooNew {
            location,
            found,
            known: VERSION,
        }
        .into());
    }
    Ok(found)
}

fn foreign(location: &str) -> StoreError {
    StoreError::Unavailable {
        action: format!("use {location} as a store"),
        source: "it is an SQLite database of another program".into(),
    }
}
