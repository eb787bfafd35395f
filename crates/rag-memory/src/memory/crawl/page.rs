//! A single page of a crawl: fetched, read, and put in.

use rag_core::ingest::Identified;
use rag_core::model::{DocumentId, DocumentInfo, ItemState, JobItem};
use rag_core::port::Expect;
use rag_web::{FetchRequest, Fetched, canonical};
use serde_json::Value;
use url::Url;

use super::read::{CRAWLER_VERSION, Read, Unread};
use super::site::Site;
use super::visit::{Visit, failed, is_root, not_fetched, settled, skipped};
use crate::Error;
use crate::api::Render;
use crate::memory::ends_the_run;
use crate::memory::ingest::Placed;

impl Site<'_> {
    /// Sees to a page. The error is one that ends the crawl.
    pub(super) async fn visit(&self, item: JobItem) -> Result<Visit, Error> {
        let url = Url::parse(&item.name).map_err(|error| Error::invalid(error.to_string()))?;
        let name = &self.collection.collection.name;
        let known = self
            .memory
            .store
            .document_of_source(name, &item.name)
            .await?;
        let fetched = self
            .memory
            .options
            .web
            .fetcher
            .fetch(&self.request(&url, &item, known.as_ref()))
            .await;
        match fetched {
            Err(error) if error.is_gone() && known.is_some() => self.removed(item, known).await,
            Err(error) => Ok(not_fetched(item, error)),
            Ok(fetched) if fetched.not_modified => {
                if let Some(known) = &known {
                    self.claim(known.content_hash, &known.source_uri);
                }
                Ok(settled(item, ItemState::Unchanged, known))
            }
            Ok(fetched) => self.fetched(item, fetched).await,
        }
    }

    /// Asks for what is newer than the version that is known, if this crawl
    /// would read that the same way and its links are not needed.
    fn request(&self, url: &Url, item: &JobItem, known: Option<&DocumentInfo>) -> FetchRequest {
        let mut request = FetchRequest::new(url.clone());
        let Some(metadata) = known.map(|known| &known.metadata) else {
            return request;
        };
        let text = |name: &str| {
            metadata
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let plan = self.plan;
        let links_needed = plan.follow_links && item.depth < plan.depth_max && !plan.explored;
        let same_reading = !links_needed
            && text("crawler_version").as_deref() == Some(CRAWLER_VERSION)
            && text("crawl_selector") == plan.selector
            && text("crawl_root_url").as_deref() == Some(self.run.job.new.subject.as_str())
            && plan
                .metadata
                .iter()
                .all(|(name, value)| metadata.get(name) == Some(value))
            && !metadata.contains_key("rendered")
            && plan.render != Render::Always;
        if same_reading {
            request.etag = text("etag");
            request.last_modified = text("last_modified");
        }
        request
    }

    async fn removed(&self, item: JobItem, known: Option<DocumentInfo>) -> Result<Visit, Error> {
        if let Some(known) = known {
            self.memory.store.delete_document(known.id).await?;
        }
        Ok(settled(item, ItemState::Removed, None))
    }

    async fn fetched(&self, item: JobItem, fetched: Fetched) -> Result<Visit, Error> {
        let url = canonical(&fetched.url);
        if let Some(elsewhere) = self.elsewhere(&item, &url) {
            return Ok(elsewhere);
        }
        if fetched.is_media() {
            let kind = fetched.content_type.unwrap_or_default();
            return Ok(skipped(item, format!("it is no document but {kind}")));
        }
        let rules = RobotsTag::new(fetched.robots_tag.as_deref());
        let mut read = match self.read(&item, fetched).await? {
            Ok(read) => read,
            Err(Unread::Left { reason, links }) => {
                let links = if rules.no_follow { Vec::new() } else { links };
                return Ok(Visit {
                    links,
                    ..skipped(item, reason)
                });
            }
            Err(Unread::Failed(error)) => return Ok(failed(item, error)),
        };
        // Its scripts may have led away.
        if let Some(elsewhere) = self.elsewhere(&item, &read.url) {
            return Ok(elsewhere);
        }
        if rules.no_follow {
            read.links.clear();
        }
        if rules.no_index {
            let reason = "it asks not to be kept (X-Robots-Tag)".to_owned();
            return Ok(Visit {
                links: read.links,
                ..skipped(item, reason)
            });
        }
        let url = read.url.clone();
        let moved = is_root(&item) && self.scope().admits(&url).is_err();
        let visit = match self.put(item.clone(), read).await {
            Err(error) if !ends_the_run(error.kind()) => failed(item, error),
            visit => visit?,
        };
        Ok(Visit {
            moved_to: moved.then_some(url),
            ..visit
        })
    }

    /// What becomes of a page that turns out to be at another address: that one
    /// is seen to by itself, if it belongs to the crawl. The root takes the
    /// crawl along instead.
    fn elsewhere(&self, item: &JobItem, url: &Url) -> Option<Visit> {
        if url.as_str() == item.name || is_root(item) {
            return None;
        }
        let item = item.clone();
        Some(match self.scope().admits(url) {
            Err(reason) => skipped(item, format!("it redirects to `{url}`: {reason}")),
            Ok(()) => Visit {
                moved_to: Some(url.clone()),
                ..skipped(item, format!("it redirects to `{url}`"))
            },
        })
    }

    async fn put(&self, item: JobItem, read: Read) -> Result<Visit, Error> {
        let Read {
            url,
            mut text,
            links,
            thin,
        } = read;
        if thin {
            // With a browser, the same version is worth another look.
            text.metadata.remove("etag");
            text.metadata.remove("last_modified");
        }
        let warnings = text.warnings.clone();
        let placed = self.memory.place(self.collection, text).await?;
        let owner = self.claim(placed.text.content_hash, url.as_str());
        if let Some(owner) = owner.filter(|_| placed.found.is_none()) {
            return Ok(Visit {
                links,
                ..skipped(item, format!("it has the same content as `{owner}`"))
            });
        }
        let (state, document, chunk_count) = self.put_placed(placed).await?;
        let mut reason = warnings.join("; ");
        if thin {
            reason = "it is nearly empty without JavaScript".to_owned();
            self.run
                .warn(format!("`{url}` is nearly empty without JavaScript"));
        }
        let item = JobItem {
            state,
            document: Some(document),
            chunk_count,
            reason: (!reason.is_empty()).then_some(reason),
            ..item
        };
        Ok(Visit {
            item,
            links,
            error: None,
            unreached: false,
            moved_to: None,
        })
    }

    async fn put_placed(&self, placed: Placed) -> Result<(ItemState, DocumentId, u32), Error> {
        let Placed { text, found } = placed;
        let same = found.as_ref().is_some_and(|found| same_text(found, &text));
        if let Some(found) = &found
            && same
            && !validators_moved(found, &text)
        {
            return Ok((ItemState::Unchanged, found.id, found.chunk_count));
        }
        let existing = found.map(|found| found.id);
        let stored = self
            .memory
            .chunk_embed_put(text, existing, Expect::Any)
            .await?;
        let state = if same {
            ItemState::Unchanged
        } else {
            ItemState::Ingested
        };
        Ok((state, stored.id, stored.chunk_count))
    }
}

