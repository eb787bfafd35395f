//! Putting texts and files in: the stages of `rag_core::ingest`, each on the
//! threads it needs.

use std::path::PathBuf;

use rag_core::ingest::{self, Identified, IngestError};
use rag_core::model::{ChunkRef, CollectionInfo, DocumentId, DocumentInfo, Extracted, Timestamp};
use rag_core::port::{Expect, StoreError};
use rag_source::{SourceError, read_file, read_upload};
use serde_json::Value;

use super::document::chunk_id;
use super::{Memory, check};
use crate::api::{
    FileIngested, IngestFile, IngestMode, IngestStatus, IngestText, IngestUpload, Object,
    TextIngested,
};
use crate::{Error, ErrorKind, Scope};

/// What is in the store after a text was put in.
pub(super) struct Stored {
    pub(super) id: DocumentId,
    pub(super) chunk_count: u32,
    pub(super) status: IngestStatus,
}

impl Stored {
    /// A document that is there already just as it was to be.
    pub(super) fn unchanged(found: &DocumentInfo) -> Self {
        Stored {
            id: found.id,
            chunk_count: found.chunk_count,
            status: IngestStatus::Unchanged,
        }
    }
}

/// A text that knows where it belongs.
pub(super) struct Placed {
    pub(super) text: Identified,
    /// What the collection has for its source.
    pub(super) found: Option<DocumentInfo>,
}

impl Memory {
    /// Puts a text in.
    pub async fn ingest_text(&self, request: IngestText) -> Result<TextIngested, Error> {
        self.access.require(&[Scope::Ingest])?;
        let collection = self.writable_collection(&request.collection_name).await?;
        let title = match &request.document_title {
            Some(title) => check::line("document_title", title)?,
            None => String::new(),
        };
        let source = Extracted {
            source_uri: None,
            title,
            media_type: ingest::UNNAMED_MEDIA_TYPE,
            text: request.content,
            metadata: request.metadata,
            warnings: Vec::new(),
        };
        let stored = self
            .store_placed(self.place(&collection, source).await?, request.mode)
            .await?;
        log("ingested a text", &collection, &stored);
        Ok(TextIngested {
            source_document_id: stored.id.to_string(),
            num_chunks: stored.chunk_count,
            collection_name: request.collection_name,
            status: stored.status,
            chunk_ids: request.include_chunk_ids.then(|| chunk_ids(&stored)),
        })
    }

    /// Puts a file of this machine in.
    pub async fn ingest_file(&self, request: IngestFile) -> Result<FileIngested, Error> {
        self.access.require(&[Scope::Ingest])?;
        let collection = self.writable_collection(&request.collection_name).await?;
        let file = self
            .read(PathBuf::from(&request.file_path), request.metadata)
            .await??;
        let (mut ingested, stored) = self.store_file(&collection, file, request.mode).await?;
        ingested.chunk_ids = request.include_chunk_ids.then(|| chunk_ids(&stored));
        Ok(ingested)
    }

    /// Puts a file in that the caller sent.
    pub async fn ingest_upload(&self, request: IngestUpload) -> Result<FileIngested, Error> {
        self.access.require(&[Scope::Ingest])?;
        let collection = self.writable_collection(&request.collection_name).await?;
        let path = request.filename.replace('\\', "/");
        let name = path.rsplit('/').next().unwrap_or_default();
        let name = check::line("filename", name)?;
        let bytes_max = self.options.document_bytes_max;
        let (shown, content_type) = (PathBuf::from(&name), request.content_type);
        let bytes = request.bytes;
        let read = move || read_upload(bytes, &name, content_type.as_deref(), bytes_max);
        let file = self.extraction(read).await?;
        let mut file = file.map_err(|source| SourceError::Extract {
            path: shown,
            source,
        })?;
        let own = std::mem::replace(&mut file.metadata, request.metadata);
        file.metadata.extend(own);
        let (ingested, _) = self.store_file(&collection, file, request.mode).await?;
        Ok(ingested)
    }

