//! Showing, listing, changing and removing documents.

use rag_core::ingest;
use rag_core::model::{Chunk, ChunkRef, Document, DocumentId, DocumentInfo, Extracted, Filter};
use rag_core::port::{DocumentPage, Expect, LISTING_LIMIT_MAX};

use super::{Memory, check};
use crate::api::{
    ChunkItem, DeleteDocument, DocumentDeleted, DocumentItem, DocumentList, DocumentUpdated,
    DocumentView, GetDocument, ListDocuments, UpdateDocument,
};
use crate::{Error, ErrorKind, Scope};

/// The most characters of text one answer has.
const CHARS_MAX: i64 = 1_000_000;
/// The most documents on a page.
const PAGE_MAX: i64 = 200;
/// The most completions of an id.
const COMPLETIONS_MAX: usize = 100;
/// How many documents are looked through for a completion.
const COMPLETIONS_SEARCHED_MAX: usize = 1_000;

/// The metadata that tell at which character each page of a document begins.
pub(super) const PAGE_OFFSETS: &str = "page_offsets";

impl Memory {
    /// A document, or a part of it.
    pub async fn get_document(&self, request: GetDocument) -> Result<DocumentView, Error> {
        self.access.require(&[Scope::Read])?;
        let id = self.document_at(&request.document_id).await?;
        let offset = check::in_range("offset", request.offset, 0..=i64::MAX)?;
        let max_chars = check::in_range("max_chars", request.max_chars, 1..=CHARS_MAX)?;
        let document = self.document_of_id(id).await?;
        let chunks = match request.include_chunks {
            true => Some(self.store.chunks(id, 0, u32::MAX).await?),
            false => None,
        };
        let total_chars = document.text.chars().count();
        let end = offset.saturating_add(max_chars);
        let in_part = |chunk: &Chunk| chunk.span.char_start < end && chunk.span.char_end > offset;
        let content: String = document.text.chars().skip(offset).take(max_chars).collect();

        let info = document.info;
        Ok(DocumentView {
            id: id.to_string(),
            filename: info.title,
            collection_name: info.collection.to_string(),
            source_uri: info.source_uri,
            content,
            total_chars,
            next_offset: (end < total_chars).then_some(end),
            file_type: info.media_type.as_str().to_owned(),
            file_size: info.size_bytes,
            metadata: info.metadata,
            created_at: info.created_at.to_string(),
            updated_at: info.updated_at.to_string(),
            chunks: chunks.map(|chunks| {
                chunks
                    .into_iter()
                    .filter(in_part)
                    .map(|chunk| chunk_item(id, chunk))
                    .collect()
            }),
        })
    }

    /// A page of documents, last updated first.
    pub async fn list_documents(&self, request: ListDocuments) -> Result<DocumentList, Error> {
        self.access.require(&[Scope::Read])?;
        let limit = check::in_range("limit", request.limit, 1..=PAGE_MAX)?;
        let offset = check::in_range("offset", request.offset, 0..=i64::MAX)?;
        let page = match self
            .filter_named(request.collection_name.as_deref())
            .await?
        {
            Some(filter) => self.store.documents(&filter, offset, limit).await?,
            None => DocumentPage::default(),
        };
        let documents: Vec<DocumentItem> = page
            .documents
            .into_iter()
            .map(|info| item(info, request.include_details))
            .collect();
        let shown = offset.saturating_add(documents.len()) as u64;
        Ok(DocumentList {
            total_count: page.total,
            returned_count: documents.len(),
            has_more: !documents.is_empty() && shown < page.total,
            documents,
        })
    }

    /// All documents that pass a filter, without their texts.
    pub(super) async fn documents_matching(
        &self,
        filter: &Filter,
    ) -> Result<Vec<DocumentInfo>, Error> {
        let mut documents = Vec::new();
        loop {
            let page = self
                .store
                .documents(filter, documents.len(), LISTING_LIMIT_MAX);
            let page = page.await?.documents;
            if page.is_empty() {
                return Ok(documents);
            }
            documents.extend(page);
        }
    }

    /// A document, if it is in a collection that the caller may use: of others
    /// not even that they are there is told.
    async fn document_of_id(&self, id: DocumentId) -> Result<Document, Error> {
        let found = self.store.document(id).await?;
        found
            .filter(|document| self.access.admits(&document.info.collection))
            .ok_or_else(|| check::no_document(id))
    }

    /// The document of an id, or of a source: the first collection by name that
    /// has that.
    async fn document_at(&self, text: &str) -> Result<DocumentId, Error> {
        let text = text.trim();
        // Every source has a scheme, no id has.
        if !text.contains(':') {
            return check::document_id(text);
        }
        let mut collections = self.usable_collections().await?;
        collections.sort_by(|a, b| a.collection.name.cmp(&b.collection.name));
        for info in collections {
            let name = &info.collection.name;
            if let Some(found) = self.store.document_of_source(name, text).await? {
                return Ok(found.id);
            }
        }
        let message = format!("no collection has a document from `{text}`");
        Err(Error::new(ErrorKind::NotFound, message).hint("list_documents tells sources and ids"))
    }

