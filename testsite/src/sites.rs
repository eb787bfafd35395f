//! Whole sites, put into a [`Site`](crate::Site): one to read, one that needs
//! scripts, one that is hostile, and some that are large.

mod documentation;
mod hostile;
mod javascript;
mod many;
mod sitemaps;

pub use documentation::{
    DOCUMENTATION_DUPLICATES, DOCUMENTATION_FORBIDDEN, DOCUMENTATION_PAGES, FACTS, documentation,
};
pub use hostile::{HOSTILE_DONE, HOSTILE_LEAVING, HOSTILE_PAGE, hostile_page};
pub use javascript::{JAVASCRIPT_PAGES, javascript};
pub use many::{many, many_fact, many_path};
pub use sitemaps::{large_sitemap, looping_sitemap};
