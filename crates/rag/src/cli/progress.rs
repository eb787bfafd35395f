//! Long work at the command line: a bar on a terminal, silence elsewhere, and
//! Ctrl-C between two items.

use std::io::IsTerminal;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use rag_memory::{ErrorKind, Progress, Watch};
use tokio_util::sync::CancellationToken;

/// Eyes on the work, until dropped.
pub(super) struct Bar {
    bar: ProgressBar,
    cancel: CancellationToken,
}

impl Bar {
    /// A bar on stderr, if that is a terminal.
    pub(super) fn new() -> Self {
        let bar = match std::io::stderr().is_terminal() {
            true => ProgressBar::no_length(),
            false => ProgressBar::hidden(),
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}")
            .expect("the template is well formed");
        bar.set_style(style);
        let cancel = CancellationToken::new();
        tokio::spawn(interrupts(cancel.clone()));
        Bar { bar, cancel }
    }

    /// What the work reports to.
    pub(super) fn watch(&self) -> Watch {
        let bar = self.bar.clone();
        let progress = Arc::new(move |progress: Progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            bar.set_message(progress.message);
        });
        Watch {
            progress,
            cancel: self.cancel.clone(),
        }
    }
}

/// The first Ctrl-C stops the work between two items; one that comes when
/// there is no work, or a second one, ends the program at once.
async fn interrupts(cancel: CancellationToken) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if cancel.is_cancelled() {
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
