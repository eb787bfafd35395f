//! The text of a page: as it was fetched, or rendered where its scripts make it.

use rag_core::model::{Extracted, JobItem, MediaType, Metadata};
use rag_extract::{About, ExtractError, Format, Page, detect, extract_page};
use rag_web::{Fetched, RenderError, canonical};
use serde_json::Value;
use url::Url;

use super::site::Site;
use crate::Error;
use crate::api::Render;

/// What the metadata of a page call this crawler. Another version may read a
/// page otherwise, so that pages it put in are fetched anew.
pub(super) const CRAWLER_VERSION: &str = concat!("rag-memory/", env!("CARGO_PKG_VERSION"));

/// A page without a text that is kept.
pub(super) enum Unread {
    /// There is none, or it asks not to be kept: why, and where it links to all
    /// the same.
    Left { reason: String, links: Vec<Url> },
    /// It could not be read.
    Failed(Error),
}

impl From<ExtractError> for Unread {
    fn from(error: ExtractError) -> Self {
        match error {
            ExtractError::Unsupported { .. }
            | ExtractError::Blank { .. }
            | ExtractError::Archive => Unread::Left {
                reason: error.to_string(),
                links: Vec::new(),
            },
            error => Unread::Failed(Error::invalid(error.to_string())),
        }
    }
}

/// A page's text and what is known about it, before it has a place.
pub(super) struct Read {
    pub(super) url: Url,
    pub(super) text: Extracted,
    pub(super) links: Vec<Url>,
    /// Nearly empty without JavaScript.
    pub(super) thin: bool,
}

