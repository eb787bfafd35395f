//! When a host's next request may start.
//!
//! Each host has a few requests at a time at most, and a pause between their
//! starts. The pause grows when the host says that it is too much and shrinks
//! while all is well, which is why this is no token bucket of a fixed rate.
//! Making the requests is left to `fetch`.

mod rhythm;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use self::rhythm::{Reservation, Rhythm};

/// How many requests of a host are under way at once.
const AT_ONCE_MAX: usize = 4;

/// How long is waited for a host that asked to be left alone; one that asks for
/// more is not waited for.
pub(crate) const CLOSED_WAIT_MAX: Duration = Duration::from_secs(60);

/// How far away a start may be that is waited for: that of the last of
/// [`AT_ONCE_MAX`] requests half a minute apart, after a host that asked to be
/// left alone as long as it may.
const START_WAIT_MAX: Duration = Duration::from_secs(180);

/// How often a host may ask to be left alone while one waits for it.
const CLOSINGS_MAX: usize = 4;

/// How many hosts are remembered.
const HOSTS_MAX: usize = 256;

/// Gives turns, host by host.
#[derive(Default)]
pub(crate) struct Pace {
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

struct Host {
    permits: Arc<Semaphore>,
    rhythm: Mutex<Rhythm>,
}

/// The right to make one request, until dropped.
pub(crate) struct Turn {
    host: Arc<Host>,
    started_at: Instant,
    pause_min: Duration,
    _permit: OwnedSemaphorePermit,
}

/// A place in a host's row, which others get when its owner goes away.
struct Place<'a> {
    host: &'a Host,
    /// `None` once it was made use of.
    reservation: Option<Reservation>,
}

impl Pace {
    /// Waits for a turn at `host`, whose requests start at least `pause_min`
    /// apart. The error is how long the host wants to be left alone or has
    /// others before this one, if that is more than is waited for, or it asked
    /// again and again. Who stops waiting leaves the row.
    pub(crate) async fn turn(&self, host: &str, pause_min: Duration) -> Result<Turn, Duration> {
        let host = self.host(host);
        let permit = host.permits.clone().acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        for _ in 0..CLOSINGS_MAX {
            let now = Instant::now();
            if host.rhythm().closed_for(now) > CLOSED_WAIT_MAX {
                break;
            }
            let (place, start) = host.reserve(now, pause_min);
            let wait = start.saturating_duration_since(now);
            if wait > START_WAIT_MAX {
                return Err(wait);
            }
            if start > now {
                // Even a sleep until now would take a tick of the timer.
                sleep_until(start).await;
            }
            place.take();
            let started_at = Instant::now();
            // Meanwhile another request may have been told to wait.
            if host.rhythm().closed_for(started_at).is_zero() {
                return Ok(Turn {
                    host,
                    started_at,
                    pause_min,
                    _permit: permit,
                });
            }
        }
        Err(host.rhythm().closed_for(Instant::now()))
    }

    fn host(&self, name: &str) -> Arc<Host> {
        // A map of hosts is whole whatever panicked.
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(name) {
            return Arc::clone(host);
        }
        if hosts.len() >= HOSTS_MAX {
            let now = Instant::now();
            hosts.retain(|_, host| Arc::strong_count(host) > 1 || !host.rhythm().is_calm(now));
        }
        if hosts.len() >= HOSTS_MAX {
            // Those in use are bounded by the callers, the others need not be kept.
            hosts.retain(|_, host| Arc::strong_count(host) > 1);
        }
        let host = Arc::new(Host {
            permits: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            rhythm: Mutex::new(Rhythm::new(Instant::now())),
        });
        hosts.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}

impl Host {
    /// A place in the row, and when its turn is.
    fn reserve(&self, now: Instant, pause_min: Duration) -> (Place<'_>, Instant) {
        let reservation = self.rhythm().reserve(now, pause_min);
        let place = Place {
            host: self,
            reservation: Some(reservation),
        };
        (place, reservation.start)
    }

    fn rhythm(&self) -> MutexGuard<'_, Rhythm> {
        // Some numbers, right whatever panicked.
        self.rhythm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Its turn has come.
    fn take(mut self) {
        self.reservation = None;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation {
            self.host.rhythm().give_back(reservation);
        }
    }
}

impl Turn {
    /// The host answered as it should.
    pub(crate) fn went_well(self) {
        self.host.rhythm().recover();
    }

    /// The host says that it is too much, and when to come again, if it does.
    /// Returns how long nothing will be asked of it.
    pub(crate) fn was_too_much(self, retry_after: Option<Duration>) -> Duration {
        let mut rhythm = self.host.rhythm();
        rhythm.slow_down(self.started_at, Instant::now(), self.pause_min, retry_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_has_few_requests_at_once_and_others_do_not_wait_for_it() {
        let pace = Pace::default();
        let mut turns = Vec::new();
        for _ in 0..AT_ONCE_MAX {
            turns.push(pace.turn("a.example", Duration::ZERO).await.unwrap());
        }
        let one_more = pace.turn("a.example", Duration::ZERO);
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, one_more).await.is_err());
        assert!(pace.turn("b.example", Duration::ZERO).await.is_ok());
        turns.pop().unwrap().went_well();
        assert!(pace.turn("a.example", Duration::ZERO).await.is_ok());
    }

    #[tokio::test]
    async fn a_host_that_asks_for_hours_is_not_waited_for() {
        let pace = Pace::default();
        let turn = pace.turn("a.example", Duration::ZERO).await.unwrap();
        turn.was_too_much(Some(Duration::from_secs(3_600)));
        let wait = pace.turn("a.example", Duration::ZERO).await.err().unwrap();
        assert!(wait > Duration::from_secs(3_590));
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_the_row() {
        let pace = Pace::default();
        let pause = Duration::from_secs(20);
        let begun = Instant::now();
        let _first = pace.turn("a.example", pause).await.unwrap();
        for _ in 0..20 {
            let waiting = pace.turn("a.example", pause);
            let soon = Duration::from_millis(1);
            assert!(tokio::time::timeout(soon, waiting).await.is_err());
        }
        let host = pace.host("a.example");
        let (_, next) = host.reserve(Instant::now(), pause);
        assert!(next < begun + 2 * pause);
    }

    #[tokio::test]
    async fn a_start_that_is_minutes_away_is_not_waited_for() {
        let pace = Pace::default();
        let pause = Duration::from_secs(600);
        let _first = pace.turn("a.example", pause).await.unwrap();
        for _ in 0..3 {
            let wait = pace.turn("a.example", pause).await.err().unwrap();
            assert!(wait <= pause && wait > START_WAIT_MAX, "{wait:?}");
        }
    }

    #[tokio::test]
    async fn those_who_wait_already_hear_of_a_stop() {
        let pace = Pace::default();
        let pause = Duration::from_millis(50);
        let first = pace.turn("a.example", pause).await.unwrap();
        let begun = Instant::now();
        let stop = async {
            first.was_too_much(Some(Duration::from_millis(150)));
        };
        let (second, ()) = tokio::join!(pace.turn("a.example", pause), stop);
        assert!(second.is_ok());
        assert!(begun.elapsed() >= Duration::from_millis(150));
    }

    #[tokio::test]
    async fn the_hosts_that_are_remembered_are_bounded() {
        let pace = Pace::default();
        for index in 0..2 * HOSTS_MAX {
            let name = format!("{index}.example");
            pace.turn(&name, Duration::from_secs(1)).await.unwrap();
        }
        assert!(pace.hosts.lock().unwrap().len() <= HOSTS_MAX);
    }
}
