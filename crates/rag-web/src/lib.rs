//! The web: fetches pages, politely and from public addresses only, tells what
//! a site has, and reads repositories. What becomes of what was fetched is left
//! to `rag-extract` and the callers.

mod bounded;
mod client;
mod discover;
mod fetch;
mod github;
mod guard;
mod pace;
mod render;
mod robots;
mod scope;

pub use discover::{Discovery, LlmsTxt, SitemapUrl, discover};
pub use fetch::{FetchError, FetchRequest, Fetched, Fetcher, FetcherOptions};
pub use github::{
    Commit, GitHub, GitHubError, GitHubOptions, InvalidRepository, RepositoryFile, RepositoryRef,
    Tarball,
};
pub use guard::{BadRule, Guard, Refused};
pub use render::{RenderError, Rendered, Renderer};
pub use robots::Robots;
pub use scope::{BadPattern, Scope, canonical};