impl Site<'_> {
    /// The text of a page, or why it has none that is kept.
    pub(super) async fn read(
        &self,
        item: &JobItem,
        fetched: Fetched,
    ) -> Result<Result<Read, Unread>, Error> {
        let content_type = fetched.content_type.clone();
        let about = About {
            content_type: content_type.as_deref(),
            url: Some(&fetched.url),
            name: fetched
                .url
                .path_segments()
                .and_then(|mut parts| parts.next_back()),
        };
        let mut own = self.metadata(item, &fetched);
        match detect(&fetched.body, &about) {
            Err(error) => return Ok(Err(error.into())),
            Ok(Format::Html) => {}
            Ok(_) => {
                let url = fetched.url.clone();
                let mut text = match self.memory.extract(fetched).await? {
                    Ok(text) => text,
                    Err(error) => return Ok(Err(error.into())),
                };
                text.metadata.extend(own);
                return Ok(Ok(self.with_address(&url, text, Vec::new(), false)));
            }
        }
        let (url, page, rendered) = match self.page(fetched).await? {
            Ok(page) => page,
            Err(error) => return Ok(Err(error.into())),
        };
        let links = if page.no_follow {
            Vec::new()
        } else {
            page.links
        };
        let thin = page.needs_browser && !rendered;
        let unread = match page.markdown.trim().is_empty() {
            _ if page.no_index => Some("it asks not to be kept (robots meta tag)"),
            true if thin => Some("it has no text without JavaScript"),
            true => Some("it has no text"),
            false => None,
        };
        if let Some(reason) = unread {
            let reason = reason.to_owned();
            return Ok(Err(Unread::Left { reason, links }));
        }
        if rendered {
            own.insert("rendered".to_owned(), Value::from(true));
        }
        for (name, value) in [
            ("title", Some(page.title.clone())),
            ("description", page.description),
            ("language", page.language),
            ("canonical_url", page.canonical.map(String::from)),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                own.insert(name.to_owned(), Value::from(value));
            }
        }
        let text = Extracted {
            source_uri: None,
            title: page.title,
            media_type: MediaType::Markdown,
            text: page.markdown,
            metadata: own,
            warnings: Vec::new(),
        };
        Ok(Ok(self.with_address(&url, text, links, thin)))
    }

    fn with_address(&self, url: &Url, mut text: Extracted, links: Vec<Url>, thin: bool) -> Read {
        let url = canonical(url);
        text.source_uri = Some(url.to_string());
        let own = std::mem::replace(&mut text.metadata, self.plan.metadata.clone());
        text.metadata.extend(own);
        if text.title.trim().is_empty() {
            text.title = url.to_string();
        }
        Read {
            url,
            text,
            links,
            thin,
        }
    }

    /// Reads a page, and once more by a browser where its scripts are needed.
    /// The flag says whether one was used.
    async fn page(
        &self,
        fetched: Fetched,
    ) -> Result<Result<(Url, Page, bool), ExtractError>, Error> {
        let url = fetched.url.clone();
        let host = url.host_str().unwrap_or_default().to_owned();
        let plain = self
            .extract_page(url.clone(), fetched.body, fetched.content_type)
            .await?;
        let shell = plain.as_ref().is_ok_and(|page| page.needs_browser)
            || matches!(
                plain,
                Err(ExtractError::Blank { .. } | ExtractError::Selector { .. })
            );
        let wanted = match self.plan.render {
            Render::Never => false,
            Render::Always => true,
            Render::Auto => shell || self.memory.scripted.contains(&host),
        };
        if !wanted {
            return Ok(plain.map(|page| (url, page, false)));
        }
        let rendered = match &self.memory.options.web.renderer {
            Some(renderer) => renderer.render(&url).await,
            None => Err(RenderError::NoBrowser {
                message: "none is configured".to_owned(),
            }),
        };
        let rendered = match rendered {
            Ok(rendered) if (200..300).contains(&rendered.status) => rendered,
            Ok(rendered) => {
                // The server takes browsers for someone else.
                let status = rendered.status;
                self.run.warn(format!(
                    "`{url}` answers the browser with {status}; it was read without"
                ));
                return Ok(plain.map(|page| (url, page, false)));
            }
            Err(error) => {
                self.run.warn(not_rendered(&url, &error));
                return Ok(plain.map(|page| (url, page, false)));
            }
        };
        let utf8 = Some("text/html; charset=utf-8".to_owned());
        let seen = self
            .extract_page(rendered.url.clone(), rendered.html.into_bytes(), utf8)
            .await?;
        if shell && seen.as_ref().is_ok_and(|page| !page.needs_browser) {
            self.memory.scripted.add(host);
        }
        Ok(seen.map(|page| (rendered.url, page, true)))
    }

    async fn extract_page(
        &self,
        url: Url,
        body: Vec<u8>,
        content_type: Option<String>,
    ) -> Result<Result<Page, ExtractError>, Error> {
        let limits = self.memory.extract_limits();
        let selector = self.plan.selector.clone();
        let read = move || {
            extract_page(
                &body,
                content_type.as_deref(),
                &url,
                selector.as_deref(),
                &limits,
            )
        };
        self.memory.extraction(read).await
    }

    /// What the first prior system calls the facts of a fetch, and their
    /// validators.
    fn metadata(&self, item: &JobItem, fetched: &Fetched) -> Metadata {
        let job = &self.run.job;
        let mut metadata = Metadata::new();
        let mut set = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
        let url = canonical(&fetched.url);
        set("source", Value::from(url.as_str()));
        set("domain", Value::from(url.host_str().unwrap_or_default()));
        set("crawl_root_url", Value::from(job.new.subject.as_str()));
        set("crawl_session_id", Value::from(job.id.to_string()));
        set(
            "crawl_timestamp",
            Value::from(job.new.created_at.to_string()),
        );
        set("crawl_depth", Value::from(item.depth));
        set("crawler_version", Value::from(CRAWLER_VERSION));
        set("status_code", Value::from(fetched.status));
        set("content_length", Value::from(fetched.body.len()));
        for (name, value) in [
            ("content_type", &fetched.content_type),
            ("etag", &fetched.etag),
            ("last_modified", &fetched.last_modified),
            ("crawl_selector", &self.plan.selector),
            ("parent_url", &item.parent),
        ] {
            if let Some(value) = value {
                set(name, Value::from(value.as_str()));
            }
        }
        metadata
    }
}

fn not_rendered(url: &Url, error: &RenderError) -> String {
    match error {
        RenderError::NoBrowser { message } => format!(
            "pages that need JavaScript were read without it: there is no browser ({message}); \
             install chromium or set RAG_CHROMIUM"
        ),
        error => format!("`{url}` was read without JavaScript: {error}"),
    }
}
