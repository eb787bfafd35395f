//! The Qdrant store as what keeps small things.

use async_trait::async_trait;
use rag_core::model::Timestamp;
use rag_core::port::{Entry, EntryKind, EntryStore, StoreError};

use super::{QdrantStore, entry};

#[async_trait]
impl EntryStore for QdrantStore {
    async fn add_entry(&self, entry: &Entry, now: Timestamp) -> Result<Option<Entry>, StoreError> {
        let work = entry::add(&self.server, entry, now);
        self.run("add an entry", work).await
    }

    async fn replace_entry(&self, entry: &Entry, now: Timestamp) -> Result<bool, StoreError> {
        let work = entry::replace(&self.server, entry, now);
        self.run("replace an entry", work).await
    }

    async fn entry(
        &self,
        kind: EntryKind,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Entry>, StoreError> {
        let work = entry::one(&self.server, kind, key, now);
        self.run("read an entry", work).await
    }

    async fn entries(&self, kind: EntryKind, now: Timestamp) -> Result<Vec<Entry>, StoreError> {
        let work = entry::all(&self.server, kind, now);
        self.run("list entries", work).await
    }

    async fn remove_entry(&self, kind: EntryKind, key: &str) -> Result<bool, StoreError> {
        let work = entry::remove(&self.server, kind, key);
        self.run("remove an entry", work).await
    }
}
