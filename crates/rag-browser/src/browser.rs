//! Keeps one browser running while there are pages to render.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use rag_web::{Guard, RenderError, Rendered, Renderer};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::address::without_credentials;
use crate::page::{self, PageError};
use crate::proxy::Reach;
use crate::running::Running;
use crate::{BrowserOptions, find};

/// How often a page is rendered again when the browser ends under it.
const RETRIES: u32 = 1;

/// Renders pages in a Chromium, which is started with the first page and ended
/// when it is idle, after a hundred pages, when it misbehaves, and when the last
/// clone of this is dropped.
///
/// A Chromium that was started ends also when this process is killed: the pipes
/// over which they speak break.
#[derive(Clone)]
pub struct Browser {
    shared: Arc<Shared>,
}

struct Shared {
    guard: Arc<Guard>,
    options: BrowserOptions,
    pages: Semaphore,
    slot: Mutex<Option<Slot>>,
}

/// The browser that gets the pages.
struct Slot {
    running: Arc<Running>,
    used: Instant,
    /// Ends it when it is idle.
    _keeper: AbortOnDropHandle<()>,
}

impl Browser {
    /// A renderer that lets pages reach what `guard` lets through. Starts nothing.
    pub fn new(guard: Arc<Guard>, options: BrowserOptions) -> Self {
        let pages = Semaphore::new(options.pages_at_once.max(1));
        Browser {
            shared: Arc::new(Shared {
                guard,
                options,
                pages,
                slot: Mutex::default(),
            }),
        }
    }

    /// The program that would be started with these options.
    ///
    /// # Errors
    /// [`RenderError::NoBrowser`] with what was tried and what can be done.
    pub fn find(options: &BrowserOptions) -> Result<PathBuf, RenderError> {
        find::program(options).map_err(|message| RenderError::NoBrowser { message })
    }

    /// Whether there is a browser to try: an address of one, or a program.
    pub fn is_available(&self) -> bool {
        let options = &self.shared.options;
        options.remote.is_some() || find::program(options).is_ok()
    }

    /// The id of the browser's process group, while one runs that we started.
    pub async fn process_group(&self) -> Option<u32> {
        let slot = self.shared.slot.lock().await;
        slot.as_ref()?.running.process_group()
    }
}

#[async_trait]
impl Renderer for Browser {
    async fn render(&self, url: &Url) -> Result<Rendered, RenderError> {
        let shared = &self.shared;
        // They would be sent, and told in errors.
        let url = &without_credentials(url.clone());
        let failed = |message| RenderError::Failed {
            url: url.to_string(),
            message,
        };
        let permit = shared.pages.acquire().await;
        let _permit = permit.expect("the semaphore is never closed");
        // What the guard refuses is worth no browser.
        let reach = Reach::of_page(&shared.guard, url).await;
        let reach = reach.map_err(|refused| failed(refused.to_string()))?;
        let mut tries = 0;
        loop {
            let running = shared.running().await?;
            let limit = shared.options.page_timeout;
            let outcome = page::render(&running, reach.clone(), url, limit).await;
            shared.used(&running).await;
            let error = match outcome {
                Ok(rendered) => return Ok(rendered),
                Err(error) => error,
            };
            return Err(match error {
                PageError::BrowserEnded if tries < RETRIES && !running.is_closed() => {
                    running.retire();
                    tries += 1;
                    continue;
                }
                PageError::BrowserEnded => failed("the browser ends meanwhile".to_owned()),
                PageError::Failed(message) => failed(message),
                PageError::Timeout => RenderError::Timeout {
                    url: url.to_string(),
                    seconds: limit.as_secs(),
                },
            });
        }
    }

    async fn close(&self) {
        let slot = self.shared.slot.lock().await.take();
        if let Some(slot) = slot {
            slot.running.end().await;
        }
    }
}

impl Shared {
    /// A browser for one page: the one that runs, or a new one.
    async fn running(self: &Arc<Self>) -> Result<Arc<Running>, RenderError> {
        let mut slot = self.slot.lock().await;
        if let Some(slot) = slot.as_mut().filter(|slot| slot.running.take_page()) {
            slot.used = Instant::now();
            return Ok(Arc::clone(&slot.running));
        }
        // The old one ends with the last page that it shows.
        *slot = None;
        let started = Running::start(&self.options).await;
        let running = started.map_err(|message| RenderError::NoBrowser { message })?;
        tracing::debug!(group = running.process_group(), "a browser was started");
        running.take_page();
        let running = Arc::new(running);
        let keeper = keep(
            Arc::downgrade(self),
            Arc::downgrade(&running),
            self.options.idle_timeout,
        );
        *slot = Some(Slot {
            running: Arc::clone(&running),
            used: Instant::now(),
            _keeper: AbortOnDropHandle::new(tokio::spawn(keeper)),
        });
        Ok(running)
    }

    /// Notes that a page is done.
    async fn used(&self, running: &Arc<Running>) {
        let mut slot = self.slot.lock().await;
        if let Some(slot) = slot
            .as_mut()
            .filter(|slot| Arc::ptr_eq(&slot.running, running))
        {
            slot.used = Instant::now();
        }
    }
}

/// Takes a browser out of its slot when it has been idle for `limit`, which ends
/// it.
async fn keep(shared: Weak<Shared>, running: Weak<Running>, limit: Duration) {
    let mut due = Instant::now() + limit;
    loop {
        sleep_until(due).await;
        let (Some(shared), Some(running)) = (shared.upgrade(), running.upgrade()) else {
            return;
        };
        let mut taken = shared.slot.lock().await;
        let Some(slot) = taken
            .as_ref()
            .filter(|slot| Arc::ptr_eq(&slot.running, &running))
        else {
            return;
        };
        // Held by the slot and by this function: no page uses it.
        let idle = Arc::strong_count(&running) == 2;
        due = slot.used + limit;
        if !idle {
            due = Instant::now() + limit;
        } else if due <= Instant::now() {
            *taken = None;
            return;
        }
    }
}
