//! The contract of what renders pages that need JavaScript.

use async_trait::async_trait;
use url::Url;

/// Renders web pages as a browser does.
///
/// Reaches nothing that the guard refuses, by no means that a page has. Each
/// call has a deadline of its own and may run beside others.
#[async_trait]
pub trait Renderer: Send + Sync {
    /// The page at `url` after its scripts have run.
    async fn render(&self, url: &Url) -> Result<Rendered, RenderError>;

    /// Ends the browser, if one runs. A later render starts it again.
    async fn close(&self);
}

/// A page after its scripts have run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Where it came from in the end.
    pub url: Url,
    /// The status of its document.
    pub status: u16,
    /// The document as HTML.
    pub html: String,
}

/// Why a page was not rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// There is no browser, or it does not start.
    #[error("there is no browser to render it with: {message}")]
    NoBrowser {
        /// What was tried.
        message: String,
    },
    /// It took too long.
    #[error("`{url}` was not rendered within {seconds} s")]
    Timeout {
        /// The page.
        url: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The browser could not show it.
    #[error("the browser cannot show `{url}`: {message}")]
    Failed {
        /// The page.
        url: String,
        /// Why.
        message: String,
    },
}
