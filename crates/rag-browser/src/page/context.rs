//! A browser context: cookies, storage and cache that are one page's alone, and
//! the proxy it uses.

use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::{
    BrowserContextId, SetDownloadBehaviorBehavior, SetDownloadBehaviorParams,
};
use chromiumoxide::cdp::browser_protocol::target::{
    CreateBrowserContextParams, DisposeBrowserContextParams,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::link::LinkError;
use crate::proxy::Proxy;
use crate::running::Running;

/// How long the browser may take to forget a page.
const DISPOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A browser context. Dropping it has the browser forget it, with its pages,
/// also when nobody waits for the page any more.
pub(super) struct Context {
    running: Arc<Running>,
    proxy: Arc<Proxy>,
    id: BrowserContextId,
    disposed: bool,
}

impl Context {
    pub(super) async fn open(running: &Arc<Running>, proxy: Proxy) -> Result<Self, LinkError> {
        let create = CreateBrowserContextParams {
            dispose_on_detach: Some(true),
            proxy_server: Some(format!("http://{}", proxy.address())),
            proxy_bypass_list: Some("<-loopback>".to_owned()),
            origins_with_universal_network_access: None,
        };
        let created = running.link().execute(None, create).await?;
        let context = Context {
            running: Arc::clone(running),
            proxy: Arc::new(proxy),
            id: created.browser_context_id,
            disposed: false,
        };
        let mut downloads = SetDownloadBehaviorParams::new(SetDownloadBehaviorBehavior::Deny);
        downloads.browser_context_id = Some(context.id.clone());
        running.link().execute(None, downloads).await?;
        Ok(context)
    }

    pub(super) fn id(&self) -> &BrowserContextId {
        &self.id
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Closes its pages, with their processes, and forgets everything.
    pub(super) async fn dispose(mut self) {
        if let Some(disposal) = self.start_disposal() {
            // It can only be stopped with the whole runtime.
            let _ = disposal.await;
        }
    }

    /// In a task of its own, which nobody can abandon.
    fn start_disposal(&mut self) -> Option<JoinHandle<()>> {
        if std::mem::replace(&mut self.disposed, true) {
            return None;
        }
        let (running, proxy) = (Arc::clone(&self.running), Arc::clone(&self.proxy));
        let runtime = Handle::try_current().ok()?;
        Some(runtime.spawn(dispose(running, self.id.clone(), proxy)))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.start_disposal();
    }
}

/// Disposes of a context. When the browser does not do so, it is not used again,
/// and the proxy stays until it is gone: what else may listen at its port then is
/// not to be reached by the page.
async fn dispose(running: Arc<Running>, id: BrowserContextId, proxy: Arc<Proxy>) {
    let command = DisposeBrowserContextParams::new(id);
    let disposing = running.link().execute(None, command);
    if !matches!(timeout(DISPOSE_TIMEOUT, disposing).await, Ok(Ok(_))) {
        running.retire();
        running.keep(proxy);
    }
}
