//! The PostgreSQL store as what keeps a collection in two embedding spaces: each
//! call in its transaction.

use async_trait::async_trait;
use rag_core::model::{CollectionName, DocumentId, EmbeddedDocument, EmbeddingSpace};
use rag_core::port::{LISTING_LIMIT_MAX, SpaceStore, StagedSpace, StoreError};

use super::connections::Kind;
use super::{PostgresStore, space};

#[async_trait]
impl SpaceStore for PostgresStore {
    async fn stage_document(
        &self,
        document: &EmbeddedDocument,
        space: &EmbeddingSpace,
    ) -> Result<bool, StoreError> {
        let kind = Kind::WriteAlone(document.document.info.id.as_i64());
        let action = "stage a document";
        let (is_staged, grown) = self
            .connections
            .call(
                kind,
                action,
                (document, space),
                |session, &(document, space)| Box::pin(space::stage(session, document, space)),
            )
            .await?;
        if let Some(space) = grown {
            self.index(space).await;
        }
        Ok(is_staged)
    }

    async fn staged_spaces(
        &self,
        collection: &CollectionName,
    ) -> Result<Vec<StagedSpace>, StoreError> {
        self.connections
            .read("read what is staged", collection, |session, &collection| {
                Box::pin(space::staged(session, collection))
            })
            .await
    }

    async fn unstaged_documents(
        &self,
        collection: &CollectionName,
        space: &EmbeddingSpace,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let limit = limit.min(LISTING_LIMIT_MAX);
        self.connections
            .read(
                "read what is not staged",
                (collection, space, after, limit),
                |session, &(collection, space, after, limit)| {
                    Box::pin(space::unstaged(session, collection, space, after, limit))
                },
            )
            .await
    }

    async fn switch_space(
        &self,
        collection: &CollectionName,
        space: &EmbeddingSpace,
    ) -> Result<bool, StoreError> {
        self.connections
            .call(
                Kind::WriteMuch,
                "switch the space",
                (collection, space),
                |session, &(collection, space)| Box::pin(space::switch(session, collection, space)),
            )
            .await
    }

    async fn drop_staged(&self, collection: &CollectionName) -> Result<u64, StoreError> {
        self.connections
            .call(
                Kind::WriteMuch,
                "drop what is staged",
                collection,
                |session, &collection| Box::pin(space::drop_staged(session, collection)),
            )
            .await
    }
}
