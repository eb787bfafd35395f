//! Putting repositories in, as a job whose items are the files that match.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use globset::GlobSet;
use rag_core::model::{
    CollectionInfo, DocumentInfo, Filter, ItemState, Job, JobItem, JobKind, JobState, Metadata,
    NewJob,
};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter};
use rag_extract::{About, ExtractError, extract_document};
use rag_web::{RepositoryFile, RepositoryRef, Tarball};
use serde_json::Value;
use tokio::sync::mpsc;

use super::directory::{failed, outcomes, skipped};
use super::job::{JobRun, Report, new_job, status};
use super::{Memory, Watch, check, request_of};
use crate::api::{DOCUMENT_EXTENSIONS, IngestMode, IngestRepository, RepositoryIngested};
use crate::{Error, ErrorKind, Scope};

/// How many patterns a caller may name.
const PATTERNS_MAX: usize = 100;
/// How many files are unpacked ahead of those that are put in.
const AHEAD_MAX: usize = 2;

/// What comes out of a tarball.
enum Unpacked {
    File(RepositoryFile),
    TooLarge(String, u64),
}

impl Memory {
    /// Puts the files of a repository in. When its commit has not moved since
    /// the last time, nothing is fetched; else only files that changed are
    /// embedded, and those that went are removed.
    pub async fn ingest_repository(
        &self,
        request: IngestRepository,
        watch: &Watch,
    ) -> Result<RepositoryIngested, Error> {
        self.access.require(&[Scope::Ingest])?;
        let collection = self.writable_collection(&request.collection_name).await?;
        let repository = check::repository(&request.repository)?;
        wanted(&request)?;
        check::metadata(&request.metadata)?;
        let request = IngestRepository {
            repository: repository.to_string(),
            ..request
        };
        let name = &collection.collection.name;
        let new = new_job(
            JobKind::Repository,
            name,
            request.repository.clone(),
            &request,
        );
        let job = self.start(&new, watch).await?;
        let report = self.report(&job, request.include_document_ids).await?;
        tracing::info!(
            collection.name = %name,
            files = report.counts.done(),
            ingested = report.counts.ingested,
            "answered about a repository"
        );
        Ok(reply(&job, report))
    }

    pub(super) async fn run_repository(&self, run: &JobRun) -> Result<(), Error> {
        let request: IngestRepository = request_of(&run.job)?;
        let collection = self.writable_collection(&request.collection_name).await?;
        let repository = check::repository(&request.repository)?;
        let github = &self.options.web.github;
        let commit = github.commit(&repository).await?;
        let documents = self.documents_of(&collection, &request.repository).await?;
        let last = self.last_sync(&run.job.new).await?;
        if last.is_some_and(|last| is_current(&last, &commit.sha, documents.len())) {
            run.note("source_commit", commit.sha);
            run.note("up_to_date", true);
            run.note("documents", documents.len());
            return run.flush().await;
        }
        run.note("up_to_date", false);
        let tarball = github.tarball(&repository, &commit.sha).await?;
        let sync = Sync {
            memory: self,
            run,
            collection: &collection,
            request: &request,
            repository: &repository,
            commit: &commit.sha,
        };
        let kept = sync.put_files(tarball, &documents).await?;
        for document in documents
            .iter()
            .filter(|known| !kept.contains(&known.source_uri))
        {
            self.store.delete_document(document.id).await?;
            let removed = JobItem {
                state: ItemState::Removed,
                ..JobItem::pending(path_of(document))
            };
            run.settle(vec![removed]).await?;
        }
        for left in run.items(Some(ItemState::Pending)).await? {
            run.settle(vec![skipped(left, "it is not in the repository any more")])
                .await?;
        }
        // Only now is the commit in, as a whole.
        let documents = self
            .documents_of(&collection, &request.repository)
            .await?
            .len();
        run.note("documents", documents);
        run.note("source_commit", commit.sha);
        run.flush().await
    }

