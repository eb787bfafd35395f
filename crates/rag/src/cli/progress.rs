//! Long work at the command line: a bar on a terminal, silence elsewhere, and
//! Ctrl-C between two items.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rag_memory::{ErrorKind, Memory, Patience, Progress, Watch};
use tokio_util::sync::CancellationToken;

use super::serve::shutdown_signal;

/// While nobody knows how much there is to do.
const SPINNER: &str = "{spinner} {pos} {elapsed} {wide_msg}";
/// When it is known; it may still grow.
const BAR: &str = "{bar:30} {pos}/{len} {elapsed} {wide_msg}";
/// How often the time on it goes on.
const TICK: Duration = Duration::from_millis(200);

/// Eyes on the work, until dropped.
pub(super) struct Bar {
    bar: ProgressBar,
    cancel: CancellationToken,
}

impl Bar {
    /// A bar on stderr, if that is a terminal, for work that `memory` does.
    pub(super) fn new(memory: &Memory) -> Self {
        let bar = match std::io::stderr().is_terminal() {
            true => ProgressBar::no_length(),
            false => ProgressBar::hidden(),
        };
        bar.set_style(style(SPINNER));
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        let cancel = CancellationToken::new();
        tokio::spawn(interrupts(cancel.clone(), memory.clone()));
        Bar { bar, cancel }
    }

    /// What the work reports to. It is waited for, however long it takes.
    pub(super) fn watch(&self) -> Watch {
        let bar = self.bar.clone();
        let total_known = AtomicBool::new(false);
        let progress = Arc::new(move |progress: Progress| {
            if progress.total > 0 {
                bar.set_length(progress.total);
                if !total_known.swap(true, Ordering::Relaxed) {
                    bar.set_style(style(BAR));
                }
            }
            bar.set_position(progress.done);
            bar.set_message(progress.message);
        });
        Watch {
            progress,
            cancel: self.cancel.clone(),
            patience: Patience::Endless,
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well formed")
}

/// The first Ctrl-C stops the work between two items; one that comes when
/// there is no work, or a second one, ends the program as soon as the browser
/// is gone.
async fn interrupts(cancel: CancellationToken, memory: Memory) {
    loop {
        shutdown_signal().await;
        if cancel.is_cancelled() {
            memory.close().await;
            std::process::exit(ErrorKind::Cancelled.exit_code().into());
        }
        cancel.cancel();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.cancel.cancel();
    }
}
