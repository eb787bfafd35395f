//! In place of `process` where there are no process groups and no pipes that a
//! started program finds by number: nothing is started there.

use std::convert::Infallible;
use std::future::Ready;
use std::path::Path;

use crate::link::Wire;

/// A process that never is.
pub(crate) enum Process {}

impl Process {
    /// Fails with what to do instead.
    pub(crate) fn start(program: &Path) -> Result<(Self, Wire), String> {
        let program = program.display();
        Err(format!(
            "on this system no browser is started\n\n\
             hint: run `{program} --headless --remote-debugging-port=9222 \
             --force-webrtc-ip-handling-policy=disable_non_proxied_udp` and set \
             `RAG_BROWSER_URL=http://127.0.0.1:9222`"
        ))
    }

    pub(crate) fn program(&self) -> &Path {
        match *self {}
    }

    pub(crate) fn group(&self) -> u32 {
        match *self {}
    }

    pub(crate) fn last_words(&self) -> String {
        match *self {}
    }

    pub(crate) async fn end(&self) {
        match *self {}
    }

    pub(crate) fn gone(&self) -> Ready<()> {
        match *self {}
    }

    pub(crate) async fn bound_memory(&self, _bytes_max: u64) -> Infallible {
        match *self {}
    }
}
