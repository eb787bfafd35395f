//! How a caller follows and stops long work.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// How far long work has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Items done.
    pub done: u64,
    /// Items in all.
    pub total: u64,
    /// The item that was done last, in a few words.
    pub message: String,
}

/// A caller's eyes on long work, and its hand on the brake.
#[derive(Clone)]
pub struct Watch {
    /// Called after each item, from the task that does the work: be quick.
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
    /// Stops the work between two items; what is done stays done.
    pub cancel: CancellationToken,
}

impl Watch {
    /// Nobody watches, nobody stops it.
    pub fn nobody() -> Self {
        Watch {
            progress: Arc::new(|_| {}),
            cancel: CancellationToken::new(),
        }
    }
}
