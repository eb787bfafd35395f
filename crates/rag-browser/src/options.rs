//! What an operator decides about the browser.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::find;

/// What an operator decides about the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserOptions {
    /// The program, when it is not in a usual place.
    pub program: Option<PathBuf>,
    /// The folders in which a program of a usual name is looked for, in order,
    /// when none is given: those of `PATH`.
    pub folders: Vec<PathBuf>,
    /// A browser that somebody else started on this machine, by its DevTools
    /// address: `http://127.0.0.1:9222` or `ws://127.0.0.1:9222/devtools/browser/…`.
    /// It is used instead of a program.
    ///
    /// It has to share this machine's loopback network, since its pages reach
    /// the web through a proxy there. It has to be started with
    /// `--force-webrtc-ip-handling-policy=disable_non_proxied_udp`, and is refused
    /// otherwise: past the proxy its pages could reach private addresses. How
    /// much memory it takes is for those who start it to bound.
    pub remote: Option<Url>,
    /// How long one page may take, from its first request to its text.
    pub page_timeout: Duration,
    /// How long the browser is kept when no page needs it.
    pub idle_timeout: Duration,
    /// How many pages are rendered at once, at least one. Others wait.
    pub pages_at_once: usize,
    /// How much memory, in bytes, the processes of a browser that we started may
    /// have of their own while pages are shown. Beyond it the largest of them is
    /// killed, which is nearly always that of one page. It is looked at several
    /// times a second, so that a page has more for a moment; and only on Linux.
    pub memory_bytes_max: u64,
}

impl Default for BrowserOptions {
    /// A program from a usual folder, 20 s a page, two pages at once, 1.5 GiB of
    /// memory, ended when idle for a minute.
    fn default() -> Self {
        BrowserOptions {
            program: None,
            folders: find::usual_folders(),
            remote: None,
            page_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            pages_at_once: 2,
            memory_bytes_max: 3 << 29,
        }
    }
}
