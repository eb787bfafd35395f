//! The contracts with the outside world: [`Store`] keeps and finds, with
//! [`JobStore`] for the long work that fills it, [`SpaceStore`] for changes of
//! the embedding model and [`EntryStore`] for small things beside the documents;
//! [`Embedder`] turns text into vectors; [`LegacySource`] reads the memory of an
//! earlier system. What an implementation owes is in the documentation of its
//! trait; `rag-store`'s conformance suite holds stores to it.

mod embedder;
mod entries;
mod jobs;
mod legacy;
mod spaces;
mod store;

pub use embedder::{EmbedError, Embedder, Purpose, TokenLimits};
pub use entries::{ENTRIES_LISTED_MAX, ENTRY_KEY_BYTES_MAX, Entry, EntryKind, EntryStore};
pub use jobs::{FINISHED_JOBS_KEPT, JOB_LISTING_LIMIT_MAX, JobFilter, JobPage, JobStore, Lease};
pub use legacy::{
    LegacyChunk, LegacyCollection, LegacyDocument, LegacyError, LegacyPage, LegacySource,
    LegacyWanted,
};
pub use spaces::{SpaceStore, StagedSpace};
pub use store::{
    ChunkScore, DeletedCollection, DeletedDocument, DocumentPage, Expect, LISTING_LIMIT_MAX,
    PutOutcome, RANKING_LIMIT_MAX, Store, StoreError, StoreStatus, StoredPassage, WholeDocument,
};
