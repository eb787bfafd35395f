//! Putting the files of a directory in, as a job whose items are the files: one
//! that fails is reported and the rest goes on.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rag_core::ingest::unchanged;
use rag_core::model::{
    CollectionInfo, DocumentInfo, Extracted, ItemState, Job, JobItem, JobKind, contains,
};
use rag_core::port::Expect;
use rag_source::{
    DirectoryListing, ExtractError, ListOptions, ListedFile, SourceError, file_uri, list_files,
    modified_at, read_file,
};
use serde_json::Value;

use super::ingest::Placed;
use super::job::{JobRun, Report, new_job, status};
use super::{Memory, Watch, check, ends_the_run, request_of};
use crate::api::{DirectoryIngested, FileOutcome, IngestDirectory, IngestMode};
use crate::{Error, Scope};

/// How many extensions or patterns a caller may name.
const PATTERNS_MAX: usize = 100;

impl Memory {
    /// Puts the files of a directory in, or those of an archive. Ends early
    /// only when there is no going on: the caller stops it, the store or the
    /// embedder is out of reach. What was put in before stays, and a second
    /// call goes on with the rest.
    pub async fn ingest_directory(
        &self,
        request: IngestDirectory,
        watch: &Watch,
    ) -> Result<DirectoryIngested, Error> {
        self.access.require(&[Scope::Ingest])?;
        let collection = self.writable_collection(&request.collection_name).await?;
        if request.file_extensions.is_empty() || request.file_extensions.len() > PATTERNS_MAX {
            let message = format!("`file_extensions` must have 1 to {PATTERNS_MAX} entries");
            return Err(Error::invalid(message).hint("[\"*\"] takes every file"));
        }
        options(&request).check()?;
        check::metadata(&request.metadata)?;
        // The job may be done by a process with another working directory.
        let roots = self.options.file_roots.clone();
        let path = PathBuf::from(&request.directory_path);
        let directory = self.work(move || roots.resolve(&path)).await??;
        let request = IngestDirectory {
            directory_path: directory.display().to_string(),
            ..request
        };
        let name = &collection.collection.name;
        let new = new_job(
            JobKind::Directory,
            name,
            request.directory_path.clone(),
            &request,
        );
        let job = self.start(&new, watch).await?;
        let report = self.report(&job, request.include_document_ids).await?;
        tracing::info!(
            collection.name = %name,
            files = report.counts.done(),
            ingested = report.counts.ingested,
            failed = report.counts.failed,
            "ingested a directory"
        );
        Ok(reply(&job, report))
    }

    pub(super) async fn run_directory(&self, run: &JobRun) -> Result<(), Error> {
        let request: IngestDirectory = request_of(&run.job)?;
        let collection = self.writable_collection(&request.collection_name).await?;
        let directory = PathBuf::from(&request.directory_path);
        let listing = self.list(&directory, &request).await?;
        warn_of_listing(run, &request, &listing);
        let known: HashMap<String, ListedFile> = listing
            .files
            .into_iter()
            .map(|file| (name_below(&directory, &file.path), file))
            .collect();
        let seen = run.items(None).await?;
        let seen: HashSet<String> = seen.into_iter().map(|item| item.name).collect();
        let mut new: Vec<&String> = known.keys().filter(|name| !seen.contains(*name)).collect();
        new.sort();
        run.settle(new.into_iter().map(JobItem::pending).collect())
            .await?;
        run.flush().await?;
        let mut archives = HashSet::new();
        for item in run.items(Some(ItemState::Pending)).await? {
            let name = match known.contains_key(&item.name) {
                true => item.name.clone(),
                // A file of an archive is read with the others of it.
                false => archive_of(&item.name, &known).unwrap_or_default(),
            };
            let is_member = name != item.name;
            let settled = match known.get(&name) {
                Some(_) if !archives.insert(name.clone()) => continue,
                Some(file) => {
                    let item = match is_member {
                        true => JobItem::pending(&name),
                        false => item,
                    };
                    self.see_file(run, &collection, &request, item, file)
                        .await?
                }
                None => skipped(item, "it went away meanwhile"),
            };
            run.settle(vec![settled]).await?;
        }
        run.flush().await?;
        for left in run.items(Some(ItemState::Pending)).await? {
            run.settle(vec![skipped(left, "it is not in its archive any more")])
                .await?;
        }
        if request.mode == IngestMode::Reingest {
            self.drop_vanished(run, &collection, &directory).await?;
        }
        Ok(())
    }

