//! Whether the server has anything to do, for those who stop paying when it has not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rag_memory::Memory;
use tokio::time::{Instant, sleep_until};

/// How often to look whether a job is under way.
const LOOK: Duration = Duration::from_secs(10);
/// How long to wait when nobody can tell whether there is work.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(60);
/// How many times in a row: a store that is gone for good keeps nobody awake.
const UNKNOWN_MAX: u32 = 5;

/// What requests there are. Clones share it.
///
/// Only those count that were let in: neither probes nor strangers keep a server
/// awake. Nor do streams on which a client listens: what it says does.
#[derive(Clone)]
pub struct Activity(Arc<Mutex<State>>);

struct State {
    under_way: usize,
    last: Instant,
}

/// A request under way, until it is dropped.
pub(super) struct Busy(Activity);

impl Default for Activity {
    fn default() -> Self {
        Activity(Arc::new(Mutex::new(State {
            under_way: 0,
            last: Instant::now(),
        })))
    }
}

impl Activity {
    /// Notes a request.
    pub(super) fn begin(&self) -> Busy {
        self.change(|state| state.under_way += 1);
        Busy(self.clone())
    }

    /// Notes that there is work besides requests.
    fn note(&self) {
        self.change(|_| {});
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        state.last = Instant::now();
    }

    /// When nothing will have happened for `limit`, if nothing happens until then.
    fn idle_at(&self, limit: Duration) -> Instant {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.under_way {
            0 => state.last + limit,
            _ => Instant::now() + limit,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(|state| state.under_way -= 1);
    }
}

/// Returns once there was neither a request nor a job for `limit`, and no job is left
/// to do.
pub async fn until_idle(activity: &Activity, memory: &Memory, limit: Duration) {
    let mut unknown = 0;
    loop {
        if memory.is_working() {
            activity.note();
        }
        let (now, idle_at) = (Instant::now(), activity.idle_at(limit));
        if idle_at > now {
            unknown = 0;
            sleep_until(idle_at.min(now + LOOK)).await;
            continue;
        }
        match memory.has_work().await {
            // Somebody may have come while the store was asked.
            Ok(false) if activity.idle_at(limit) > Instant::now() => {}
            Ok(false) => return,
            Ok(true) => {
                unknown = 0;
                sleep_until(now + limit.min(LOOK)).await;
            }
            Err(error) => {
                unknown += 1;
                tracing::warn!("cannot tell whether there are jobs to do: {error}");
                if unknown >= UNKNOWN_MAX {
                    return;
                }
                sleep_until(Instant::now() + UNKNOWN_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_put_the_end_off() {
        let limit = Duration::from_secs(10);
        let activity = Activity::default();
        let from_start = activity.idle_at(limit);
        assert_eq!(activity.idle_at(limit), from_start, "nothing has happened");
        let busy = activity.begin();
        let while_busy = activity.idle_at(limit);
        assert!(while_busy > from_start && activity.idle_at(limit) > while_busy);
        drop(busy);
        let after = activity.idle_at(limit);
        assert!(after > while_busy);
        assert_eq!(activity.idle_at(limit), after, "nothing has happened since");
    }
}