    /// What the collection has of a repository.
    async fn documents_of(
        &self,
        collection: &CollectionInfo,
        repository: &str,
    ) -> Result<Vec<DocumentInfo>, Error> {
        let mut metadata = Metadata::new();
        metadata.insert("repository".to_owned(), Value::from(repository));
        let filter = Filter {
            collections: vec![collection.collection.name.clone()],
            metadata,
        };
        self.documents_matching(&filter).await
    }

    /// The newest job that was asked for the same and came to its end.
    async fn last_sync(&self, new: &NewJob) -> Result<Option<Job>, Error> {
        let filter = JobFilter {
            collection: Some(new.collection.clone()),
            states: vec![JobState::Done],
        };
        let page = self.store.jobs(&filter, 0, JOB_LISTING_LIMIT_MAX).await?;
        Ok(page.jobs.into_iter().find(|job| job.new.key == new.key))
    }
}

/// Whether a sync has put in just this commit, and all of it is there still.
fn is_current(last: &Job, sha: &str, documents: usize) -> bool {
    let noted = |name: &str| last.notes.get(name);
    noted("source_commit").and_then(Value::as_str) == Some(sha)
        && noted("documents").and_then(Value::as_u64) == Some(documents as u64)
}

/// One sync of a repository.
struct Sync<'a> {
    memory: &'a Memory,
    run: &'a JobRun,
    collection: &'a CollectionInfo,
    request: &'a IngestRepository,
    repository: &'a RepositoryRef,
    commit: &'a str,
}

impl Sync<'_> {
    /// Puts the files of a tarball in that changed; gives the addresses of all
    /// that match.
    async fn put_files(
        &self,
        tarball: Tarball,
        documents: &[DocumentInfo],
    ) -> Result<HashSet<String>, Error> {
        let known: HashMap<&str, &DocumentInfo> = documents
            .iter()
            .map(|known| (known.source_uri.as_str(), known))
            .collect();
        let wanted = wanted(self.request)?;
        let below = self.repository.path.clone();
        let file_bytes_max = self.memory.options.document_bytes_max;
        let (sender, mut receiver) = mpsc::channel(AHEAD_MAX);
        let unpack = tokio::task::spawn_blocking(move || {
            let too_large = sender.clone();
            tarball.files(
                &|path| wanted.matches(&below, path),
                file_bytes_max,
                &mut |file| match sender.blocking_send(Unpacked::File(file)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                },
                &mut |path, bytes| {
                    // When nobody takes it, the next file ends the unpacking.
                    let _ = too_large.blocking_send(Unpacked::TooLarge(path.to_owned(), bytes));
                },
            )
        });
        // What an interrupted run has put in stays counted as that.
        let ingested = self.run.items(Some(ItemState::Ingested)).await?;
        let ingested: HashSet<String> = ingested.into_iter().map(|item| item.name).collect();
        let mut kept = HashSet::new();
        while let Some(unpacked) = receiver.recv().await {
            let (path, settled) = match unpacked {
                Unpacked::TooLarge(path, bytes) => {
                    let reason = format!("it has {bytes} bytes, more than {file_bytes_max}");
                    // Its last version that was small enough stays.
                    kept.insert(self.address(&path));
                    let settled = skipped(JobItem::pending(&path), &reason);
                    (path, settled)
                }
                Unpacked::File(file) => {
                    let known = known.get(self.address(&file.path).as_str()).copied();
                    (file.path.clone(), self.put(file, known).await?)
                }
            };
            // A file that has no text any more takes its document along.
            if settled.state != ItemState::Skipped {
                kept.insert(self.address(&path));
            }
            if settled.state != ItemState::Unchanged || !ingested.contains(&path) {
                self.run.settle(vec![settled]).await?;
            }
        }
        let unpacked = unpack
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        let unnamed = unpacked?;
        if unnamed > 0 {
            let warning = format!("{unnamed} files were left out, since their names are not UTF-8");
            self.run.warn(warning);
        }
        Ok(kept)
    }

    async fn put(
        &self,
        file: RepositoryFile,
        known: Option<&DocumentInfo>,
    ) -> Result<JobItem, Error> {
        let item = JobItem::pending(&file.path);
        let mut own = self.request.metadata.clone();
        for (name, value) in [
            ("repository", self.request.repository.as_str()),
            ("path", &file.path),
            ("source_commit", self.commit),
            ("blob_sha", &file.blob_sha),
            (
                "filename",
                file.path.rsplit('/').next().unwrap_or(&file.path),
            ),
        ] {
            own.insert(name.to_owned(), Value::from(value));
        }
        if let Some(known) = known
            && is_same(known, &own)
        {
            return Ok(JobItem {
                state: ItemState::Unchanged,
                document: Some(known.id),
                chunk_count: known.chunk_count,
                ..item
            });
        }
        let limits = self.memory.extract_limits();
        let path = file.path.clone();
        let extract = move || {
            let name = path.rsplit('/').next();
            let about = About {
                name,
                ..About::default()
            };
            extract_document(file.content, &about, &limits)
        };
        let mut text = match self.memory.extraction(extract).await? {
            Ok(text) => text,
            Err(error @ (ExtractError::Unsupported { .. } | ExtractError::Blank { .. })) => {
                return Ok(skipped(item, &error.to_string()));
            }
            Err(error) => return Ok(failed(item, &Error::invalid(error.to_string()))),
        };
        text.source_uri = Some(self.address(&item.name));
        text.metadata.extend(own);
        if text.title.trim().is_empty() {
            text.title.clone_from(&item.name);
        }
        self.memory
            .put_file(self.run, self.collection, IngestMode::Reingest, item, text)
            .await
    }

    /// Where people see a file.
    fn address(&self, path: &str) -> String {
        self.memory
            .options
            .web
            .github
            .address_of(self.repository, path)
            .into()
    }
}

