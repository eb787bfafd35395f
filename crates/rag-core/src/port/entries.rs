//! The contract of keeping small things beside the documents.

use async_trait::async_trait;
use serde_json::Value;

use super::StoreError;
use crate::model::Timestamp;

/// The most entries of a kind that a listing gives.
pub const ENTRIES_LISTED_MAX: usize = 1_000;

/// The longest key of an entry, in bytes.
pub const ENTRY_KEY_BYTES_MAX: usize = 200;

/// Keeps small things that belong to no collection, each known by its kind and key.
///
/// - **Durable** and **atomic**, as [`super::Store`] is.
/// - **Expired** entries are as if they were not there, for every method. When
///   they are removed for good is the store's affair: [`EntryStore::add_entry`]
///   does it now and then.
/// - A key has 1 to [`ENTRY_KEY_BYTES_MAX`] bytes; whoever calls sees to it.
#[async_trait]
pub trait EntryStore: Send + Sync {
    /// Adds an entry, unless there is one of its kind and key at `now`: then that
    /// one is given and nothing is done. Of many that add at once, one does.
    async fn add_entry(&self, entry: &Entry, now: Timestamp) -> Result<Option<Entry>, StoreError>;

    /// Replaces the value and expiry of an entry. `false`, and nothing done,
    /// when there is none of its kind and key at `now`.
    async fn replace_entry(&self, entry: &Entry, now: Timestamp) -> Result<bool, StoreError>;

    /// An entry.
    async fn entry(
        &self,
        kind: EntryKind,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Entry>, StoreError>;

    /// The first [`ENTRIES_LISTED_MAX`] entries of a kind by the bytes of their key.
    async fn entries(&self, kind: EntryKind, now: Timestamp) -> Result<Vec<Entry>, StoreError>;

    /// Removes an entry. `false` when there is none of that kind and key; of one
    /// that has expired, either may be said.
    async fn remove_entry(&self, kind: EntryKind, key: &str) -> Result<bool, StoreError>;
}

/// A small thing that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What kind of thing it is.
    pub kind: EntryKind,
    /// What it is known by among its kind.
    pub key: String,
    /// What it says, at most a few kilobytes of JSON.
    pub value: Value,
    /// When it is as if it were not there; never without.
    pub expires_at: Option<Timestamp>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// An API token: what it allows, and the hash that tells whether it is the one.
    Token,
    /// The answer to a request that may come once more.
    Answer,
}

impl EntryKind {
    /// All kinds.
    pub const ALL: [EntryKind; 2] = [EntryKind::Token, EntryKind::Answer];

    /// Its name in a store.
    pub fn as_str(self) -> &'static str {
        match self {
            EntryKind::Token => "token",
            EntryKind::Answer => "answer",
        }
    }
}
