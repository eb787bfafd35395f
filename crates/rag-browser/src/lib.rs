//! Renders web pages that need JavaScript, in a headless Chromium.
//!
//! `browser` keeps one Chromium running while there are pages, `process` starts
//! and ends it, `link` speaks its DevTools protocol, `page` renders one page,
//! and `proxy` is the only way out that a page has. Which hosts may be reached
//! is the guard's to say (`rag-web`), which pages are worth a browser is left to
//! the callers.

mod address;
mod arguments;
mod browser;
mod find;
mod link;
mod options;
mod page;
#[cfg(unix)]
mod process;
#[cfg(not(unix))]
#[path = "process_elsewhere.rs"]
mod process;
mod proxy;
mod remote;
mod running;

pub use browser::Browser;
pub use options::BrowserOptions;
