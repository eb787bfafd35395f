//! How much is embedded at a time.
//!
//! One single-threaded pool for each inference that runs: on two cores that
//! embeds a third more than one inference spread over both.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rten::ThreadPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// More would cost memory (about 5 MB each) for machines that have better uses
/// for their cores.
const WORKERS_MAX: usize = 8;

pub(super) struct Workers {
    count: usize,
    permits: Arc<Semaphore>,
    /// The pools nobody uses; made when first needed.
    idle: Mutex<Vec<Arc<ThreadPool>>>,
}

/// The right to run one inference, and the threads for it.
pub(super) struct Worker {
    pool: Arc<ThreadPool>,
    home: Arc<Workers>,
    _permit: OwnedSemaphorePermit,
}

impl Workers {
    /// As many as there are cores, at most [`WORKERS_MAX`].
    pub(super) fn of_this_machine() -> Arc<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let count = cores.min(WORKERS_MAX);
        let permits = Arc::new(Semaphore::new(count));
        Arc::new(Workers {
            count,
            permits,
            idle: Mutex::default(),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Waits until fewer than [`Workers::count`] are at work; first come, first served.
    pub(super) async fn take(self: &Arc<Self>) -> Worker {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let pool = idle.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)));
        Worker {
            pool,
            home: Arc::clone(self),
            _permit: permit,
        }
    }
}

impl Worker {
    pub(super) fn pool(&self) -> &Arc<ThreadPool> {
        &self.pool
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut idle = self
            .home
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        idle.push(Arc::clone(&self.pool));
    }
}
