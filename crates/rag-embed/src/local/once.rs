//! Loading at the first use: once, however many wait for it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// A value that the first to need it loads while the others wait. What failed
/// to load is tried again by the next; a panic while loading is a failure.
pub(super) struct LoadOnce<T> {
    slot: Mutex<Option<Arc<T>>>,
}

impl<T> LoadOnce<T> {
    pub(super) fn new() -> Self {
        LoadOnce {
            slot: Mutex::new(None),
        }
    }

    /// The value, from `load` if nobody has loaded it yet. Blocks meanwhile.
    pub(super) fn get(&self, load: impl FnOnce() -> Result<T, String>) -> Result<Arc<T>, String> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = &*slot {
            return Ok(Arc::clone(value));
        }
        let loaded = catch_unwind(AssertUnwindSafe(load))
            .unwrap_or_else(|panic| Err(format!("loading it panicked: {}", text_of(&*panic))))?;
        Ok(Arc::clone(slot.insert(Arc::new(loaded))))
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn many_at_once_load_once() {
        let once = LoadOnce::new();
        let (loads, barrier) = (AtomicUsize::new(0), Barrier::new(8));
        let load = || Ok(loads.fetch_add(1, Ordering::SeqCst));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(*once.get(load).unwrap(), 0);
                });
            }
        });
        assert_eq!(loads.into_inner(), 1);
    }

    #[test]
    fn failures_and_panics_are_reported_and_tried_again() {
        let once = LoadOnce::new();
        assert_eq!(
            once.get(|| Err("no file".to_owned())),
            Err("no file".to_owned())
        );
        let panicked = once.get(|| panic!("bad {}", "header")).unwrap_err();
        assert_eq!(panicked, "loading it panicked: bad header");
        assert_eq!(once.get(|| Ok(7)), Ok(Arc::new(7)));
        assert_eq!(once.get(|| Ok(8)), Ok(Arc::new(7)));
    }
}
