//! What became of a job's items, for its reply.

use rag_core::model::{ItemCounts, ItemState, Job, JobItem};
use rag_core::port::JOB_LISTING_LIMIT_MAX;
use serde_json::Value;

use crate::Error;
use crate::memory::Memory;

/// How many items a reply lists by name.
const LISTED_MAX: usize = 100;

/// What became of a job's items.
pub(in crate::memory) struct Report {
    pub(in crate::memory) counts: ItemCounts,
    /// Names and reasons, at most [`LISTED_MAX`].
    pub(in crate::memory) skipped: Vec<(String, String)>,
    /// As above.
    pub(in crate::memory) failed: Vec<(String, String)>,
    pub(in crate::memory) warnings: Vec<String>,
    pub(in crate::memory) document_ids: Option<Vec<String>>,
}

impl Memory {
    /// What became of a job's items so far.
    pub(in crate::memory) async fn report(
        &self,
        job: &Job,
        include_document_ids: bool,
    ) -> Result<Report, Error> {
        let warnings = job.notes.get("warnings").and_then(Value::as_array);
        let warnings = warnings.into_iter().flatten().filter_map(Value::as_str);
        let mut report = Report {
            counts: job.counts,
            skipped: self.reasons(job, ItemState::Skipped).await?,
            failed: self.reasons(job, ItemState::Failed).await?,
            warnings: warnings.map(str::to_owned).collect(),
            document_ids: None,
        };
        if include_document_ids {
            report.document_ids = Some(self.document_ids(job).await?);
        }
        Ok(report)
    }

    async fn reasons(&self, job: &Job, state: ItemState) -> Result<Vec<(String, String)>, Error> {
        let items = self
            .store
            .job_items(job.id, Some(state), 0, LISTED_MAX)
            .await?;
        let reason = |item: JobItem| (item.name, item.reason.unwrap_or_default());
        Ok(items.into_iter().map(reason).collect())
    }

    async fn document_ids(&self, job: &Job) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        for state in [ItemState::Ingested, ItemState::Unchanged] {
            let mut offset = 0;
            loop {
                let page = self
                    .store
                    .job_items(job.id, Some(state), offset, JOB_LISTING_LIMIT_MAX);
                let page = page.await?;
                if page.is_empty() {
                    break;
                }
                offset += page.len();
                ids.extend(
                    page.iter()
                        .filter_map(|item| item.document)
                        .map(|id| id.to_string()),
                );
            }
        }
        Ok(ids)
    }
}
