//! A browser that runs: ours, or one that somebody else started.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::{CloseParams, GetVersionParams};
use chromiumoxide::cdp::browser_protocol::target::SetDiscoverTargetsParams;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::link::{Link, LinkError};
use crate::process::Process;
use crate::proxy::Proxy;
use crate::{BrowserOptions, find, remote};

/// After how many pages a browser is ended: what it leaks over time is bounded.
const PAGES_MAX: u32 = 100;

/// How long a browser may take to answer for the first time. A cold start on a
/// busy machine takes seconds.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a browser of somebody else may take to notice that we hung up, and
/// to forget our pages.
const FORGET_TIME: Duration = Duration::from_secs(2);

/// Who asks, as web servers see it, after what the browser says of itself.
const USER_AGENT: &str = concat!(
    "rag-memory/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);

/// A browser that runs. Dropping it ends it.
pub(crate) struct Running {
    link: Link,
    process: Option<Process>,
    user_agent: String,
    memory_bytes_max: u64,
    /// Of pages that it did not forget.
    proxies: Mutex<Vec<Arc<Proxy>>>,
    pages: AtomicU32,
    retired: AtomicBool,
    closed: AtomicBool,
}

impl Running {
    /// Starts the browser that `options` name, or connects to it. Fails with
    /// what is wrong and what can be done.
    pub(crate) async fn start(options: &BrowserOptions) -> Result<Self, String> {
        let (wire, process) = match &options.remote {
            Some(address) => (remote::connect(address).await?, None),
            None => {
                let program = find::program(options)?;
                let (process, wire) = Process::start(&program)?;
                (wire, Some(process))
            }
        };
        let link = Link::new(wire);
        let greeting = async {
            if let Some(address) = &options.remote {
                remote::check(&link, address).await?;
            }
            greet(&link).await.map_err(|error| error.to_string())
        };
        let user_agent = match timeout(START_TIMEOUT, greeting).await {
            Ok(Ok(user_agent)) => user_agent,
            Ok(Err(error)) => return Err(explain(process, &error).await),
            Err(_) => {
                let seconds = START_TIMEOUT.as_secs();
                let message = format!("it does not answer within {seconds} s");
                return Err(explain(process, &message).await);
            }
        };
        Ok(Running {
            link,
            process,
            user_agent,
            memory_bytes_max: options.memory_bytes_max,
            proxies: Mutex::default(),
            pages: AtomicU32::new(0),
            retired: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    /// How to speak with it.
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// As what its pages ask web servers.
    pub(crate) fn user_agent(&self) -> &str {
        &self.user_agent
    }

    /// Its process group, when it is ours.
    pub(crate) fn process_group(&self) -> Option<u32> {
        self.process.as_ref().map(Process::group)
    }

    /// Whether it may be given another page, which is counted then.
    pub(crate) fn take_page(&self) -> bool {
        let fit = !self.link.has_ended() && !self.retired.load(Ordering::Relaxed);
        fit && self.pages.fetch_add(1, Ordering::Relaxed) < PAGES_MAX
    }

    /// Whether it was ended on purpose.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// It gets no more pages.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Keeps a proxy until the browser is gone, since a page may still use it.
    pub(crate) fn keep(&self, proxy: Arc<Proxy>) {
        let mut proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        proxies.push(proxy);
    }

    /// Sees to it that its pages do not need too much memory, for as long as
    /// this is waited for.
    pub(crate) async fn bound_memory(&self) -> Infallible {
        match &self.process {
            Some(process) => process.bound_memory(self.memory_bytes_max).await,
            None => std::future::pending().await,
        }
    }

    /// Ends it, with the pages that it shows, and waits until it is gone.
    pub(crate) async fn end(&self) {
        self.retire();
        self.closed.store(true, Ordering::Relaxed);
        if let Some(process) = &self.process {
            self.link.hint(None, &CloseParams::default());
            process.end().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let proxies = self
            .proxies
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let proxies = std::mem::take(proxies);
        let gone = self.process.as_ref().map(Process::gone);
        if let (false, Ok(runtime)) = (proxies.is_empty(), Handle::try_current()) {
            runtime.spawn(async move {
                match gone {
                    Some(gone) => gone.await,
                    None => sleep(FORGET_TIME).await,
                }
                drop(proxies);
            });
        }
    }
}

/// Says hello, and has the browser tell of windows that pages open. Gives the
/// user agent for its pages.
async fn greet(link: &Link) -> Result<String, LinkError> {
    let version = link.execute(None, GetVersionParams::default()).await?;
    link.execute(None, SetDiscoverTargetsParams::new(true))
        .await?;
    // Sites that turn a headless browser away would turn away ours, which says
    // who it is all the same.
    let browser = version.user_agent.replace("HeadlessChrome", "Chrome");
    Ok(format!("{browser} {USER_AGENT}"))
}

/// Why a browser does not start, with its own last words.
async fn explain(process: Option<Process>, message: &str) -> String {
    let Some(process) = process else {
        return message.to_owned();
    };
    process.end().await;
    let program = process.program().display();
    match process.last_words() {
        words if words.is_empty() => format!("`{program}` does not start: {message}"),
        words => format!("`{program}` does not start: {message}; it says: {words}"),
    }
}
