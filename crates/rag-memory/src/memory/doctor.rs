//! A check-up of everything the memory stands on.

use std::time::Instant;

use rag_core::port::Purpose;

use super::Memory;
use crate::Error;
use crate::api::Check;

/// What is embedded to see whether that works.
const SPECIMEN: &str = "Does the embedding model answer?";

impl Memory {
    /// Uses the store and the embedder once, and compares them.
    pub async fn diagnose(&self) -> Vec<Check> {
        let mut checks = vec![self.check_store().await, self.check_embedder().await];
        checks.extend(self.check_spaces().await);
        checks.push(self.check_roots());
        checks
    }

    async fn check_store(&self) -> Check {
        match self.store.status().await {
            Ok(status) => Check::ok(
                "store",
                format!(
                    "{} at {}, {} documents, {} chunks",
                    status.kind, status.location, status.document_count, status.chunk_count
                ),
            ),
            Err(error) => Check::failed("store", Error::from(error).to_string()),
        }
    }

    async fn check_embedder(&self) -> Check {
        let started = Instant::now();
        match self
            .embedder
            .embed(&[SPECIMEN.to_owned()], Purpose::Query)
            .await
        {
            Ok(_) => {
                let elapsed_ms = started.elapsed().as_millis();
                Check::ok(
                    "embedding",
                    format!("{} in {elapsed_ms} ms", self.embedder.space()),
                )
            }
            Err(error) => Check::failed("embedding", Error::from(error).to_string()),
        }
    }

    /// Collections that this embedder cannot serve.
    async fn check_spaces(&self) -> Vec<Check> {
        let Ok(collections) = self.store.collections().await else {
            return Vec::new();
        };
        let space = self.embedder.space();
        let foreign = collections
            .iter()
            .filter(|info| &info.collection.space != space);
        foreign
            .map(|info| {
                let collection = &info.collection;
                let detail = format!(
                    "`{}` holds vectors of {}: it is searched by words only and takes no \
                     documents while RAG_EMBEDDING is another model",
                    collection.name, collection.space
                );
                Check::warned("collection", detail)
            })
            .collect()
    }

    fn check_roots(&self) -> Check {
        let paths = self.options.file_roots.paths();
        let shown: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let detail = match shown.is_empty() {
            true => "RAG_FILE_ROOTS is unset: agents may have files below the working directory \
                     read over stdio, none over HTTP"
                .to_owned(),
            false => format!("agents may have files read below {}", shown.join(", ")),
        };
        Check::ok("file roots", detail)
    }
}
