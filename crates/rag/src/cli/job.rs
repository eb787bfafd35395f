//! `rag job`: following, stopping and repeating long work.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use rag_memory::Memory;
use rag_memory::api::{
    CancelJob, GetJob, ItemFilter, JobCounts, JobItemView, JobList, JobStatus, JobView, ListJobs,
    RetryJob,
};

use super::ask::named;
use super::context::Context;
use super::outcome::{exit_code, next_step};
use super::output::{counted, fields, table};
use super::progress::Bar;

/// How many items are shown when nothing else is said.
const ITEMS_DEFAULT: i64 = 100;

/// What can be done with jobs.
#[derive(Debug, Subcommand)]
pub(super) enum JobCommand {
    /// List jobs, newest first
    #[command(after_help = "Example:\n  rag job list --collection docs --status failed")]
    List {
        /// Only those that fill this collection
        #[arg(short, long, value_name = "NAME")]
        collection: Option<String>,
        /// Only those that stand there
        #[arg(long, value_name = "STATUS",
              value_parser = named::<JobStatus>(&["queued", "running", "done", "failed", "cancelled"]))]
        status: Option<JobStatus>,
        /// Page size, 1 to 1000
        #[arg(short, long, default_value_t = 20, allow_negative_numbers = true)]
        limit: i64,
        /// Jobs to skip
        #[arg(short, long, default_value_t = 0, allow_negative_numbers = true)]
        offset: i64,
    },
    /// Show where a job stands, and what was skipped or failed
    #[command(after_help = "Example:\n  rag job show 0f3k9w2m7q1zt --items all")]
    Show {
        /// Its id
        id: String,
        /// Which of its pages or files to list; without it, those skipped and failed
        #[arg(long, value_name = "WHICH",
              value_parser = named::<ItemFilter>(&["none", "all", "pending", "ingested", "unchanged", "skipped", "failed", "removed"]))]
        items: Option<ItemFilter>,
        /// The most items listed, 1 to 1000
        #[arg(short, long, default_value_t = ITEMS_DEFAULT, allow_negative_numbers = true)]
        limit: i64,
        /// Items to skip
        #[arg(short, long, default_value_t = 0, allow_negative_numbers = true)]
        offset: i64,
    },
    /// Stop a job; what is done stays
    Cancel {
        /// Its id
        id: String,
    },
    /// Go on with what a job left undone or failed at, and wait for it
    Retry {
        /// Its id
        id: String,
    },
}

pub(super) async fn run(context: &Context, command: JobCommand) -> anyhow::Result<ExitCode> {
    let memory = context.memory()?;
    match command {
        JobCommand::List {
            collection,
            status,
            limit,
            offset,
        } => {
            let request = ListJobs {
                collection_name: collection,
                status,
                limit,
                offset,
            };
            context.show(&memory.list_jobs(request).await?, list)
        }
        JobCommand::Show {
            id,
            items: Some(items),
            limit,
            offset,
        } => {
            let request = GetJob {
                items,
                limit,
                offset,
                ..GetJob::new(id)
            };
            context.show(&memory.get_job(request).await?, human)
        }
        JobCommand::Show { id, limit, .. } => {
            context.show(&with_trouble(&memory, id, limit).await?, human)
        }
        JobCommand::Cancel { id } => {
            let job = memory.cancel_job(CancelJob { job_id: id }).await?;
            context.show(&job, human)
        }
        JobCommand::Retry { id } => retry(context, memory, id).await,
    }
}

async fn retry(context: &Context, mut memory: Memory, id: String) -> anyhow::Result<ExitCode> {
    let job = memory.get_job(GetJob::new(id.clone())).await?;
    if job.kind == "directory" {
        memory = context.memory_reading_path(Path::new(&job.subject))?;
    }
    let bar = Bar::new(&memory);
    let request = RetryJob { job_id: id.clone() };
    let retried = memory.retry_job(request, &bar.watch()).await;
    drop(bar);
    let job = with_trouble(&memory, retried?.job_id, ITEMS_DEFAULT).await?;
    context.show(&job, human)?;
    Ok(exit_code(job.status, job.counts.failed))
}

/// A job with the items that a person asks after.
async fn with_trouble(memory: &Memory, id: String, limit: i64) -> anyhow::Result<JobView> {
    let of = |items| GetJob {
        items,
        limit,
        ..GetJob::new(id.clone())
    };
    let mut job = memory.get_job(of(ItemFilter::Failed)).await?;
    let skipped = memory.get_job(of(ItemFilter::Skipped)).await?;
    job.items.extend(skipped.items);
    job.next_offset = None;
    Ok(job)
}

fn list(list: &JobList) -> String {
    let shown = format!(
        "{} of {}",
        list.jobs.len(),
        counted(list.total_count, "job")
    );
    if list.jobs.is_empty() {
        return shown;
    }
    let row = |job: &JobView| {
        vec![
            job.job_id.clone(),
            job.kind.clone(),
            name(job.status).to_owned(),
            format!(
                "{}/{}",
                seen_to(job.counts),
                seen_to(job.counts) + job.counts.pending
            ),
            job.collection_name.clone(),
            job.created_at.clone(),
            job.subject.clone(),
        ]
    };
    let rows: Vec<_> = list.jobs.iter().map(row).collect();
    let heading = [
        "ID",
        "KIND",
        "STATUS",
        "ITEMS",
        "COLLECTION",
        "CREATED",
        "SUBJECT",
    ];
    format!("{}\n{shown}", table(&heading, &rows))
}

fn human(job: &JobView) -> String {
    let JobCounts {
        pending,
        ingested,
        unchanged,
        skipped,
        failed,
        removed,
        chunks,
    } = job.counts;
    let counts = format!(
        "{ingested} ingested ({}), {unchanged} unchanged, {skipped} skipped, {failed} failed, \
         {removed} removed, {pending} pending",
        counted(chunks, "chunk")
    );
    let mut pairs = vec![
        ("job", job.job_id.clone()),
        ("kind", job.kind.clone()),
        ("subject", job.subject.clone()),
        ("collection", job.collection_name.clone()),
        ("status", name(job.status).to_owned()),
        ("items", counts),
        ("created", job.created_at.clone()),
    ];
    let later = [
        ("started", &job.started_at),
        ("finished", &job.finished_at),
        ("error", &job.error),
    ];
    pairs.extend(
        later
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.clone()?))),
    );
    let items: String = job.items.iter().map(item).collect();
    let more = match job.next_offset {
        Some(offset) => format!("\n(go on with --offset {offset})"),
        None => String::new(),
    };
    let next = next_step(job.status, failed, &job.job_id);
    format!("{}{items}{more}{next}", fields(&pairs))
}

fn item(item: &JobItemView) -> String {
    let reason = item.reason.as_deref();
    let reason = reason
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    format!("\n{} {}{reason}", item.status, item.name)
}

fn seen_to(counts: JobCounts) -> u64 {
    counts.ingested + counts.unchanged + counts.skipped + counts.failed + counts.removed
}

/// The name of a status.
pub(super) fn name(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "queued",
        JobStatus::Running => "running",
        JobStatus::Done => "done",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "cancelled",
    }
}
