//! The Qdrant store as what keeps a collection in two embedding spaces.

use async_trait::async_trait;
use rag_core::model::{CollectionName, DocumentId, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{LISTING_LIMIT_MAX, SpaceStore, StagedSpace, StoreError};

use super::{QdrantStore, staging};

#[async_trait]
impl SpaceStore for QdrantStore {
    async fn stage_document(
        &self,
        document: &EmbeddedDocument,
        space: &EmbeddingSpace,
    ) -> Result<bool, StoreError> {
        let work = staging::stage(&self.server, document, space);
        self.run("stage a document", work).await
    }

    async fn staged_spaces(
        &self,
        collection: &CollectionName,
    ) -> Result<Vec<StagedSpace>, StoreError> {
        let work = staging::staged(&self.server, collection);
        self.run("read what is staged", work).await
    }

    async fn unstaged_documents(
        &self,
        collection: &CollectionName,
        space: &EmbeddingSpace,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let limit = limit.min(LISTING_LIMIT_MAX);
        let work = staging::unstaged(&self.server, collection, space, after, limit);
        self.run("read what is not staged", work).await
    }

    async fn switch_space(
        &self,
        collection: &CollectionName,
        space: &EmbeddingSpace,
    ) -> Result<bool, StoreError> {
        let work = staging::switch(&self.server, collection, space);
        self.run("switch the space", work).await
    }

    async fn drop_staged(&self, collection: &CollectionName) -> Result<u64, StoreError> {
        let work = staging::drop(&self.server, collection);
        self.run("drop what is staged", work).await
    }
}
