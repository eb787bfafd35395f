//! What the tests run against instead of the web: a [`Site`] on loopback that
//! answers what it is told to, whole [`sites`], a [`Target`] that must never be
//! reached, and a double of GitHub's API. Nothing here leaves the machine, and
//! nothing of it becomes part of the product.

mod answer;
mod github;
mod request;
mod serve;
mod site;
pub mod sites;
mod target;

pub use answer::Answer;
pub use github::GitHubDouble;
pub use request::SeenRequest;
pub use site::{Fallback, Site};
pub use target::Target;
