//! The embedded store as what keeps small things: each call on its connection.

use async_trait::async_trait;
use rag_core::model::Timestamp;
use rag_core::port::{Entry, EntryKind, EntryStore, StoreError};

use super::{EmbeddedStore, entry};

#[async_trait]
impl EntryStore for EmbeddedStore {
    async fn add_entry(&self, entry: &Entry, now: Timestamp) -> Result<Option<Entry>, StoreError> {
        let entry = entry.clone();
        let work = move |file: &_| entry::add(file, &entry, now);
        self.connections.write("add an entry", work).await
    }

    async fn replace_entry(&self, entry: &Entry, now: Timestamp) -> Result<bool, StoreError> {
        let entry = entry.clone();
        let work = move |file: &_| entry::replace(file, &entry, now);
        self.connections.write("replace an entry", work).await
    }

    async fn entry(
        &self,
        kind: EntryKind,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Entry>, StoreError> {
        let key = key.to_owned();
        let work = move |file: &_| entry::one(file, kind, &key, now);
        self.connections.read("read an entry", work).await
    }

    async fn entries(&self, kind: EntryKind, now: Timestamp) -> Result<Vec<Entry>, StoreError> {
        let work = move |file: &_| entry::all(file, kind, now);
        self.connections.read("list entries", work).await
    }

    async fn remove_entry(&self, kind: EntryKind, key: &str) -> Result<bool, StoreError> {
        let key = key.to_owned();
        let work = move |file: &_| entry::remove(file, kind, &key);
        self.connections.write("remove an entry", work).await
    }
}
