//! Putting a document of an earlier memory into a collection: with the chunks and
//! vectors it had where they are of use, else cut and embedded anew.

use std::sync::Arc;

use rag_core::ingest::{self, ForeignChunk, Identified};
use rag_core::model::{DocumentId, DocumentInfo, EmbeddedDocument, Timestamp};
use rag_core::port::{Expect, LegacyDocument};

use super::{Import, source};
use crate::api::IngestMode;
use crate::memory::check;
use crate::{Error, ErrorKind};

/// What became of a document.
pub(super) enum Put {
    /// It is here now; in a dry run, it would be.
    Stored {
        /// How many chunks were written.
        chunk_count: u32,
        /// Whether they and their vectors are those it had.
        kept: bool,
    },
    /// It was here.
    Unchanged,
    /// It is left out, and why.
    Skipped(String),
}

/// The chunks that a document had, once they were read: `None` inside when they
/// are of no use.
pub(super) type Chunks = Option<Option<Arc<[ForeignChunk]>>>;

impl Import<'_> {
    /// Puts a document into the target at `place`.
    pub(super) async fn put(
        &mut self,
        document: &LegacyDocument,
        place: usize,
        chunks: &mut Chunks,
    ) -> Result<Put, Error> {
        let text = match self.identified(document, place)? {
            Ok(text) => text,
            Err(reason) => return Ok(Put::Skipped(reason)),
        };
        let identity = DocumentId::derive(&text.collection, &text.source_uri, 0);
        if let Some(&newer) = self.settled.get(&identity) {
            let reason = format!("document {newer}, which is newer, is of the same source");
            return Ok(Put::Skipped(reason));
        }
        let found = self.found(&text, place).await?;
        let put = match (&found, self.request.mode) {
            (Some(found), _) if ingest::unchanged(found, &text) => Put::Unchanged,
            // Its title or metadata may have been changed here.
            (Some(found), IngestMode::Ingest) if found.content_hash == text.content_hash => {
                Put::Unchanged
            }
            (Some(_), IngestMode::Ingest) => {
                let reason = "it is here with other content; --reingest replaces that";
                Put::Skipped(reason.to_owned())
            }
            _ => {
                self.store(document, text, found.map(|found| found.id), chunks)
                    .await?
            }
        };
        self.settled.insert(identity, document.id);
        Ok(put)
    }

    /// A document with its identity here, or why it is left out.
    fn identified(
        &self,
        document: &LegacyDocument,
        place: usize,
    ) -> Result<Result<Identified, String>, Error> {
        let bytes_max = self.memory.options.document_bytes_max;
        let Some(text) = document.text.clone() else {
            let bytes = document.text_bytes;
            let message = format!("it has {bytes} bytes of text, a document may have {bytes_max}");
            return Err(Error::new(ErrorKind::TooLarge, message));
        };
        if text.trim().is_empty() {
            return Ok(Err("it has no text".to_owned()));
        }
        let metadata = document.metadata.clone();
        let metadata = metadata.ok_or_else(|| {
            Error::new(
                ErrorKind::TooLarge,
                "its metadata are larger than a document may have",
            )
        })?;
        let extracted = source::extracted(document, text, metadata);
        check::own_metadata(&extracted.metadata)?;
        let collection = self.targets[place].info.collection.name.clone();
        Ok(Ok(ingest::identify(collection, extracted, bytes_max)?))
    }

    /// What the target has for the same source.
    async fn found(&self, text: &Identified, place: usize) -> Result<Option<DocumentInfo>, Error> {
        match self.targets[place].exists {
            true => {
                let store = &self.memory.store;
                Ok(store
                    .document_of_source(&text.collection, &text.source_uri)
                    .await?)
            }
            false => Ok(None),
        }
    }

    /// Writes a document, in place of the one with the id `existing`.
    async fn store(
        &self,
        document: &LegacyDocument,
        text: Identified,
        existing: Option<DocumentId>,
        chunks: &mut Chunks,
    ) -> Result<Put, Error> {
        let (text, adopted) = match self.chunks(document, chunks).await? {
            Some(chunks) => self.adopt(text, chunks).await?,
            None => (text, None),
        };
        let kept = adopted.is_some();
        let embedded = match adopted {
            None if !self.request.dry_run => Some(self.embed(text).await?),
            adopted => adopted,
        };
        let Some(mut embedded) = embedded.filter(|_| !self.request.dry_run) else {
            let chunk_count = 0;
            return Ok(Put::Stored { chunk_count, kept });
        };
        let info = &mut embedded.document.info;
        let chunk_count = info.chunk_count;
        info.updated_at = document
            .updated_at
            .or(document.created_at)
            .unwrap_or(info.updated_at);
        info.created_at = document.created_at.unwrap_or(info.updated_at);
        let memory = self.memory;
        ingest::put(
            &*memory.store,
            memory.embedder.space(),
            embedded,
            existing,
            match existing {
                Some(_) => Expect::Any,
                None => Expect::Absent,
            },
        )
        .await?;
        Ok(Put::Stored { chunk_count, kept })
    }

    /// The chunks a document had, if they may be of use; read once.
    async fn chunks(
        &self,
        document: &LegacyDocument,
        chunks: &mut Chunks,
    ) -> Result<Option<Arc<[ForeignChunk]>>, Error> {
        if !self.memory.keeps_legacy_vectors() {
            return Ok(None);
        }
        if let Some(chunks) = chunks {
            return Ok(chunks.clone());
        }
        let theirs = self.source.chunks(document.id).await?.into_iter();
        let with_vector = theirs.map(|chunk| {
            let text = chunk.text;
            chunk.vector.map(|vector| ForeignChunk { text, vector })
        });
        let read: Option<Arc<[ForeignChunk]>> = with_vector.collect();
        *chunks = Some(read.clone());
        Ok(read)
    }

    /// The text, and the document with the chunks it had, if they are all of it.
    async fn adopt(
        &self,
        text: Identified,
        chunks: Arc<[ForeignChunk]>,
    ) -> Result<(Identified, Option<EmbeddedDocument>), Error> {
        let dimensions = self.memory.embedder.space().dimensions;
        let adopt = move || {
            let adopted = ingest::adopt(&text, &chunks, dimensions, Timestamp::now());
            (text, adopted)
        };
        self.memory.work(adopt).await
    }

    /// The document cut and embedded anew.
    async fn embed(&self, text: Identified) -> Result<EmbeddedDocument, Error> {
        let memory = self.memory;
        let embedder = memory.embedder.clone();
        let draft = memory
            .work(move || ingest::prepare(&*embedder, text))
            .await??;
        let (store, embedder) = (&*memory.store, &*memory.embedder);
        Ok(ingest::embed(store, embedder, draft, Timestamp::now()).await?)
    }
}
