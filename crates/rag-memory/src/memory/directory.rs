//! Putting the files of a directory in, one after the other: a file that fails
//! is reported and the rest goes on.

use std::path::{Path, PathBuf};

use rag_core::ingest::unchanged;
use rag_core::model::CollectionInfo;
use rag_source::{DirectoryListing, list_files};

use super::ingest::Stored;
use super::{Memory, Progress, Watch};
use crate::api::{DirectoryIngested, FileOutcome, IngestDirectory, IngestMode, IngestStatus};
use crate::{Error, ErrorKind};

/// How many files a reply lists by name.
const OUTCOMES_LISTED_MAX: usize = 100;
/// How many extensions a caller may name.
const EXTENSIONS_MAX: usize = 100;

/// What became of one file.
enum Outcome {
    /// With what was poor about the file.
    Stored(Stored, Vec<String>),
    Unread(Error),
    /// Nothing but white space.
    Blank,
    /// There with other content, which only `reingest` replaces.
    Changed,
}

impl Memory {
    /// Puts the files of a directory in. Ends early only when there is no
    /// going on: the caller stops it, the store or the embedder is out of
    /// reach. What was put in before stays, and a second call goes on with the
    /// rest.
    pub async fn ingest_directory(
        &self,
        request: IngestDirectory,
        watch: &Watch,
    ) -> Result<DirectoryIngested, Error> {
        let collection = self.writable_collection(&request.collection_name).await?;
        let directory = PathBuf::from(&request.directory_path);
        let listing = tokio::select! {
            biased;
            () = watch.cancel.cancelled() => {
                let message = "cancelled before any file was read";
                return Err(Error::new(ErrorKind::Cancelled, message));
            }
            listing = self.list(directory.clone(), &request) => listing?,
        };
        let mut report = Report::new(&request, &listing);
        for path in &listing.files {
            let name = name_below(&directory, path);
            let work = self.ingest_listed(&collection, path, &request);
            // Dropping the work in the middle of a file leaves that file as it was.
            let outcome = tokio::select! {
                biased;
                () = watch.cancel.cancelled() => {
                    return Err(report.stopped("it was cancelled", ErrorKind::Cancelled));
                }
                outcome = work => outcome,
            };
            match outcome {
                Ok(outcome) => report.add(&name, outcome),
                Err(error) if ends_the_run(error.kind()) => {
                    return Err(report.stopped(&error.to_string(), error.kind()));
                }
                Err(error) => report.fail(&name, error.message()),
            }
            let (done, total) = (report.done as u64, listing.files.len() as u64);
            (watch.progress)(Progress {
                done,
                total,
                message: name,
            });
        }
        tracing::info!(
            collection.name = %collection.collection.name,
            files = report.done,
            ingested = report.reply.files_ingested,
            failed = report.reply.files_failed,
            "ingested a directory"
        );
        Ok(report.reply)
    }

    async fn list(
        &self,
        directory: PathBuf,
        request: &IngestDirectory,
    ) -> Result<DirectoryListing, Error> {
        if request.file_extensions.is_empty() || request.file_extensions.len() > EXTENSIONS_MAX {
            let message = format!("`file_extensions` must have 1 to {EXTENSIONS_MAX} entries");
            return Err(Error::invalid(message).hint("[\"*\"] takes every text file"));
        }
        let roots = self.options.file_roots.clone();
        let (extensions, recursive) = (request.file_extensions.clone(), request.recursive);
        let listing = move || {
            let directory = roots.resolve(&directory)?;
            list_files(&directory, &roots, &extensions, recursive)
        };
        Ok(self.work(listing).await??)
    }

    async fn ingest_listed(
        &self,
        collection: &CollectionInfo,
        path: &Path,
        request: &IngestDirectory,
    ) -> Result<Outcome, Error> {
        let file = match self.read(path.to_owned(), request.metadata.clone()).await {
            Ok(file) => file,
            // A file that cannot be read says nothing about the next one.
            Err(error) => return Ok(Outcome::Unread(error)),
        };
        if file.source.text.trim().is_empty() {
            return Ok(Outcome::Blank);
        }
        let warnings = file.source.warnings.clone();
        let placed = self.place(collection, file.source).await?;
        match &placed.found {
            Some(found) if unchanged(found, &placed.text) => {
                Ok(Outcome::Stored(Stored::unchanged(found), warnings))
            }
            Some(_) if request.mode == IngestMode::Ingest => Ok(Outcome::Changed),
            _ => self
                .store_placed(placed, request.mode)
                .await
                .map(|stored| Outcome::Stored(stored, warnings)),
        }
    }
}

