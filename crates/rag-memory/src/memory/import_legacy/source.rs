//! What a document of an earlier memory is to this one: it gets the source that
//! the same text would have if it were put in here, so that a later recrawl or
//! reingest finds it.

use std::path::Path;

use rag_core::ingest::UNNAMED_MEDIA_TYPE;
use rag_core::model::{Extracted, MediaType, Metadata};
use rag_core::port::LegacyDocument;
use rag_extract::{About, Format, detect};
use rag_source::file_uri;
use rag_web::canonical;
use serde_json::Value;
use url::Url;

use crate::memory::check;

/// What a page's document is called there.
const WEB_PAGE: &str = "web_page";
/// The metadata with a page's address.
const SOURCE: &str = "source";
/// The metadata with the address that a crawl began at.
const ROOT: &str = "crawl_root_url";
/// The metadata with a file's path.
const FILE_PATH: &str = "file_path";

/// A document as one to be put in here: `text` is its text, `metadata` its metadata.
pub(super) fn extracted(
    document: &LegacyDocument,
    text: String,
    mut metadata: Metadata,
) -> Extracted {
    let title = check::shortened(&document.title);
    let told = |name: &str| metadata.get(name).and_then(Value::as_str);
    let (page, path) = (told(SOURCE).and_then(address), told(FILE_PATH));
    let is_page = document.file_type == WEB_PAGE || metadata.contains_key(ROOT);
    let (source_uri, media_type, title) = match (page, path) {
        (Some(page), _) if is_page => {
            let title = match title.is_empty() {
                true => page.to_string(),
                false => title,
            };
            (Some(page.to_string()), MediaType::Markdown, title)
        }
        (_, Some(path)) if !is_page && !path.is_empty() => {
            let uri = file_uri(Path::new(path));
            (Some(uri), media_type(path, &text), title)
        }
        _ => (None, UNNAMED_MEDIA_TYPE, title),
    };
    // A recrawl finds the pages of a root by it, in the one form that we write.
    if let Some(root) = told(ROOT).and_then(address) {
        metadata.insert(ROOT.to_owned(), Value::from(root.as_str()));
    }
    Extracted {
        source_uri,
        title,
        media_type,
        text,
        metadata,
        warnings: Vec::new(),
    }
}

/// A web address in its one form.
fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| canonical(&url))
}

/// The type that the file at `path` would have if it were read here.
fn media_type(path: &str, text: &str) -> MediaType {
    let about = About {
        name: path.rsplit(['/', '\\']).next(),
        ..About::default()
    };
    match detect(text.as_bytes(), &about) {
        Ok(Format::Markdown) => MediaType::Markdown,
        Ok(Format::Code) => MediaType::Code,
        // Of other formats, the bytes were taken for text there.
        _ => MediaType::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn check(file_type: &str, title: &str, metadata: &str) -> (Option<String>, MediaType, String) {
        let metadata: Metadata = serde_json::from_str(metadata).unwrap();
        let document = LegacyDocument {
            id: 1,
            title: title.into(),
            text: None,
            text_bytes: 0,
            file_type: file_type.into(),
            metadata: None,
            created_at: None,
            updated_at: None,
            collections: BTreeSet::new(),
        };
        let made = extracted(&document, "text".into(), metadata);
        (made.source_uri, made.media_type, made.title)
    }

    #[test]
    fn documents_have_the_source_they_would_have_here() {
        let page = |uri: &str, title: &str| (Some(uri.into()), MediaType::Markdown, title.into());
        let root =
            r#"{"source": "https://EXAMPLE.org/a#b", "crawl_root_url": "https://example.org"}"#;
        assert_eq!(
            check("web_page", "A", root),
            page("https://example.org/a", "A")
        );
        // The title of a page that has none was kept as it is there.
        assert_eq!(
            check("web_page", "", root),
            page("https://example.org/a", "https://example.org/a")
        );
        for (name, kind) in [
            ("/notes/a b.md", MediaType::Markdown),
            ("/notes/a.rs", MediaType::Code),
            ("/notes/a", MediaType::Plain),
            ("/notes/a.pdf", MediaType::Plain),
        ] {
            let metadata = serde_json::json!({"file_path": name}).to_string();
            let uri = format!("file://{}", name.replace(' ', "%20"));
            assert_eq!(check("md", "a", &metadata), (Some(uri), kind, "a".into()));
        }
        let none = (None, MediaType::Markdown, "T t".to_owned());
        assert_eq!(check("text", " T\tt\u{7}", r#"{"source": "a book"}"#), none);
        assert_eq!(check("web_page", "T t", r#"{"source": "nowhere"}"#), none);
    }

    #[test]
    fn a_root_is_kept_in_the_form_that_a_recrawl_looks_for() {
        let metadata = r#"{"crawl_root_url": "https://example.org", "crawl_depth": 1}"#;
        let document = LegacyDocument {
            id: 1,
            title: "T".into(),
            text: None,
            text_bytes: 0,
            file_type: "web_page".into(),
            metadata: None,
            created_at: None,
            updated_at: None,
            collections: BTreeSet::new(),
        };
        let metadata = serde_json::from_str(metadata).unwrap();
        let made = extracted(&document, "text".into(), metadata);
        let expected =
            serde_json::json!({"crawl_root_url": "https://example.org/", "crawl_depth": 1});
        assert_eq!(Value::Object(made.metadata), expected);
    }
}
