//! Waiting for one thing while others go on in the same task.

use std::collections::VecDeque;
use std::pin::pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// Waits for `work` while the `others` go on, and keeps what those give. They may
/// hold what the work waits for, a lock or a connection of the store, and would
/// never let go of it.
pub(super) async fn while_others_go_on<W: Future, F: Future>(
    work: W,
    others: &mut FuturesUnordered<F>,
    ended: &mut VecDeque<F::Output>,
) -> W::Output {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Some(other) = others.next() => ended.push_back(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::sync::Mutex;
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn what_others_hold_comes_free() {
        let lock = Mutex::new(());
        let holder = async |name: &'static str| {
            let _held = lock.lock().await;
            yield_now().await;
            name
        };
        let mut others = FuturesUnordered::new();
        others.push(holder("one"));
        others.push(holder("two"));
        // One holds the lock from here, the other one waits for it.
        assert!(others.next().now_or_never().is_none());
        let mut ended = VecDeque::new();
        let work = async { drop(lock.lock().await) };
        let waiting = while_others_go_on(work, &mut others, &mut ended);
        let waited = timeout(Duration::from_secs(10), waiting).await;
        assert!(waited.is_ok(), "nobody let go of the lock");
        assert!(!ended.is_empty());
    }

    #[tokio::test]
    async fn nothing_else_needs_to_go_on() {
        let mut others = FuturesUnordered::<std::future::Ready<()>>::new();
        let mut ended = VecDeque::new();
        let done = while_others_go_on(async { 3 }, &mut others, &mut ended).await;
        assert_eq!((done, ended.len()), (3, 0));
    }
}