/// Whether every further file would fail the same way.
fn ends_the_run(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::EmbeddingRefused | ErrorKind::RateLimited | ErrorKind::Unavailable
    )
}

/// The path below the directory, for people.
fn name_below(directory: &Path, path: &Path) -> String {
    let real = directory.canonicalize();
    let below = real
        .ok()
        .and_then(|real| path.strip_prefix(real).ok().map(Path::to_owned));
    below
        .unwrap_or_else(|| path.to_owned())
        .display()
        .to_string()
}

struct Report {
    reply: DirectoryIngested,
    done: usize,
}

impl Report {
    fn new(request: &IngestDirectory, listing: &DirectoryListing) -> Self {
        let mut warnings = listing.warnings.clone();
        if listing.files.is_empty() {
            let extensions = request.file_extensions.join(", ");
            warnings.push(format!(
                "there are no files with the extensions {extensions}"
            ));
        }
        if listing.directories_left > 0 {
            let count = listing.directories_left;
            warnings.push(format!(
                "{count} sub-directories were not entered; recursive=true does"
            ));
        }
        let reply = DirectoryIngested {
            collection_name: request.collection_name.clone(),
            files_found: listing.files.len(),
            files_ingested: 0,
            files_unchanged: 0,
            files_skipped: 0,
            files_failed: 0,
            total_chunks: 0,
            skipped_files: Vec::new(),
            failed_files: Vec::new(),
            warnings,
            document_ids: request.include_document_ids.then(Vec::new),
        };
        Report { reply, done: 0 }
    }

    fn add(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Stored(stored, warnings) => {
                for warning in warnings {
                    self.warn(format!("{name}: {warning}"));
                }
                match stored.status {
                    IngestStatus::Unchanged => self.reply.files_unchanged += 1,
                    IngestStatus::Ingested | IngestStatus::Replaced => {
                        self.reply.files_ingested += 1;
                        self.reply.total_chunks += u64::from(stored.chunk_count);
                    }
                }
                if let Some(ids) = &mut self.reply.document_ids {
                    ids.push(stored.id.to_string());
                }
            }
            Outcome::Unread(error) => return self.fail(name, error.message()),
            Outcome::Blank => self.skip(name, "it has no text"),
            Outcome::Changed => {
                self.skip(
                    name,
                    "changed since it was put in; mode=reingest replaces it",
                );
            }
        }
        self.done += 1;
    }

    fn warn(&mut self, warning: String) {
        if self.reply.warnings.len() < OUTCOMES_LISTED_MAX {
            self.reply.warnings.push(warning);
        }
    }

    fn skip(&mut self, name: &str, why: &str) {
        self.reply.files_skipped += 1;
        let outcome = FileOutcome {
            filename: name.to_owned(),
            error: why.to_owned(),
        };
        list(&mut self.reply.skipped_files, outcome);
    }

    fn fail(&mut self, name: &str, error: &str) {
        self.done += 1;
        self.reply.files_failed += 1;
        let error = error.to_owned();
        list(
            &mut self.reply.failed_files,
            FileOutcome {
                filename: name.to_owned(),
                error,
            },
        );
    }

    fn stopped(&self, why: &str, kind: ErrorKind) -> Error {
        let reply = &self.reply;
        let message = format!(
            "stopped after {} of {} files ({} put in, {} unchanged, {} failed): {why}",
            self.done,
            reply.files_found,
            reply.files_ingested,
            reply.files_unchanged,
            reply.files_failed
        );
        Error::new(kind, message).hint("what was put in stays; the same call goes on with the rest")
    }
}

fn list(outcomes: &mut Vec<FileOutcome>, outcome: FileOutcome) {
    if outcomes.len() < OUTCOMES_LISTED_MAX {
        outcomes.push(outcome);
    }
}
