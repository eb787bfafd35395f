//! Runs a parser where it can do no harm: on a thread with a large stack, for a
//! limited time, and whatever it does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Format;
use crate::ExtractError;

/// What nested structures may take; pages of it that are not used cost nothing.
const STACK_BYTES: usize = 64 << 20;
/// How long a document may take.
const TIME_MAX: Duration = Duration::from_secs(120);
/// How many threads may hang before nothing more is begun.
const HANGING_MAX: isize = 4;

/// Threads that nobody waits for any more.
static HANGING: AtomicIsize = AtomicIsize::new(0);

/// Runs `parse`. A panic is [`ExtractError::ParserFailed`] (and a message of the
/// panic hook, as for any panic), and so is a thread that takes too long: it is
/// left behind, since a thread cannot be stopped from outside. With too many of
/// them left behind, nothing is begun: [`ExtractError::Busy`].
pub(super) fn guarded<T: Send + 'static>(
    format: Format,
    parse: impl FnOnce() -> Result<T, ExtractError> + Send + 'static,
) -> Result<T, ExtractError> {
    guarded_for(TIME_MAX, &HANGING, format, parse)
}

fn guarded_for<T: Send + 'static>(
    time_max: Duration,
    hanging: &'static AtomicIsize,
    format: Format,
    parse: impl FnOnce() -> Result<T, ExtractError> + Send + 'static,
) -> Result<T, ExtractError> {
    let failed = ExtractError::ParserFailed {
        format: format.name(),
    };
    if hanging.load(Ordering::Relaxed) >= HANGING_MAX {
        return Err(ExtractError::Busy);
    }
    // Without room in it, the channel tells a thread whether it was waited for.
    let (give, take) = mpsc::sync_channel(0);
    let failure = failed.clone();
    let work = move || {
        let result = catch_unwind(AssertUnwindSafe(parse)).unwrap_or(Err(failure));
        if give.send(result).is_err() {
            hanging.fetch_sub(1, Ordering::Relaxed);
        }
    };
    let spawned = thread::Builder::new()
        .name("parse".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work);
    if spawned.is_err() {
        return Err(failed);
    }
    take.recv_timeout(time_max).unwrap_or_else(|_| {
        hanging.fetch_add(1, Ordering::Relaxed);
        Err(failed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_parser_does_there_is_an_outcome() {
        let failed = Err(ExtractError::ParserFailed { format: "PDF" });
        assert_eq!(guarded(Format::Pdf, || Ok(1)), Ok(1));
        assert_eq!(
            guarded::<u8>(Format::Pdf, || Err(ExtractError::Encrypted)),
            Err(ExtractError::Encrypted)
        );
        let panics = || -> Result<u8, _> { panic!("as parsers do") };
        assert_eq!(guarded(Format::Pdf, panics), failed);
    }

    #[test]
    fn documents_that_hang_keep_others_out_until_they_end() {
        static HANGING: AtomicIsize = AtomicIsize::new(0);
        let soon = Duration::from_millis(10);
        let failed = Err(ExtractError::ParserFailed { format: "PDF" });
        let holds: Vec<_> = (0..HANGING_MAX)
            .map(|_| {
                let (hold, wait) = mpsc::channel::<()>();
                let hangs = move || {
                    let _ = wait.recv_timeout(Duration::from_secs(20));
                    Ok(1)
                };
                assert_eq!(guarded_for(soon, &HANGING, Format::Pdf, hangs), failed);
                hold
            })
            .collect();
        let next = || guarded_for(Duration::from_secs(20), &HANGING, Format::Pdf, || Ok(1));
        assert_eq!(next(), Err(ExtractError::Busy));
        drop(holds);
        let freed = (0..1_000).any(|_| {
            thread::sleep(Duration::from_millis(2));
            next() == Ok(1)
        });
        assert!(freed);
    }
}
