//! Renders one page: a browser context and a proxy of its own, a document, its
//! scripts until they come to rest, its text.
//!
//! `context` keeps the page apart from others, `tab` is the page in the browser,
//! `shown` loads it and takes its text, `state` is what is known of it, `words`
//! puts the browser's errors into words. Starting the browser and counting its
//! pages is left to `browser`.

mod context;
mod shown;
mod state;
mod tab;
mod words;

use std::sync::Arc;
use std::time::Duration;

use rag_web::Rendered;
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::context::Context;
use self::tab::Tab;
use crate::link::LinkError;
use crate::proxy::{Proxy, Reach};
use crate::running::Running;

/// Why a page was not rendered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// The browser ended meanwhile, or cannot be used any more. Another one may
    /// render the page.
    #[error("the browser has ended")]
    BrowserEnded,
    /// There is no result within the time.
    #[error("the time is over")]
    Timeout,
    /// The page is to blame, or what it needs.
    #[error("{0}")]
    Failed(String),
}

impl From<LinkError> for PageError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Ended => PageError::BrowserEnded,
            LinkError::Refused { .. } | LinkError::BadAnswer { .. } => {
                PageError::Failed(error.to_string())
            }
        }
    }
}

/// A page to render.
struct Task<'a> {
    url: &'a Url,
    proxy: &'a Proxy,
    /// What the whole page may take.
    limit: Duration,
    /// When that is over.
    deadline: Instant,
}

/// Renders the page at `url`, which may reach what `reach` says, within `limit`.
///
/// Whatever the page did is undone afterwards: its context is disposed of, and
/// when that fails the browser is not used again.
pub(crate) async fn render(
    running: &Arc<Running>,
    reach: Reach,
    url: &Url,
    limit: Duration,
) -> Result<Rendered, PageError> {
    let deadline = Instant::now() + limit;
    let proxy = Proxy::start(reach)
        .await
        .map_err(|error| PageError::Failed(format!("its proxy does not start: {error}")))?;
    let opening = Context::open(running, proxy);
    let Ok(context) = timeout_at(deadline, opening).await else {
        // A browser that does not even do this is stuck.
        running.retire();
        return Err(PageError::Timeout);
    };
    let context = context?;
    let task = Task {
        url,
        proxy: context.proxy(),
        limit,
        deadline,
    };
    let outcome = tokio::select! {
        outcome = in_context(running, &context, &task) => outcome,
        never = running.bound_memory() => match never {},
    };
    context.dispose().await;
    outcome
}

async fn in_context(
    running: &Running,
    context: &Context,
    task: &Task<'_>,
) -> Result<Rendered, PageError> {
    let opening = Tab::open(running.link(), context.id(), running.user_agent());
    let opened = timeout_at(task.deadline, opening).await;
    let mut tab = opened.unwrap_or(Err(PageError::Timeout))?;
    let Ok(outcome) = timeout_at(task.deadline, tab.render(task)).await else {
        tab.kill();
        return Err(PageError::Timeout);
    };
    outcome
}
