//! The PostgreSQL store as what keeps small things: each call in its transaction.

use async_trait::async_trait;
use rag_core::model::Timestamp;
use rag_core::port::{Entry, EntryKind, EntryStore, StoreError};

use super::{PostgresStore, entry};

#[async_trait]
impl EntryStore for PostgresStore {
    async fn add_entry(&self, entry: &Entry, now: Timestamp) -> Result<Option<Entry>, StoreError> {
        self.connections
            .write("add an entry", (entry, now), |session, &(entry, now)| {
                Box::pin(entry::add(session, entry, now))
            })
            .await
    }

    async fn replace_entry(&self, entry: &Entry, now: Timestamp) -> Result<bool, StoreError> {
        self.connections
            .write(
                "replace an entry",
                (entry, now),
                |session, &(entry, now)| Box::pin(entry::replace(session, entry, now)),
            )
            .await
    }

    async fn entry(
        &self,
        kind: EntryKind,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Entry>, StoreError> {
        self.connections
            .read(
                "read an entry",
                (kind, key, now),
                |session, &(kind, key, now)| Box::pin(entry::one(session, kind, key, now)),
            )
            .await
    }

    async fn entries(&self, kind: EntryKind, now: Timestamp) -> Result<Vec<Entry>, StoreError> {
        self.connections
            .read("list entries", (kind, now), |session, &(kind, now)| {
                Box::pin(entry::all(session, kind, now))
            })
            .await
    }

    async fn remove_entry(&self, kind: EntryKind, key: &str) -> Result<bool, StoreError> {
        self.connections
            .write("remove an entry", (kind, key), |session, &(kind, key)| {
                Box::pin(entry::remove(session, kind, key))
            })
            .await
    }
}
