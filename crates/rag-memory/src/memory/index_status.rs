//! How current a collection is: what was synchronised into it, when, and how
//! far its repositories have moved on.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use rag_core::model::{Job, JobKind, JobState};
use rag_core::port::{JOB_LISTING_LIMIT_MAX, JobFilter};
use serde_json::Value;

use super::job::status;
use super::{Memory, check};
use crate::api::{GetIndexStatus, IndexStatus, SourceStatus};
use crate::{Error, Scope};

/// How many sources are told.
const SOURCES_MAX: usize = 50;
/// Of how many repositories GitHub is asked.
const ASKED_MAX: usize = 5;
/// How long it may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

impl Memory {
    /// What is in a collection, and how current it is.
    pub async fn get_index_status(&self, request: GetIndexStatus) -> Result<IndexStatus, Error> {
        self.access.require(&[Scope::Read])?;
        let info = self.collection_named(&request.collection_name).await?;
        let filter = JobFilter {
            collection: Some(info.collection.name.clone()),
            states: Vec::new(),
        };
        let jobs = self
            .store
            .jobs(&filter, 0, JOB_LISTING_LIMIT_MAX)
            .await?
            .jobs;
        let mut known = HashSet::new();
        let mut sources = Vec::new();
        for job in &jobs {
            let of_source = (job.new.kind, job.new.subject.as_str());
            if !known.insert(of_source) || sources.len() == SOURCES_MAX {
                continue;
            }
            let is_sync = |job: &&Job| {
                (job.new.kind, job.new.subject.as_str()) == of_source && job.state == JobState::Done
            };
            sources.push(source(job, jobs.iter().find(is_sync)));
        }
        let is_repository =
            |source: &&mut SourceStatus| source.kind == JobKind::Repository.as_str();
        let repositories = sources.iter_mut().filter(is_repository).take(ASKED_MAX);
        join_all(repositories.map(|source| self.compare(source))).await;
        Ok(IndexStatus {
            collection_name: info.collection.name.to_string(),
            total_docs: info.document_count,
            total_chunks: info.chunk_count,
            last_sync_time: sources
                .iter()
                .filter_map(|source| source.last_sync_time.clone())
                .max(),
            sources,
        })
    }

    /// Finds out how many commits a repository has since the one that is in.
    async fn compare(&self, source: &mut SourceStatus) {
        let Some(commit) = &source.source_commit else {
            return;
        };
        let Ok(repository) = check::repository(&source.subject) else {
            return;
        };
        let behind = self.options.web.github.commits_behind(&repository, commit);
        let why = match tokio::time::timeout(ANSWER_MAX, behind).await {
            Ok(Ok(Some(0))) => {
                source.commits_behind = Some(0);
                return;
            }
            Ok(Ok(Some(behind))) => {
                source.commits_behind = Some(behind);
                match behind {
                    1 => "it is 1 commit behind".to_owned(),
                    _ => format!("it is {behind} commits behind"),
                }
            }
            Ok(Ok(None)) => "it is many commits behind, or its commit is gone".to_owned(),
            Ok(Err(error)) => {
                source.stale_warning = Some(format!("how far it is behind is not known: {error}"));
                return;
            }
            Err(_) => {
                source.stale_warning =
                    Some("how far it is behind is not known: no answer in time".to_owned());
                return;
            }
        };
        source.stale_warning = Some(format!("{why}; ingest_repository brings it up to date"));
    }
}

fn source(last: &Job, synced: Option<&Job>) -> SourceStatus {
    let commit = synced
        .and_then(|job| job.notes.get("source_commit"))
        .and_then(Value::as_str);
    SourceStatus {
        kind: last.new.kind.as_str().to_owned(),
        subject: last.new.subject.clone(),
        job_id: last.id.to_string(),
        status: status(last.state),
        last_sync_time: synced
            .and_then(|job| job.finished_at)
            .map(|time| time.to_string()),
        source_commit: commit.map(str::to_owned),
        commits_behind: None,
        stale_warning: None,
    }
}