/// Whether a document has a file's content, and what the caller says about it.
fn is_same(known: &DocumentInfo, own: &Metadata) -> bool {
    own.iter()
        .filter(|(name, _)| *name != "source_commit")
        .all(|(name, value)| known.metadata.get(name) == Some(value))
}

fn path_of(document: &DocumentInfo) -> String {
    let path = document.metadata.get("path").and_then(Value::as_str);
    path.unwrap_or(&document.source_uri).to_owned()
}

/// Which files of a repository are wanted.
#[derive(Clone)]
struct Wanted {
    include: Option<Arc<GlobSet>>,
    exclude: Arc<GlobSet>,
}

impl Wanted {
    /// Whether a path is wanted. Patterns are matched against the path below
    /// the folder that was asked for, and against the whole.
    fn matches(&self, folder: &str, path: &str) -> bool {
        let below = path
            .strip_prefix(folder)
            .unwrap_or(path)
            .trim_start_matches('/');
        let any = |globs: &GlobSet| globs.is_match(below) || globs.is_match(path);
        if any(&self.exclude) {
            return false;
        }
        match &self.include {
            Some(include) => any(include),
            None => is_document(path),
        }
    }
}

fn is_document(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    DOCUMENT_EXTENSIONS
        .iter()
        .any(|extension| name.ends_with(extension))
}

/// What a request wants, or which pattern is none.
fn wanted(request: &IngestRepository) -> Result<Wanted, Error> {
    if request.include.len() > PATTERNS_MAX || request.exclude.len() > PATTERNS_MAX {
        let message = format!("`include` and `exclude` may have {PATTERNS_MAX} patterns each");
        return Err(Error::invalid(message));
    }
    let include = match request.include.is_empty() {
        true => None,
        false => Some(Arc::new(check::globs(&request.include)?)),
    };
    Ok(Wanted {
        include,
        exclude: Arc::new(check::globs(&request.exclude)?),
    })
}

fn reply(job: &Job, report: Report) -> RepositoryIngested {
    let counts = report.counts;
    let noted = |name: &str| job.notes.get(name);
    RepositoryIngested {
        job_id: job.id.to_string(),
        status: status(job.state),
        collection_name: job.new.collection.to_string(),
        repository: job.new.subject.clone(),
        source_commit: noted("source_commit")
            .and_then(Value::as_str)
            .map(str::to_owned),
        up_to_date: noted("up_to_date")
            .and_then(Value::as_bool)
            .unwrap_or(false),
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
