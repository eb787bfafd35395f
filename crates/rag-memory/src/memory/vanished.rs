//! Removing the documents of files that are there no more.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rag_core::model::{CollectionInfo, DocumentInfo, Filter, ItemState, JobItem};
use rag_source::file_uri;

use super::Memory;
use super::job::JobRun;
use crate::Error;

impl Memory {
    /// Removes the documents of a directory's files that are gone, rather than
    /// left out.
    pub(super) async fn drop_vanished(
        &self,
        run: &JobRun,
        collection: &CollectionInfo,
        directory: &Path,
    ) -> Result<(), Error> {
        let below = format!("{}/", file_uri(directory).trim_end_matches('/'));
        let documents = self.documents_below(collection, &below).await?;
        let is_gone = |document: &DocumentInfo| {
            let path = path_of(document);
            // A file that cannot be seen now is not gone.
            path.is_some_and(|path| matches!(path.try_exists(), Ok(false)))
        };
        let gone = move || documents.into_iter().filter(is_gone).collect::<Vec<_>>();
        for document in self.work(gone).await? {
            let name = document.source_uri[below.len()..].to_owned();
            self.drop_document(run, &document, name).await?;
        }
        Ok(())
    }

    /// Removes the documents of an archive's files that are in it no more.
    pub(super) async fn drop_members(
        &self,
        run: &JobRun,
        collection: &CollectionInfo,
        archive: (&str, &Path),
        kept: &HashSet<String>,
    ) -> Result<(), Error> {
        let (name, path) = archive;
        let below = format!("{}#", file_uri(path));
        for document in self.documents_below(collection, &below).await? {
            if !kept.contains(&document.source_uri) {
                let name = format!("{name}#{}", &document.source_uri[below.len()..]);
                self.drop_document(run, &document, name).await?;
            }
        }
        Ok(())
    }

    async fn drop_document(
        &self,
        run: &JobRun,
        document: &DocumentInfo,
        name: String,
    ) -> Result<(), Error> {
        self.store.delete_document(document.id).await?;
        let removed = JobItem {
            state: ItemState::Removed,
            ..JobItem::pending(name)
        };
        run.settle(vec![removed]).await
    }

    /// The documents of a collection whose source begins with `prefix`.
    async fn documents_below(
        &self,
        collection: &CollectionInfo,
        prefix: &str,
    ) -> Result<Vec<DocumentInfo>, Error> {
        let filter = Filter {
            collections: vec![collection.collection.name.clone()],
            ..Filter::default()
        };
        let mut documents = self.documents_matching(&filter).await?;
        documents.retain(|document| document.source_uri.starts_with(prefix));
        Ok(documents)
    }
}

/// The file that a document came from.
fn path_of(document: &DocumentInfo) -> Option<PathBuf> {
    let mut uri = url::Url::parse(&document.source_uri).ok()?;
    uri.set_fragment(None);
    uri.to_file_path().ok()
}