    async fn store_file(
        &self,
        collection: &CollectionInfo,
        file: Extracted,
        mode: IngestMode,
    ) -> Result<(FileIngested, Stored), Error> {
        let told = |name: &str| {
            let value = file.metadata.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let (filename, file_type) = (told("filename"), told("file_type"));
        let file_size = file.metadata.get("file_size").and_then(Value::as_u64);
        let warnings = file.warnings.clone();
        let placed = self.place(collection, file).await?;
        let stored = self.store_placed(placed, mode).await?;
        log("ingested a file", collection, &stored);
        let ingested = FileIngested {
            source_document_id: stored.id.to_string(),
            num_chunks: stored.chunk_count,
            collection_name: collection.collection.name.to_string(),
            status: stored.status,
            filename,
            file_type,
            file_size: file_size.unwrap_or_default(),
            warnings,
            chunk_ids: None,
        };
        Ok((ingested, stored))
    }

    /// The collection called `name`, if this embedder's vectors belong there.
    pub(super) async fn writable_collection(&self, name: &str) -> Result<CollectionInfo, Error> {
        let info = self.collection_named(name).await?;
        self.same_space(&info)?;
        Ok(info)
    }

    /// Refuses a collection of another embedding space before any work is done.
    pub(super) fn same_space(&self, info: &CollectionInfo) -> Result<(), Error> {
        let collection = &info.collection;
        if &collection.space == self.embedder.space() {
            return Ok(());
        }
        Err(StoreError::WrongSpace {
            collection: collection.name.clone(),
            expected: collection.space.clone(),
            got: self.embedder.space().clone(),
        }
        .into())
    }

    /// Reads a file that the roots allow, with the caller's metadata below its own.
    pub(super) async fn read(
        &self,
        path: PathBuf,
        metadata: Object,
    ) -> Result<Result<Extracted, SourceError>, Error> {
        let roots = self.options.file_roots.clone();
        let bytes_max = self.options.document_bytes_max;
        let shown = path.clone();
        let read = move || {
            Ok(roots
                .resolve(&path)
                .and_then(|path| read_file(&path, bytes_max)))
        };
        let read = match self.extraction(read).await? {
            Ok(read) => read,
            Err(source) => Err(SourceError::Extract {
                path: shown,
                source,
            }),
        };
        Ok(read.map(|mut text| {
            let own = std::mem::replace(&mut text.metadata, metadata);
            text.metadata.extend(own);
            text
        }))
    }

    /// Gives a text its place in a collection: its identity, and what is there already.
    pub(super) async fn place(
        &self,
        collection: &CollectionInfo,
        source: Extracted,
    ) -> Result<Placed, Error> {
        check::own_metadata(&source.metadata)?;
        let name = collection.collection.name.clone();
        let text = ingest::identify(name, source, self.options.document_bytes_max)?;
        let found = self
            .store
            .document_of_source(&text.collection, &text.source_uri)
            .await?;
        Ok(Placed { text, found })
    }

    /// Puts a text into its place, as `mode` has it.
    pub(super) async fn store_placed(
        &self,
        placed: Placed,
        mode: IngestMode,
    ) -> Result<Stored, Error> {
        let Placed { text, found } = placed;
        match (found, mode) {
            (None, IngestMode::Ingest) => self.store_new(text).await,
            (None, IngestMode::Reingest) => self.chunk_embed_put(text, None, Expect::Any).await,
            (Some(found), IngestMode::Ingest) => Err(exists(&found, &text)),
            (Some(found), IngestMode::Reingest) if ingest::unchanged(&found, &text) => {
                Ok(Stored::unchanged(&found))
            }
            (Some(found), IngestMode::Reingest) => {
                self.chunk_embed_put(text, Some(found.id), Expect::Any)
                    .await
            }
        }
    }

    /// Puts a text in that was not there a moment ago.
    async fn store_new(&self, text: Identified) -> Result<Stored, Error> {
        match self
            .chunk_embed_put(text.clone(), None, Expect::Absent)
            .await
        {
            // Someone else put it in at the same time.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let uri = &text.source_uri;
                let found = self.store.document_of_source(&text.collection, uri).await?;
                Err(found.map_or(error, |found| exists(&found, &text)))
            }
            other => other,
        }
    }

    /// The stages from an identified text to the store.
    pub(super) async fn chunk_embed_put(
        &self,
        text: Identified,
        existing: Option<DocumentId>,
        expect: Expect,
    ) -> Result<Stored, Error> {
        let started = std::time::Instant::now();
        let collection = text.collection.clone();
        let embedder = self.embedder.clone();
        let draft = self
            .work(move || ingest::prepare(&*embedder, text))
            .await??;
        let (store, embedder) = (&*self.store, &*self.embedder);
        let document = ingest::embed(store, embedder, draft, Timestamp::now()).await?;
        let chunk_count = document.document.info.chunk_count;
        let (id, outcome) =
            ingest::put(store, embedder.space(), document, existing, expect).await?;
        tracing::debug!(
            document.id = %id,
            collection.name = %collection,
            chunks = chunk_count,
            duration_ms = started.elapsed().as_secs_f64() * 1e3,
            "stored a document"
        );
        let status = match outcome.replaced_chunk_count {
            None => IngestStatus::Ingested,
            Some(_) => IngestStatus::Replaced,
        };
        Ok(Stored {
            id,
            chunk_count,
            status,
        })
    }
}

/// The error for a source that is there already.
fn exists(found: &DocumentInfo, text: &Identified) -> Error {
    IngestError::Exists {
        title: found.title.clone(),
        collection: found.collection.clone(),
        id: found.id,
        unchanged: found.content_hash == text.content_hash,
    }
    .into()
}

fn log(message: &str, collection: &CollectionInfo, stored: &Stored) {
    tracing::info!(
        document.id = %stored.id,
        collection.name = %collection.collection.name,
        chunks = stored.chunk_count,
        "{message}"
    );
}

fn chunk_ids(stored: &Stored) -> Vec<String> {
    let chunk = |index| ChunkRef {
        document: stored.id,
        index,
    };
    (0..stored.chunk_count)
        .map(|index| chunk_id(chunk(index)))
        .collect()
}
