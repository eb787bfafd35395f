//! The pauses of one host. Pure: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// What a pause begins with when a host without one says that it is too much.
const SLOWNESS_FIRST: Duration = Duration::from_millis(250);

/// The longest pause that a host is given without asking for it.
const SLOWNESS_MAX: Duration = Duration::from_secs(30);

/// A pause below this is none.
const SLOWNESS_MIN: Duration = Duration::from_millis(50);

/// How long a host is left alone at most, whatever it asks for.
const CLOSED_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// When a host's requests may start.
#[derive(Debug)]
pub(super) struct Rhythm {
    /// When the next one may start.
    next: Instant,
    /// The pause that the host taught us; zero while it never complained.
    slowness: Duration,
    /// When that last grew.
    slowed_at: Option<Instant>,
    /// When the host may be asked again.
    closed_until: Instant,
}

/// A start that was taken, and what it changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reservation {
    pub(super) start: Instant,
    /// When the next request might have started before, and may start after it.
    before: Instant,
    after: Instant,
}

impl Rhythm {
    pub(super) fn new(now: Instant) -> Self {
        Rhythm {
            next: now,
            slowness: Duration::ZERO,
            slowed_at: None,
            closed_until: now,
        }
    }

    /// Takes the next start, at least `pause_min` before the one after it.
    pub(super) fn reserve(&mut self, now: Instant, pause_min: Duration) -> Reservation {
        let before = self.next;
        let start = now.max(before).max(self.closed_until);
        self.next = start + self.slowness.max(pause_min);
        Reservation {
            start,
            before,
            after: self.next,
        }
    }

    /// Takes back a start that is not made use of, unless others were taken
    /// after it, which stay where they are.
    pub(super) fn give_back(&mut self, reservation: Reservation) {
        if self.next == reservation.after {
            self.next = reservation.before;
        }
    }

    /// How long the host wants to be left alone still.
    pub(super) fn closed_for(&self, now: Instant) -> Duration {
        self.closed_until.saturating_duration_since(now)
    }

    /// Doubles the pause and leaves the host alone for as long as it asks, or
    /// else for the pause; returns for how long. Requests that had started
    /// before it last grew complain about the pause before, and change nothing.
    pub(super) fn slow_down(
        &mut self,
        started_at: Instant,
        now: Instant,
        pause_min: Duration,
        retry_after: Option<Duration>,
    ) -> Duration {
        if self
            .slowed_at
            .is_none_or(|slowed_at| started_at >= slowed_at)
        {
            let pause = self.slowness.max(pause_min).max(SLOWNESS_FIRST);
            self.slowness = (pause * 2).min(SLOWNESS_MAX);
            self.slowed_at = Some(now);
        }
        let wait = retry_after.unwrap_or(self.slowness).min(CLOSED_MAX);
        self.closed_until = self.closed_until.max(now + wait);
        self.closed_for(now)
    }

    /// Shortens the pause by a tenth.
    pub(super) fn recover(&mut self) {
        self.slowness = self.slowness * 9 / 10;
        if self.slowness < SLOWNESS_MIN {
            self.slowness = Duration::ZERO;
        }
    }

    /// Whether a new rhythm would do as well.
    pub(super) fn is_calm(&self, now: Instant) -> bool {
        self.next <= now && self.closed_until <= now && self.slowness.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(200);

    fn after(now: Instant, ms: u64) -> Instant {
        now + Duration::from_millis(ms)
    }

    #[test]
    fn starts_are_apart_and_never_in_the_past() {
        let now = Instant::now();
        let mut rhythm = Rhythm::new(now);
        let starts = [0, 0, 0, 1_000].map(|ms| rhythm.reserve(after(now, ms), PAUSE).start);
        assert_eq!(starts, [0, 200, 400, 1_000].map(|ms| after(now, ms)));
        assert!(!rhythm.is_calm(after(now, 1_100)));
        assert!(rhythm.is_calm(after(now, 1_200)));
    }

    #[test]
    fn a_start_that_is_given_back_is_taken_by_the_next() {
        let now = Instant::now();
        let mut rhythm = Rhythm::new(now);
        let [_, second, third] = [0, 0, 0].map(|_| rhythm.reserve(now, PAUSE));
        // The third stays where it is.
        rhythm.give_back(second);
        assert_eq!(rhythm.reserve(now, PAUSE).start, after(now, 600));
        let mut rhythm = Rhythm::new(now);
        let [_, _, last] = [0, 0, 0].map(|_| rhythm.reserve(now, PAUSE));
        rhythm.give_back(last);
        assert_eq!(rhythm.reserve(now, PAUSE).start, third.start);
    }

    #[test]
    fn complaints_double_the_pause_once_each_time() {
        let now = Instant::now();
        let mut rhythm = Rhythm::new(now);
        let told = |rhythm: &mut Rhythm, started_ms, ms| {
            rhythm.slow_down(after(now, started_ms), after(now, ms), PAUSE, None)
        };
        assert_eq!(told(&mut rhythm, 0, 10), Duration::from_millis(500));
        // A second one that was under way at the same time.
        assert_eq!(told(&mut rhythm, 5, 20), Duration::from_millis(500));
        assert_eq!(told(&mut rhythm, 600, 700), Duration::from_millis(1_000));
        let next = rhythm.reserve(after(now, 700), PAUSE).start;
        assert_eq!(next, after(now, 1_700));
        let next = rhythm.reserve(next, PAUSE).start;
        assert_eq!(next, after(now, 2_700));
        for ms in (10_000..20_000).step_by(100) {
            told(&mut rhythm, ms, ms);
        }
        assert_eq!(rhythm.slowness, SLOWNESS_MAX);
    }

    #[test]
    fn what_a_host_asks_for_counts_and_is_bounded() {
        let now = Instant::now();
        let mut rhythm = Rhythm::new(now);
        let hour = Duration::from_secs(3_600);
        assert_eq!(rhythm.slow_down(now, now, PAUSE, Some(hour)), hour);
        let shorter = Some(Duration::from_secs(1));
        assert_eq!(rhythm.slow_down(now, now, PAUSE, shorter), hour);
        let forever = Some(Duration::MAX);
        assert_eq!(rhythm.slow_down(now, now, PAUSE, forever), CLOSED_MAX);
    }

    #[test]
    fn a_host_that_copes_is_forgiven() {
        let now = Instant::now();
        let mut rhythm = Rhythm::new(now);
        rhythm.slow_down(now, now, Duration::ZERO, None);
        for _ in 0..10 {
            rhythm.recover();
        }
        assert!((SLOWNESS_MIN..SLOWNESS_FIRST).contains(&rhythm.slowness));
        for _ in 0..20 {
            rhythm.recover();
        }
        assert_eq!(rhythm.slowness, Duration::ZERO);
    }
}
