//! How a caller follows and stops long work.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// How far long work has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Items done.
    pub done: u64,
    /// Items in all, as far as they are known: it grows while a site is
    /// discovered.
    pub total: u64,
    /// The item that was done last, in a few words.
    pub message: String,
}

/// A caller's eyes on long work, and its hand on the brake.
#[derive(Clone)]
pub struct Watch {
    /// Called whenever there is progress, not for every item: be quick.
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
    /// Ends the wait, and the job with it if this caller began it; what is done
    /// stays done.
    pub cancel: CancellationToken,
    /// Whether to wait for a job's end; else for as long as
    /// [`super::MemoryOptions::job_wait`] says, and the job goes on.
    pub patient: bool,
}

impl Watch {
    /// Nobody watches, nobody stops it, and it is waited for.
    pub fn nobody() -> Self {
        Watch {
            progress: Arc::new(|_| {}),
            cancel: CancellationToken::new(),
            patient: true,
        }
    }
}
