//! A page that is being shown: loads it, waits until it has settled, takes its
//! text.

use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::page::{CreateIsolatedWorldParams, NavigateParams};
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use rag_web::Rendered;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::state::PageState;
use super::tab::Handle;
use super::{PageError, Task, words};
use crate::address::without_credentials;
use crate::link::LinkError;

/// How often a page is looked at while it settles.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How long a page must not have grown to count as settled.
const REST: Duration = Duration::from_millis(500);

/// How often an expression is evaluated again in a page that goes elsewhere.
const MOVES_MAX: u32 = 20;

/// The longest page, in UTF-16 units. The browser writes any of them as up to six
/// bytes (`\u00e9`) into its message, which has room for that.
const HTML_LENGTH_MAX: usize = 10 << 20;

/// Where our scripts run: they see the page's document, but not what the page
/// made of the functions they use.
const WORLD: &str = "rag-memory";

/// How much text there is.
const LENGTH: &str = "document.documentElement ? document.documentElement.textContent.length : 0";

/// A page that is being shown.
pub(super) struct Shown<'a> {
    /// Where.
    pub(super) handle: &'a Handle<'a>,
    /// What is known of it by now.
    pub(super) state: watch::Receiver<PageState>,
    /// What was asked for.
    pub(super) task: &'a Task<'a>,
}

/// What is taken of a page in the end.
#[derive(Deserialize)]
struct Snapshot {
    url: String,
    /// None when there is too much.
    html: Option<String>,
}

impl Shown<'_> {
    /// Shows the page, and takes its text when it has settled.
    ///
    /// Of the time for the page two fifths are for loading and a quarter is for
    /// settling, so that a page that does neither still gives what it has.
    pub(super) async fn render(mut self) -> Result<Rendered, PageError> {
        let Task { limit, .. } = *self.task;
        self.load(Instant::now() + limit * 2 / 5).await?;
        self.settle(Instant::now() + limit / 4).await?;
        self.check()?;
        let snapshot: Snapshot = self.evaluate(&snapshot_script()).await?;
        // A script may have led elsewhere since.
        self.check()?;
        self.rendered(snapshot)
    }

    /// Asks for the page, and waits until it is loaded: for its document as long
    /// as it takes, for the rest of it until there was `enough` time.
    async fn load(&mut self, enough: Instant) -> Result<(), PageError> {
        let navigate = NavigateParams::new(self.task.url.as_str());
        if let Some(error) = self.handle.execute(navigate).await?.error_text {
            let state = self.state.borrow();
            let why = words::failure(&error, &state, self.task.proxy);
            return Err(PageError::Failed(why));
        }
        let committed = |state: &PageState| state.committed || state.crashed;
        let committed = self.state.wait_for(committed).await;
        committed.map_err(|_| PageError::BrowserEnded)?;
        let loaded = self.state.wait_for(|state| state.loaded || state.crashed);
        // What is still loading then is left out.
        let _ = timeout_at(enough, loaded).await;
        self.check()
    }

    /// Waits until the page no longer grows and loads nothing that could make it
    /// grow, or the time is over.
    async fn settle(&self, end: Instant) -> Result<(), PageError> {
        let mut longest = 0;
        let mut since = Instant::now();
        while since.elapsed() < REST && Instant::now() < end {
            let length: u64 = self.evaluate(LENGTH).await?;
            if length > longest || self.state.borrow().is_loading() {
                since = Instant::now();
            }
            longest = longest.max(length);
            sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// Fails when there is no page of the site any more.
    fn check(&self) -> Result<(), PageError> {
        let state = self.state.borrow();
        match words::trouble(&state, self.task.proxy) {
            Some(trouble) => Err(PageError::Failed(trouble)),
            None => Ok(()),
        }
    }

    /// The value of an expression in our world of the page. When the page goes
    /// elsewhere meanwhile, it is evaluated there.
    async fn evaluate<T: DeserializeOwned>(&self, expression: &str) -> Result<T, PageError> {
        let mut moves = 0;
        loop {
            match self.evaluate_once(expression).await {
                Err(LinkError::Refused { .. }) if moves < MOVES_MAX => {
                    self.check()?;
                    moves += 1;
                    sleep(LOOK_INTERVAL).await;
                }
                Err(error) => return Err(error.into()),
                Ok(value) => {
                    let unreadable = |_| PageError::Failed("its text cannot be read".to_owned());
                    return serde_json::from_value(value).map_err(unreadable);
                }
            }
        }
    }

    async fn evaluate_once(&self, expression: &str) -> Result<serde_json::Value, LinkError> {
        let mut world = CreateIsolatedWorldParams::new(self.handle.frame.clone());
        world.world_name = Some(WORLD.to_owned());
        let world = self.handle.execute(world).await?;
        let mut evaluate = EvaluateParams::new(expression);
        evaluate.context_id = Some(world.execution_context_id);
        evaluate.return_by_value = Some(true);
        let evaluated = self.handle.execute(evaluate).await?;
        Ok(evaluated.result.value.unwrap_or_default())
    }

    fn rendered(&self, snapshot: Snapshot) -> Result<Rendered, PageError> {
        let url = Url::parse(&snapshot.url).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(url) = url.map(without_credentials) else {
            return Err(PageError::Failed("it shows no page of the web".to_owned()));
        };
        let Some(html) = snapshot.html else {
            let message = format!("it has more than {HTML_LENGTH_MAX} characters of HTML");
            return Err(PageError::Failed(message));
        };
        let status = self.state.borrow().status;
        // Without one it came from no server: a script wrote it.
        let status = status.unwrap_or(200);
        Ok(Rendered { url, status, html })
    }
}

/// Takes the whole document, unless it is too long. Halves of characters, which a
/// script can write, have no place in JSON.
fn snapshot_script() -> String {
    format!(
        "(() => {{ \
           const root = document.documentElement; \
           const type = document.doctype ? '<!DOCTYPE html>\\n' : ''; \
           const html = (root ? type + root.outerHTML : '').toWellFormed(); \
           return {{ url: location.href, html: html.length > {HTML_LENGTH_MAX} ? null : html }}; \
         }})()"
    )
}
