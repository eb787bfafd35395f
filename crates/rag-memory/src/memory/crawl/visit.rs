//! What became of a page of a crawl.

use rag_core::model::{DocumentInfo, ItemState, JobItem};
use rag_web::FetchError;
use url::Url;

use crate::Error;

/// What became of a page.
pub(super) struct Visit {
    pub(super) item: JobItem,
    /// The pages it links to.
    pub(super) links: Vec<Url>,
    /// Why it failed.
    pub(super) error: Option<Error>,
    /// Whether its site could not be reached, or did not want to be now.
    pub(super) unreached: bool,
    /// Where it redirects to, which is seen to by itself; for the root, whose
    /// site goes with it.
    pub(super) moved_to: Option<Url>,
}

pub(super) fn settled(item: JobItem, state: ItemState, known: Option<DocumentInfo>) -> Visit {
    let item = JobItem {
        state,
        document: known.as_ref().map(|known| known.id),
        chunk_count: known.map_or(0, |known| known.chunk_count),
        ..item
    };
    Visit {
        item,
        links: Vec::new(),
        error: None,
        unreached: false,
        moved_to: None,
    }
}

/// Whether a page is where its crawl began.
pub(super) fn is_root(item: &JobItem) -> bool {
    item.depth == 0 && item.parent.is_none()
}

pub(super) fn skipped(item: JobItem, reason: String) -> Visit {
    let item = JobItem {
        reason: Some(reason),
        ..item
    };
    settled(item, ItemState::Skipped, None)
}

pub(super) fn failed(item: JobItem, error: Error) -> Visit {
    let item = JobItem {
        reason: Some(error.message().to_owned()),
        ..item
    };
    Visit {
        error: Some(error),
        ..settled(item, ItemState::Failed, None)
    }
}

pub(super) fn not_fetched(item: JobItem, error: FetchError) -> Visit {
    let unreached = matches!(
        error,
        FetchError::Unreachable { .. }
            | FetchError::Timeout { .. }
            | FetchError::NoRobots { .. }
            | FetchError::TooBusy { .. }
    );
    match error {
        // What is forbidden is left out on purpose, and a link that leads nowhere
        // is the site's; a root that is either is an error.
        FetchError::Forbidden { .. } if !is_root(&item) => skipped(item, error.to_string()),
        error if error.is_gone() && !is_root(&item) => skipped(item, error.to_string()),
        error => Visit {
            unreached,
            ..failed(item, error.into())
        },
    }
}
