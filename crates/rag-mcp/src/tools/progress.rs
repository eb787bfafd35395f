//! Lets a caller follow and stop long work: progress goes out as notifications
//! while the work goes on, and the caller's cancellation goes in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rag_memory::{Patience, Progress, Watch};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext, RoleServer};
use tokio::sync::watch::{self, Receiver};
use tokio_util::sync::CancellationToken;

/// About how many notifications a call sends at most, unless it takes long.
const STEPS: u64 = 100;

/// Work that goes slower than that tells of every item, so that no client
/// thinks it dead.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Does `work`, watched by whoever made the request.
pub(crate) async fn watched<T>(
    context: &RequestContext<RoleServer>,
    work: impl AsyncFnOnce(Watch) -> T,
) -> T {
    let (sender, receiver) = watch::channel(None);
    let watch = Watch {
        progress: Arc::new(move |progress| {
            sender.send_replace(Some(progress));
        }),
        cancel: context.ct.clone(),
        // An agent would time out over what takes long: it gets a job to follow.
        patience: Patience::Usual,
    };
    let Some(token) = context.meta.get_progress_token() else {
        return work(watch).await;
    };
    let done = CancellationToken::new();
    let work = async {
        let outcome = work(watch).await;
        done.cancel();
        outcome
    };
    let (outcome, ()) = tokio::join!(work, tell(&context.peer, &token, receiver, &done));
    outcome
}

/// Sends what is newest whenever there is enough that is new, and the end.
/// Work does not wait for it: what comes while a notification is on its way is
/// overtaken by what comes later.
async fn tell(
    peer: &Peer<RoleServer>,
    token: &ProgressToken,
    mut receiver: Receiver<Option<Progress>>,
    done: &CancellationToken,
) {
    let mut told: Option<(u64, Instant)> = None;
    loop {
        let finished = tokio::select! {
            changed = receiver.changed() => changed.is_err(),
            () = done.cancelled() => true,
        };
        let newest = receiver.borrow_and_update().clone();
        if let Some(progress) = newest
            && is_due(&progress, told, finished)
        {
            told = Some((progress.done, Instant::now()));
            if peer
                .notify_progress(notification(token, progress))
                .await
                .is_err()
            {
                return;
            }
        }
        if finished {
            return;
        }
    }
}

/// Whether to tell of `progress` after what was `told` last. Never twice of
/// the same, and never backwards; the total may grow.
fn is_due(progress: &Progress, told: Option<(u64, Instant)>, finished: bool) -> bool {
    let Some((done, when)) = told else {
        return true;
    };
    let step = (progress.total / STEPS).max(1);
    progress.done > done
        && (finished || progress.done - done >= step || when.elapsed() >= SILENCE_MAX)
}

/// A total of 0 is one that nobody knows yet, and left out.
fn notification(token: &ProgressToken, progress: Progress) -> ProgressNotificationParam {
    let param = ProgressNotificationParam::new(token.clone(), progress.done as f64)
        .with_message(progress.message);
    match progress.total {
        0 => param,
        total => param.with_total(total as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_items_make_few_notifications() {
        let total = 10_000;
        let mut told = None;
        let mut count = 0;
        for done in 1..=total {
            let progress = Progress {
                done,
                total,
                message: String::new(),
            };
            if is_due(&progress, told, false) {
                // Told in the future, so that no time passes.
                told = Some((done, Instant::now() + SILENCE_MAX));
                count += 1;
            }
        }
        assert_eq!(count, 100);
    }

    #[test]
    fn it_never_goes_back_and_the_end_is_always_told() {
        let progress = |done| Progress {
            done,
            total: 1_000,
            message: String::new(),
        };
        let told = Some((500, Instant::now()));
        assert!(!is_due(&progress(500), told, true));
        assert!(!is_due(&progress(499), told, true));
        assert!(is_due(&progress(501), told, true));
        assert!(is_due(&progress(510), told, false));
    }

    #[test]
    fn an_unknown_total_is_left_out() {
        let token = ProgressToken(rmcp::model::NumberOrString::Number(1));
        let param = |total| {
            let message = String::new();
            let progress = Progress {
                done: 1,
                total,
                message,
            };
            notification(&token, progress)
        };
        assert_eq!(param(0).total, None);
        assert_eq!(param(3).total, Some(3.0));
    }
}
