//! The contracts with the outside world: [`Store`] keeps and finds, with
//! [`JobStore`] for the long work that fills it and [`SpaceStore`] for changes of
//! the embedding model, [`Embedder`] turns text into
//! vectors, [`LegacySource`] reads the memory of an earlier system. What an implementation owes is in the documentation of its trait;
//! `rag-store`'s conformance suite holds stores to it.

mod embedder;
mod jobs;
mod legacy;
mod spaces;
mod store;

pub use embedder::{EmbedError, Embedder, Purpose, TokenLimits};
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