    async fn list(
        &self,
        directory: &Path,
        request: &IngestDirectory,
    ) -> Result<DirectoryListing, Error> {
        let roots = self.options.file_roots.clone();
        let (path, options) = (directory.to_owned(), options(request));
        let bytes_max = self.options.document_bytes_max;
        let list = move || {
            let path = roots.resolve(&path)?;
            match path.is_file() {
                true => archive(path, bytes_max),
                false => list_files(&path, &roots, &options),
            }
        };
        Ok(self.work(list).await??)
    }

    /// Puts one file in, if it is new or changed. The error is one that ends
    /// the job.
    async fn see_file(
        &self,
        run: &JobRun,
        collection: &CollectionInfo,
        request: &IngestDirectory,
        item: JobItem,
        file: &ListedFile,
    ) -> Result<JobItem, Error> {
        let uri = file_uri(&file.path);
        let name = &collection.collection.name;
        let found = self.store.document_of_source(name, &uri).await?;
        if let Some(found) = &found
            && is_as_it_was(found, file, request)
        {
            return Ok(there(item, ItemState::Unchanged, found));
        }
        let read = match self.read(file.path.clone(), request.metadata.clone()).await {
            Ok(Ok(read)) => read,
            Ok(Err(SourceError::Extract {
                source: ExtractError::Archive,
                ..
            })) => {
                return self.see_archive(run, collection, request, item, file).await;
            }
            Ok(Err(SourceError::Extract {
                source: reason @ (ExtractError::Unsupported { .. } | ExtractError::Blank { .. }),
                ..
            })) => {
                return self
                    .without_text(request.mode, item, found, &reason.to_string())
                    .await;
            }
            Ok(Err(error)) => return Ok(failed(item, &Error::from(error))),
            Err(error) => return Err(error),
        };
        self.put_file(run, collection, request.mode, item, read)
            .await
    }

    /// Puts a text of a directory or repository in its place.
    pub(super) async fn put_file(
        &self,
        run: &JobRun,
        collection: &CollectionInfo,
        mode: IngestMode,
        item: JobItem,
        text: Extracted,
    ) -> Result<JobItem, Error> {
        if text.text.trim().is_empty() {
            let name = &collection.collection.name;
            let uri = text.source_uri.unwrap_or_default();
            let found = self.store.document_of_source(name, &uri).await?;
            return self.without_text(mode, item, found, "it has no text").await;
        }
        for warning in &text.warnings {
            run.warn(format!("{}: {warning}", item.name));
        }
        let reason = (!text.warnings.is_empty()).then(|| text.warnings.join("; "));
        let item = JobItem { reason, ..item };
        match self.put_text(collection, mode, item.clone(), text).await {
            Err(error) if !ends_the_run(error.kind()) => Ok(failed(item, &error)),
            settled => settled,
        }
    }

    async fn put_text(
        &self,
        collection: &CollectionInfo,
        mode: IngestMode,
        item: JobItem,
        text: Extracted,
    ) -> Result<JobItem, Error> {
        let Placed { text, found } = self.place(collection, text).await?;
        let same_text = found
            .as_ref()
            .is_some_and(|found| found.content_hash == text.content_hash);
        match &found {
            Some(found) if unchanged(found, &text) => {
                return Ok(there(item, ItemState::Unchanged, found));
            }
            Some(_) if mode == IngestMode::Ingest && !same_text => {
                let reason = "changed since it was put in; mode=reingest replaces it";
                return Ok(skipped(item, reason));
            }
            _ => {}
        }
        let existing = found.map(|found| found.id);
        let stored = self.chunk_embed_put(text, existing, Expect::Any).await?;
        // The same text with other metadata is no news to a reader.
        let state = match same_text {
            true => ItemState::Unchanged,
            false => ItemState::Ingested,
        };
        Ok(JobItem {
            state,
            document: Some(stored.id),
            chunk_count: stored.chunk_count,
            ..item
        })
    }

    /// What becomes of a file without a text: the document of an earlier
    /// version goes, where that may be replaced.
    async fn without_text(
        &self,
        mode: IngestMode,
        item: JobItem,
        found: Option<DocumentInfo>,
        reason: &str,
    ) -> Result<JobItem, Error> {
        match found {
            Some(found) if mode == IngestMode::Reingest => {
                self.store.delete_document(found.id).await?;
                Ok(JobItem {
                    state: ItemState::Removed,
                    ..skipped(item, reason)
                })
            }
            _ => Ok(skipped(item, reason)),
        }
    }
}

