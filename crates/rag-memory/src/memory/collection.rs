//! Making, describing and removing collections.

use rag_core::model::{Collection, CollectionInfo, Filter, Timestamp};

use super::{Memory, check};
use crate::api::{
    CollectionCreated, CollectionDeleted, CollectionDetails, CollectionItem, CollectionList,
    CollectionUpdated, CreateCollection, DeleteCollection, GetCollectionInfo,
    UpdateCollectionDescription,
};
use crate::{Error, Scope};

/// How many documents stand for a collection in its details.
const SAMPLE_DOCUMENTS: usize = 5;
/// The most completions of a name.
const COMPLETIONS_MAX: usize = 100;

impl Memory {
    /// All collections, newest first.
    pub async fn list_collections(&self) -> Result<CollectionList, Error> {
        self.access.require(&[Scope::Read, Scope::Ingest])?;
        let item = |info: CollectionInfo| CollectionItem {
            name: info.collection.name.to_string(),
            description: info.collection.description,
            document_count: info.document_count,
            chunk_count: info.chunk_count,
            created_at: info.collection.created_at.to_string(),
        };
        let infos = self.usable_collections().await?;
        let collections = infos.into_iter().map(item).collect();
        Ok(CollectionList { collections })
    }

    /// Makes a collection in the embedder's space.
    pub async fn create_collection(
        &self,
        request: CreateCollection,
    ) -> Result<CollectionCreated, Error> {
        self.access.require(&[Scope::Ingest])?;
        let collection = Collection {
            name: check::collection_name(&request.name)?,
            description: check::line("description", &request.description)?,
            metadata_schema: request.metadata_schema,
            space: self.embedder.space().clone(),
            created_at: Timestamp::now(),
        };
        self.access.require_collection(&collection.name)?;
        if let Some(schema) = &collection.metadata_schema {
            check::metadata(schema)?;
        }
        self.store.create_collection(&collection).await?;
        tracing::info!(collection.name = %collection.name, "created a collection");
        Ok(CollectionCreated {
            name: collection.name.to_string(),
            description: collection.description,
            created: true,
            embedding_model: collection.space.model,
            embedding_dimensions: collection.space.dimensions,
        })
    }

    /// Replaces a collection's description.
    pub async fn update_collection_description(
        &self,
        request: UpdateCollectionDescription,
    ) -> Result<CollectionUpdated, Error> {
        self.access.require(&[Scope::Ingest])?;
        let name = self.collection_named(&request.name).await?.collection.name;
        let description = check::line("description", &request.description)?;
        self.store.describe_collection(&name, &description).await?;
        Ok(CollectionUpdated {
            name: name.to_string(),
            description,
            updated: true,
        })
    }

    /// All about one collection.
    pub async fn collection_info(
        &self,
        request: GetCollectionInfo,
    ) -> Result<CollectionDetails, Error> {
        self.access.require(&[Scope::Read])?;
        let info = self.collection_named(&request.collection_name).await?;
        let filter = Filter {
            collections: vec![info.collection.name.clone()],
            ..Filter::default()
        };
        let sample = self.store.documents(&filter, 0, SAMPLE_DOCUMENTS).await?;
        let crawled_urls = self.crawled_urls(&info).await?;
        let kept = self.kept_spaces(&info.collection).await?;
        Ok(CollectionDetails {
            name: info.collection.name.to_string(),
            description: info.collection.description,
            document_count: info.document_count,
            chunk_count: info.chunk_count,
            created_at: info.collection.created_at.to_string(),
            embedding_model: info.collection.space.model,
            embedding_dimensions: info.collection.space.dimensions,
            kept,
            metadata_schema: info.collection.metadata_schema,
            sample_documents: sample
                .documents
                .into_iter()
                .map(|info| info.title)
                .collect(),
            crawled_urls,
        })
    }

    /// Removes a collection with its documents, if that is confirmed.
    pub async fn delete_collection(
        &self,
        request: DeleteCollection,
    ) -> Result<CollectionDeleted, Error> {
        self.access.require(&[Scope::Admin])?;
        let info = self.collection_named(&request.name).await?;
        let name = info.collection.name;
        if !request.confirm {
            let count = info.document_count;
            let message = format!(
                "deleting collection `{name}` with its {count} documents was not confirmed"
            );
            return Err(Error::invalid(message)
                .hint("this cannot be undone: ask the user, then pass confirm=true"));
        }
        let deleted = self.store.delete_collection(&name).await?;
        tracing::info!(collection.name = %name, documents = deleted.document_count, "deleted a collection");
        Ok(CollectionDeleted {
            name: name.to_string(),
            deleted: true,
            documents_deleted: deleted.document_count,
            chunks_deleted: deleted.chunk_count,
        })
    }

    /// Names of collections that begin with `prefix`.
    pub async fn complete_collection_names(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.access.require(&[Scope::Read, Scope::Ingest])?;
        let infos = self.usable_collections().await?;
        let names = infos
            .into_iter()
            .map(|info| info.collection.name.to_string());
        Ok(names
            .filter(|name| name.starts_with(prefix))
            .take(COMPLETIONS_MAX)
            .collect())
    }
}