    /// Changes a document's text, title or metadata in one step. Chunks whose
    /// text stays keep their vectors.
    pub async fn update_document(&self, request: UpdateDocument) -> Result<DocumentUpdated, Error> {
        self.access.require(&[Scope::Ingest])?;
        let id = check::document_id(&request.document_id)?;
        if request.content.is_none() && request.title.is_none() && request.metadata.is_none() {
            return Err(Error::invalid("there is nothing to change")
                .hint("give at least one of `content`, `title` and `metadata`"));
        }
        let old = self.document_of_id(id).await?;
        let mut updated_fields = Vec::new();
        let mut metadata = old.info.metadata;
        if let Some(changes) = request.metadata {
            updated_fields.push("metadata".to_owned());
            for (key, value) in changes {
                match value.is_null() {
                    true => drop(metadata.remove(&key)),
                    false => drop(metadata.insert(key, value)),
                }
            }
        }
        let title = match request.title {
            Some(title) => {
                updated_fields.push("title".to_owned());
                check::line("title", &title)?
            }
            None => old.info.title,
        };
        let text = match request.content {
            Some(content) => {
                updated_fields.push("content".to_owned());
                // They are those of the old text.
                metadata.remove(PAGE_OFFSETS);
                content
            }
            None => old.text,
        };
        let changed = Extracted {
            source_uri: Some(old.info.source_uri),
            title,
            media_type: old.info.media_type,
            text,
            metadata,
            warnings: Vec::new(),
        };
        check::metadata(&changed.metadata)?;
        let info = self.store.collection(&old.info.collection).await?;
        self.same_space(&info)?;
        let bytes_max = self.options.document_bytes_max;
        let text = ingest::identify(old.info.collection, changed, bytes_max)?;
        let expect = Expect::Revision(old.info.revision);
        let stored = self.chunk_embed_put(text, Some(id), expect).await?;
        tracing::info!(document.id = %id, chunks = stored.chunk_count, "updated a document");
        Ok(DocumentUpdated {
            document_id: id.to_string(),
            updated_fields,
            old_chunk_count: old.info.chunk_count,
            new_chunk_count: stored.chunk_count,
        })
    }

    /// Removes a document with its chunks.
    pub async fn delete_document(&self, request: DeleteDocument) -> Result<DocumentDeleted, Error> {
        self.access.require(&[Scope::Admin])?;
        let id = check::document_id(&request.document_id)?;
        if self.access.collections().is_some() {
            self.document_of_id(id).await?;
        }
        let deleted = self
            .store
            .delete_document(id)
            .await?
            .ok_or_else(|| check::no_document(id))?;
        tracing::info!(document.id = %id, collection.name = %deleted.collection, "deleted a document");
        Ok(DocumentDeleted {
            document_id: id.to_string(),
            document_title: deleted.title,
            chunks_deleted: deleted.chunk_count,
            collections_affected: vec![deleted.collection.to_string()],
        })
    }

    /// Ids that begin with `prefix`, of the documents updated last.
    pub async fn complete_document_ids(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.access.require(&[Scope::Read])?;
        let Some(filter) = self.filter_named(None).await? else {
            return Ok(Vec::new());
        };
        let page = self.store.documents(&filter, 0, COMPLETIONS_SEARCHED_MAX);
        let page = page.await?;
        let ids = page.documents.iter().map(|info| info.id.to_string());
        Ok(ids
            .filter(|id| id.starts_with(prefix))
            .take(COMPLETIONS_MAX)
            .collect())
    }
}

/// How a chunk is named to callers.
pub(super) fn chunk_id(chunk: ChunkRef) -> String {
    format!("{}#{}", chunk.document, chunk.index)
}

fn chunk_item(document: DocumentId, chunk: Chunk) -> ChunkItem {
    ChunkItem {
        chunk_id: chunk_id(ChunkRef {
            document,
            index: chunk.index,
        }),
        chunk_index: chunk.index,
        content: chunk.text,
        char_start: chunk.span.char_start,
        char_end: chunk.span.char_end,
        heading_path: chunk.heading_path,
    }
}

fn item(info: DocumentInfo, details: bool) -> DocumentItem {
    DocumentItem {
        id: info.id.to_string(),
        filename: info.title,
        source_uri: info.source_uri,
        chunk_count: info.chunk_count,
        collection_name: info.collection.to_string(),
        file_type: details.then(|| info.media_type.as_str().to_owned()),
        file_size: details.then_some(info.size_bytes),
        created_at: details.then(|| info.created_at.to_string()),
        updated_at: details.then(|| info.updated_at.to_string()),
        metadata: details.then_some(info.metadata),
    }
}
