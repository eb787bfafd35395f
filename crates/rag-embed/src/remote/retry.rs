//! When to try again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, SystemTime};

/// How often one request is tried at most.
pub(super) const TRIES_MAX: u32 = 8;

const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long to wait after `tries` failures: twice as long each time, and by
/// chance down to half of it, so that clients do not return in step.
pub(super) fn pause(tries: u32) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(1 << tries.saturating_sub(1).min(10));
    // Each `RandomState` has keys of its own: randomness enough to spread calls.
    let chance = RandomState::new().build_hasher().finish() % 512;
    let part = u32::try_from(512 + chance).expect("below 1024");
    doubled.min(PAUSE_MAX) * part / 1024
}

/// The time a `Retry-After` header asks for, given as seconds or as a date.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        for (tries, most_ms) in [(1, 200), (2, 400), (3, 800), (8, 10_000), (100, 10_000)] {
            for _ in 0..50 {
                let pause = pause(tries);
                let most = Duration::from_millis(most_ms);
                assert!(
                    (most / 2..=most).contains(&pause),
                    "{pause:?} after {tries}"
                );
            }
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(
                retry_after(value, now),
                seconds.map(Duration::from_secs),
                "{value:?}"
            );
        }
    }
}
