//! The contract of keeping a collection in two embedding spaces while it moves
//! from one to the other.

use async_trait::async_trait;

use super::StoreError;
use crate::model::{CollectionName, DocumentId, EmbeddedDocument, EmbeddingSpace};

/// Keeps chunks in other spaces than their collection's beside those that are
/// found, so that a collection can change its embedding model while it is in use.
///
/// - What is **staged** is the whole of a document's chunks in one other space,
///   which may be cut differently. Nothing of it is found, listed or counted.
/// - Replacing or deleting a document removes what is staged of it.
/// - [`SpaceStore::switch_space`] makes what is staged in a space what is found,
///   and stages what was found so far: it can be switched back.
/// - **Durable** and **atomic**, as [`super::Store`] is. A collection that does not
///   exist is [`StoreError::NoCollection`].
#[async_trait]
pub trait SpaceStore: Send + Sync {
    /// Stages a document's chunks in `space`, in place of what was staged of it
    /// there. `false`, and nothing done, when there is no document of that id at
    /// that revision, or when `space` is its collection's. Each vector must have
    /// the dimensions of `space`, else [`StoreError::WrongSpace`].
    async fn stage_document(
        &self,
        document: &EmbeddedDocument,
        space: &EmbeddingSpace,
    ) -> Result<bool, StoreError>;

    /// The spaces that something of a collection is staged in, by model and dimensions.
    async fn staged_spaces(
        &self,
        collection: &CollectionName,
    ) -> Result<Vec<StagedSpace>, StoreError>;

    /// Ids above `after`, rising, of a collection's documents that are not staged
    /// in `space`: `limit` of them. None when `space` is the collection's.
    async fn unstaged_documents(
        &self,
        collection: &CollectionName,
        space: &EmbeddingSpace,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError>;

    /// Makes `space` the collection's, in one step: its documents are found by
    /// what is staged of them there, and what was found so far is staged. Their
    /// revisions stay. `true` when it is the collection's space now or was
    /// before; `false`, and nothing done, while a document is not staged in it.
    async fn switch_space(
        &self,
        collection: &CollectionName,
        space: &EmbeddingSpace,
    ) -> Result<bool, StoreError>;

    /// Removes everything that is staged of a collection, and says of how many
    /// documents, counted once for each space.
    async fn drop_staged(&self, collection: &CollectionName) -> Result<u64, StoreError>;
}

/// A space that documents of a collection are staged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedSpace {
    /// The space.
    pub space: EmbeddingSpace,
    /// How many documents are staged in it, each at its revision.
    pub document_count: u64,
}
