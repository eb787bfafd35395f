//! HTML files: read as the web page they are.

use rag_core::model::{MediaType, Metadata};
use serde_json::Value;
use url::Url;

use super::Reading;
use crate::{About, ExtractError, Limits, extract_page};

/// Reads a page.
pub(super) fn read(
    bytes: &[u8],
    about: &About<'_>,
    limits: &Limits,
) -> Result<Reading, ExtractError> {
    let nowhere = Url::parse("file:///").expect("this is a URL");
    let url = about.url.unwrap_or(&nowhere);
    let page = extract_page(bytes, about.content_type, url, None, limits)?;
    if page.markdown.trim().is_empty() {
        let hint = page.needs_browser.then_some("a script fills it");
        return Err(ExtractError::Blank { hint });
    }
    let mut metadata = Metadata::new();
    for (name, value) in [
        ("description", page.description),
        ("language", page.language),
    ] {
        if let Some(value) = value {
            metadata.insert(name.to_owned(), Value::from(value));
        }
    }
    let title = page.title.trim();
    let title = (!title.is_empty()).then(|| title.to_owned());
    Ok(Reading {
        metadata,
        ..Reading::new(page.markdown, MediaType::Markdown).titled(title)
    })
}