/// Says what was not listed.
fn warn_of_listing(run: &JobRun, request: &IngestDirectory, listing: &DirectoryListing) {
    for warning in &listing.warnings {
        run.warn(warning.clone());
    }
    if listing.files.is_empty() {
        let extensions = request.file_extensions.join(", ");
        run.warn(format!(
            "there are no files with the extensions {extensions}"
        ));
    }
    if listing.directories_left > 0 {
        let count = listing.directories_left;
        run.warn(format!(
            "{count} sub-directories were not entered; recursive=true does"
        ));
    }
}

/// An archive as a listing of itself.
fn archive(path: PathBuf, bytes_max: u64) -> Result<DirectoryListing, SourceError> {
    match read_file(&path, bytes_max) {
        Err(SourceError::Extract {
            source: ExtractError::Archive,
            ..
        }) => {}
        _ => return Err(SourceError::NotADirectory { path }),
    }
    let unreadable = |source| SourceError::Unreadable {
        path: path.clone(),
        source,
    };
    let metadata = path.metadata().map_err(unreadable)?;
    let file = ListedFile {
        size_bytes: metadata.len(),
        modified_at: modified_at(&metadata),
        path,
    };
    Ok(DirectoryListing {
        files: vec![file],
        ..DirectoryListing::default()
    })
}

fn options(request: &IngestDirectory) -> ListOptions {
    ListOptions {
        extensions: request.file_extensions.clone(),
        include: request.include.clone(),
        exclude: request.exclude.clone(),
        recursive: request.recursive,
    }
}

/// Whether a file has the size and time of the version that is known, and the
/// caller says the same about it: then it is not read.
fn is_as_it_was(found: &DocumentInfo, file: &ListedFile, request: &IngestDirectory) -> bool {
    let modified = file.modified_at.map(|time| Value::from(time.to_string()));
    modified.is_some()
        && found.metadata.get("modified_at") == modified.as_ref()
        && found.metadata.get("file_size").and_then(Value::as_u64) == Some(file.size_bytes)
        && contains(&found.metadata, &request.metadata)
}

/// The listed archive that the item of a file in it belongs to.
fn archive_of(name: &str, known: &HashMap<String, ListedFile>) -> Option<String> {
    let ends = name.match_indices('#').map(|(end, _)| end);
    let names = ends.map(|end| &name[..end]);
    names
        .rev()
        .find(|name| known.contains_key(*name))
        .map(str::to_owned)
}

/// The path below the directory, for people; as in its address where it is no
/// text, so that no two files share one.
fn name_below(directory: &Path, path: &Path) -> String {
    let below = path.strip_prefix(directory).unwrap_or(path);
    match below.to_str() {
        Some("") => path.display().to_string(),
        Some(name) => name.to_owned(),
        None => file_uri(path),
    }
}

fn there(item: JobItem, state: ItemState, found: &DocumentInfo) -> JobItem {
    JobItem {
        state,
        document: Some(found.id),
        chunk_count: found.chunk_count,
        ..item
    }
}

/// An item that is left out.
pub(super) fn skipped(item: JobItem, reason: &str) -> JobItem {
    JobItem {
        state: ItemState::Skipped,
        reason: Some(reason.to_owned()),
        ..item
    }
}

/// An item that did not work.
pub(super) fn failed(item: JobItem, error: &Error) -> JobItem {
    JobItem {
        state: ItemState::Failed,
        reason: Some(error.message().to_owned()),
        ..item
    }
}

fn reply(job: &Job, report: Report) -> DirectoryIngested {
    let counts = report.counts;
    DirectoryIngested {
        job_id: job.id.to_string(),
        status: status(job.state),
        collection_name: job.new.collection.to_string(),
        files_found: counts.total() - counts.removed,
        files_ingested: counts.ingested,
        files_unchanged: counts.unchanged,
        files_skipped: counts.skipped,
        files_failed: counts.failed,
        files_removed: counts.removed,
        total_chunks: counts.chunks,
        skipped_files: outcomes(report.skipped),
        failed_files: outcomes(report.failed),
        warnings: report.warnings,
        document_ids: report.document_ids,
    }
}

/// Files and reasons as they are on the wire.
pub(super) fn outcomes(listed: Vec<(String, String)>) -> Vec<FileOutcome> {
    let outcome = |(filename, error)| FileOutcome { filename, error };
    listed.into_iter().map(outcome).collect()
}
