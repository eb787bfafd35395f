//! The embedded store as what keeps a collection in two embedding spaces: each
//! call on its connection.

use async_trait::async_trait;
use rag_core::model::{CollectionName, DocumentId, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{LISTING_LIMIT_MAX, SpaceStore, StagedSpace, StoreError};

use super::{EmbeddedStore, space};

#[async_trait]
impl SpaceStore for EmbeddedStore {
    async fn stage_document(
        &self,
        document: &EmbeddedDocument,
        space: &EmbeddingSpace,
    ) -> Result<bool, StoreError> {
        let (document, space) = (document.clone(), space.clone());
        let work = move |file: &_| space::stage(file, &document, &space);
        self.connections.write("stage a document", work).await
    }

    async fn staged_spaces(
        &self,
        collection: &CollectionName,
    ) -> Result<Vec<StagedSpace>, StoreError> {
        let collection = collection.clone();
        let work = move |file: &_| space::staged(file, &collection);
        self.connections.read("read what is staged", work).await
    }

    async fn unstaged_documents(
        &self,
        collection: &CollectionName,
        space: &EmbeddingSpace,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let (collection, space) = (collection.clone(), space.clone());
        let limit = limit.min(LISTING_LIMIT_MAX);
        let work = move |file: &_| space::unstaged(file, &collection, &space, after, limit);
        self.connections.read("read what is not staged", work).await
    }

    async fn switch_space(
        &self,
        collection: &CollectionName,
        space: &EmbeddingSpace,
    ) -> Result<bool, StoreError> {
        let (collection, space) = (collection.clone(), space.clone());
        let work = move |file: &_| space::switch(file, &collection, &space);
        self.connections.write("switch the space", work).await
    }

    async fn drop_staged(&self, collection: &CollectionName) -> Result<u64, StoreError> {
        let collection = collection.clone();
        let work = move |file: &_| space::drop_staged(file, &collection);
        self.connections.write("drop what is staged", work).await
    }
}