/// What an `X-Robots-Tag` header asks of every robot.
#[derive(Default)]
struct RobotsTag {
    no_index: bool,
    no_follow: bool,
}

impl RobotsTag {
    fn new(header: Option<&str>) -> Self {
        let mut rules = RobotsTag::default();
        for rule in header.unwrap_or_default().split(',') {
            // A rule with a name before it is another robot's, or has a value.
            match rule.trim().to_ascii_lowercase().as_str() {
                "none" => (rules.no_index, rules.no_follow) = (true, true),
                "noindex" => rules.no_index = true,
                "nofollow" => rules.no_follow = true,
                _ => {}
            }
        }
        rules
    }
}

/// Whether a page is, to a reader, what it was.
fn same_text(found: &DocumentInfo, new: &Identified) -> bool {
    found.content_hash == new.content_hash
        && found.title == new.source.title
        && found.media_type == new.source.media_type
}

/// Whether a page that is the same has other validators or metadata of the
/// caller's, which the next recrawl needs.
fn validators_moved(found: &DocumentInfo, new: &Identified) -> bool {
    let is_of_this_crawl = |name: &str| {
        matches!(
            name,
            "crawl_session_id"
                | "crawl_timestamp"
                | "crawl_depth"
                | "parent_url"
                | "content_length"
        )
    };
    new.source
        .metadata
        .iter()
        .any(|(name, value)| !is_of_this_crawl(name) && found.metadata.get(name) != Some(value))
}

#[cfg(test)]
mod tests {
    use super::RobotsTag;

    #[test]
    fn only_rules_for_everyone_count() {
        for (header, no_index, no_follow) in [
            ("", false, false),
            ("noindex", true, false),
            ("NoIndex, nofollow", true, true),
            ("none", true, true),
            ("max-image-preview:none", false, false),
            ("otherbot: noindex", false, false),
        ] {
            let rules = RobotsTag::new(Some(header));
            assert_eq!(
                (rules.no_index, rules.no_follow),
                (no_index, no_follow),
                "{header}"
            );
        }
    }
}
