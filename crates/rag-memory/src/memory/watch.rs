//! How a caller follows and stops long work.

use std::sync::Arc;
use std::time::Duration;

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
    /// How long to wait for a job; then it goes on without.
    pub patience: Patience,
}

/// How long a caller waits for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until its end.
    Endless,
    /// As long as [`super::MemoryOptions::job_wait`] says.
    Usual,
    /// For so long, and no longer than usual.
    For(Duration),
}

impl Watch {
    /// Nobody watches, nobody stops it, and it is waited for.
    pub fn nobody() -> Self {
        Watch {
            progress: Arc::new(|_| {}),
            cancel: CancellationToken::new(),
            patience: Patience::Endless,
        }
    }
}
