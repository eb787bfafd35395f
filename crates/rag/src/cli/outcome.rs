//! How long work ended, for people and for the exit code.

use std::process::ExitCode;

use rag_memory::ErrorKind;
use rag_memory::api::JobStatus;

/// The exit code of a job of which `failed` items did not work.
pub(super) fn exit_code(status: JobStatus, failed: u64) -> ExitCode {
    match status {
        JobStatus::Cancelled => ExitCode::from(ErrorKind::Cancelled.exit_code()),
        JobStatus::Failed => ExitCode::FAILURE,
        JobStatus::Queued | JobStatus::Running | JobStatus::Done => match failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        },
    }
}

/// Lines that follow a result whose job did not come to its end, or left
/// something undone.
pub(super) fn next_step(status: JobStatus, failed: u64, job_id: &str) -> String {
    match status {
        JobStatus::Cancelled => {
            format!(
                "\ncancelled; what is done stays, `rag job retry {job_id}` goes on with the rest"
            )
        }
        JobStatus::Queued | JobStatus::Running => {
            format!("\nit goes on; `rag job show {job_id}` tells how far it is")
        }
        JobStatus::Failed => format!("\n`rag job show {job_id}` tells why it failed"),
        JobStatus::Done if failed > 0 => {
            format!("\n`rag job retry {job_id}` tries what failed once more")
        }
        JobStatus::Done => String::new(),
    }
}

/// Items that came to something else than they were meant to, one a line.
pub(super) fn listed<'a>(
    what: &str,
    items: impl IntoIterator<Item = (&'a str, &'a str)>,
    count: u64,
) -> String {
    let (mut text, mut shown) = (String::new(), 0);
    for (name, why) in items {
        text += &format!("\n{what} {name}: {why}");
        shown += 1;
    }
    if count > shown && shown > 0 {
        text += &format!("\n{what} … and {} more", count - shown);
    }
    text
}
