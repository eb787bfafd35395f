//! Bytes to clean text: web pages, PDF, Office files, notebooks and archives,
//! told by their content. Nothing here touches a disk or a network; everything
//! blocks, catches what its parsers do wrong, and is bounded by [`Limits`].

mod about;
mod archive;
mod decode;
mod document;
mod error;
mod page;

pub use about::{About, Limits};
pub use archive::{ArchiveMember, read_archive};
pub use document::{Format, begins_as_text, detect, extract_document};
pub use error::ExtractError;
pub use page::{Anchor, Page, check_selector, extract_page};
