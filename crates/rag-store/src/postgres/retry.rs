//! When to try again, and how soon.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::error::Failure;

/// The first wait is half to all of this, each next one twice as long.
const WAIT_MIN: Duration = Duration::from_millis(20);

/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The attempts at one call.
pub(super) struct Attempts {
    deadline: Instant,
    wait: Duration,
}

impl Attempts {
    /// Attempts that go on until `within` has passed.
    pub(super) fn new(within: Duration) -> Self {
        Attempts {
            deadline: Instant::now() + within,
            wait: WAIT_MIN,
        }
    }

    /// Waits for the time of the next attempt after one that ended in `failure`.
    /// `false`, at once, when there shall be none.
    pub(super) async fn next(&mut self, failure: &Failure) -> bool {
        failure.is_transient() && self.wait().await
    }

    /// Waits. `false`, at once, when the time is over.
    pub(super) async fn wait(&mut self) -> bool {
        if Instant::now() + self.wait > self.deadline {
            return false;
        }
        tokio::time::sleep(jittered(self.wait)).await;
        self.wait = (self.wait * 2).min(WAIT_MAX);
        true
    }
}

/// Half to all of `wait`, so that callers that failed together do not come back
/// together.
fn jittered(wait: Duration) -> Duration {
    // The standard library seeds each of these at random.
    let random = RandomState::new().hash_one(0) >> 40;
    let share = random as f64 / (1u64 << 24) as f64;
    wait.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn attempts_end() {
        let mut attempts = Attempts::new(Duration::ZERO);
        assert!(!attempts.wait().await);
        let mut attempts = Attempts::new(Duration::from_secs(5));
        assert!(!attempts.next(&Failure::Damaged(String::new())).await);
        assert!(attempts.next(&Failure::Silent(Duration::ZERO)).await);
    }

    #[test]
    fn waits_differ_and_are_bounded() {
        let second = Duration::from_secs(1);
        let waits: Vec<Duration> = (0..20).map(|_| jittered(second)).collect();
        assert!(
            waits
                .iter()
                .all(|wait| (second / 2..=second).contains(wait))
        );
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
