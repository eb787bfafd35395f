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
const VERSION: u32 = 4;

/// Migration `n` brings a file from version `n` to version `n + 1`.
const MIGRATIONS: [&str; VERSION as usize] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
];

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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use rag_core::port::{EntryKind, EntryStore, Expect, JobFilter, JobStore, Store};

    use super::*;
    use crate::conformance::fixture::{
        anything, chunk_ref, collection, document, entry, good, kept, matching, name, new_job,
        ranked, space, time, vector,
    };
    use crate::embedded::{EmbeddedStore, collection, put};

    /// Makes the file as the program of that version did, with a document in it.
    fn make(path: &Path, of_version: u32) -> Result<(), Failure> {
        let file = Connection::open(path)?;
        for migration in &MIGRATIONS[..of_version as usize] {
            file.execute_batch(migration)?;
        }
        file.pragma_update(None, "application_id", APPLICATION_ID)?;
        file.pragma_update(None, "user_version", of_version)?;
        collection::create(&file, &collection("docs"))?;
        let made = document("docs", "a", &["apple pear", "plum"]);
        put::put(&file, &made, &space(), Expect::Absent)?;
        Ok(())
    }

    async fn check_version(of_version: u32) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        make(&path, of_version).expect("a file");
        let made = document("docs", "a", &["apple pear", "plum"]);
        let id = made.document.info.id;
        let token = entry(EntryKind::Token, "a");
        // Opened once, it is brought to the newest; then it is there.
        for round in 0..2 {
            let store: Arc<dyn Store> = Arc::new(good(EmbeddedStore::open(&path)));
            assert_eq!(good(store.document(id).await), Some(kept(&made, 1)));
            let plums = [chunk_ref(&made, 1)];
            assert_eq!(ranked(&matching(&store, "plum", &anything()).await), plums);
            let query = vector("plum", space().dimensions);
            let nearest = good(store.nearest(&space(), &query, &anything(), 1).await);
            assert_eq!(ranked(&nearest), plums);
            let (_, is_new) = good(store.add_job(&new_job("docs", "a", 1)).await);
            assert_eq!(is_new, round == 0);
            let there = good(store.add_entry(&token, time(1)).await);
            assert_eq!(there.is_none(), round == 0);
        }
        let file = Connection::open(&path).expect("it is there");
        assert_eq!(version(&file, "here").expect("it is ours"), VERSION);

        // One who knows only that version may still have it open.
        file.pragma_update(None, "foreign_keys", true)
            .expect("a connection");
        collection::delete(&file, &name("docs")).expect("it has the collection");
        let store = good(EmbeddedStore::open(&path));
        let page = good(store.jobs(&JobFilter::default(), 0, 9).await);
        assert_eq!(page.total, 0);
        let entries = good(store.entries(EntryKind::Token, time(1)).await);
        assert_eq!(entries, [token]);
    }

    #[tokio::test]
    async fn files_of_earlier_versions_keep_what_is_in_them() {
        for of_version in 1..VERSION {
            check_version(of_version).await;
        }
    }
}
