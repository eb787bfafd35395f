//! Jobs: joined, followed, stopped, taken up again, and taken over from a
//! process that died.

use std::sync::Arc;
use std::time::Duration;

use rag_memory::api::{
    CancelJob, GetJob, IngestDirectory, ItemFilter, JobStatus, ListJobs, RetryJob,
};
use rag_memory::{ErrorKind, Memory, Patience, Watch};
use tokio_util::sync::CancellationToken;

use crate::{Fixture, error, open};

/// Enough files for a job to be met under way.
const FILES: u64 = 300;

fn many_files(fixture: &Fixture) -> IngestDirectory {
    for number in 0..FILES {
        fixture.write(&format!("{number}.md"), format!("text number {number}"));
    }
    IngestDirectory::new(fixture.files().display().to_string(), "docs")
}

fn impatient() -> Watch {
    Watch {
        patience: Patience::Usual,
        ..Watch::nobody()
    }
}

/// The job once it has come to an end.
async fn ended(memory: &Memory, id: &str) -> rag_memory::api::JobView {
    loop {
        let job = memory.get_job(GetJob::new(id)).await.unwrap();
        if !matches!(job.status, JobStatus::Queued | JobStatus::Running) {
            return job;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn two_identical_requests_join_one_job() {
    let fixture = Fixture::new().await;
    let request = many_files(&fixture);
    let nobody = Watch::nobody();
    let (first, second) = tokio::join!(
        fixture.memory.ingest_directory(request.clone(), &nobody),
        fixture.memory.ingest_directory(request, &nobody),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.job_id, second.job_id);
    assert_eq!(
        (first.files_ingested, second.files_ingested),
        (FILES, FILES)
    );
    let jobs = fixture.memory.list_jobs(ListJobs::default()).await;
    assert_eq!(jobs.unwrap().total_count, 1);
}

#[tokio::test]
async fn a_call_without_patience_returns_the_job() {
    let mut fixture = Fixture::new().await;
    fixture.reopen_with(Duration::ZERO);
    let request = many_files(&fixture);
    let reply = fixture
        .memory
        .ingest_directory(request, &impatient())
        .await
        .unwrap();
    assert!(matches!(
        reply.status,
        JobStatus::Queued | JobStatus::Running
    ));
    let job = ended(&fixture.memory, &reply.job_id).await;
    assert_eq!((job.status, job.counts.ingested), (JobStatus::Done, FILES));
    let items = GetJob {
        items: ItemFilter::Ingested,
        limit: 200,
        ..GetJob::new(&reply.job_id)
    };
    let page = fixture.memory.get_job(items.clone()).await.unwrap();
    assert_eq!((page.items.len(), page.next_offset), (200, Some(200)));
    let rest = GetJob {
        offset: 200,
        ..items
    };
    let page = fixture.memory.get_job(rest).await.unwrap();
    assert_eq!((page.items.len(), page.next_offset), (100, None));
}

#[tokio::test]
async fn a_job_is_cancelled_and_taken_up_again() {
    let mut fixture = Fixture::new().await;
    fixture.reopen_with(Duration::ZERO);
    let request = many_files(&fixture);
    let memory = &fixture.memory;
    let id = memory
        .ingest_directory(request, &impatient())
        .await
        .unwrap()
        .job_id;
    let cancel = CancelJob { job_id: id.clone() };
    memory.cancel_job(cancel).await.unwrap();
    let job = ended(memory, &id).await;
    assert_eq!(job.status, JobStatus::Cancelled);
    let retry = RetryJob { job_id: id.clone() };
    let job = memory.retry_job(retry, &Watch::nobody()).await.unwrap();
    assert_eq!(job.job_id, id);
    assert_eq!(job.status, JobStatus::Done);
    assert_eq!(job.counts.ingested + job.counts.unchanged, FILES);
}

#[tokio::test]
async fn failed_items_are_tried_again() {
    let fixture = Fixture::new().await;
    fixture.write("good.md", "good");
    fixture.write("bad.md", b"a\0b");
    let request = IngestDirectory::new(fixture.files().display().to_string(), "docs");
    let nobody = Watch::nobody();
    let reply = fixture
        .memory
        .ingest_directory(request, &nobody)
        .await
        .unwrap();
    assert_eq!((reply.files_ingested, reply.files_failed), (1, 1));
    fixture.write("bad.md", "better");
    let retry = RetryJob {
        job_id: reply.job_id,
    };
    let job = fixture.memory.retry_job(retry, &nobody).await.unwrap();
    assert_eq!((job.counts.ingested, job.counts.failed), (2, 0));
}

#[tokio::test]
async fn a_job_that_a_process_let_go_goes_on_in_another() {
    let mut fixture = Fixture::new().await;
    fixture.reopen_with(Duration::ZERO);
    let request = many_files(&fixture);
    let id = fixture
        .memory
        .ingest_directory(request, &impatient())
        .await
        .unwrap()
        .job_id;
    fixture.memory.close().await;
    let left = fixture.memory.get_job(GetJob::new(&id)).await.unwrap();
    assert_eq!(left.status, JobStatus::Queued);
    let other = open(fixture.folder.path(), 64);
    other.keep_jobs();
    let job = ended(&other, &id).await;
    assert_eq!(job.status, JobStatus::Done);
    assert_eq!(job.counts.ingested + job.counts.unchanged, FILES);
    other.close().await;
}

#[tokio::test]
async fn a_caller_who_joined_does_not_stop_the_job() {
    let mut fixture = Fixture::new().await;
    fixture.reopen_with(Duration::ZERO);
    let request = many_files(&fixture);
    let id = fixture
        .memory
        .ingest_directory(request.clone(), &impatient())
        .await
        .unwrap()
        .job_id;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let watch = Watch {
        cancel,
        progress: Arc::new(|_| {}),
        patience: Patience::Endless,
    };
    let left = fixture
        .memory
        .ingest_directory(request, &watch)
        .await
        .unwrap_err();
    assert_eq!(left.kind(), ErrorKind::Cancelled);
    assert_eq!(ended(&fixture.memory, &id).await.status, JobStatus::Done);
}

#[tokio::test]
async fn jobs_that_do_not_exist_say_so() {
    let fixture = Fixture::new().await;
    let memory = &fixture.memory;
    for id in ["0f3k9w2m7q1zt", "nonsense"] {
        let said = error(memory.get_job(GetJob::new(id)).await);
        assert!(said.contains(id) && said.contains("job list"), "{said}");
        let cancel = CancelJob { job_id: id.into() };
        assert!(memory.cancel_job(cancel).await.is_err());
        let retry = RetryJob { job_id: id.into() };
        assert!(memory.retry_job(retry, &Watch::nobody()).await.is_err());
    }
}
