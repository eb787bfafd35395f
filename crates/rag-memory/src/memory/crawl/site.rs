//! What all pages of a crawl share.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rag_core::model::{CollectionInfo, ContentHash, DocumentId, DocumentInfo, JobItem};
use rag_web::Scope;
use serde_json::Value;
use url::Url;

use super::plan::Plan;
use crate::Error;
use crate::memory::Memory;
use crate::memory::job::JobRun;

/// How many hosts are remembered to need a browser.
const HOSTS_MAX: usize = 1_000;

/// What all pages of a crawl share.
pub(super) struct Site<'a> {
    pub(super) plan: &'a Plan,
    pub(super) memory: &'a Memory,
    pub(super) run: &'a JobRun,
    pub(super) collection: &'a CollectionInfo,
    /// Where the root redirects to, when that is another site.
    moved: OnceLock<(Url, Scope)>,
    /// Which page this crawl has seen a text at first: under a second address,
    /// a new page with the same is left out.
    owners: Mutex<HashMap<ContentHash, String>>,
}

impl<'a> Site<'a> {
    pub(super) fn new(
        memory: &'a Memory,
        run: &'a JobRun,
        collection: &'a CollectionInfo,
        plan: &'a Plan,
    ) -> Result<Self, Error> {
        let moved = OnceLock::new();
        let noted = run.noted("moved_to");
        if let Some(root) = noted.as_ref().and_then(Value::as_str) {
            let root = super::address(root)?;
            let scope = plan.scope_at(&root)?;
            moved.get_or_init(|| (root, scope));
        }
        Ok(Site {
            plan,
            memory,
            run,
            collection,
            moved,
            owners: Mutex::default(),
        })
    }

    /// Which pages belong to the crawl.
    pub(super) fn scope(&self) -> &Scope {
        self.moved
            .get()
            .map_or(&self.plan.scope, |(_, scope)| scope)
    }

    /// Where the site begins.
    pub(super) fn root(&self) -> &Url {
        self.moved.get().map_or(&self.plan.root, |(root, _)| root)
    }

    /// Goes with a root that redirects to another site.
    pub(super) fn move_to(&self, root: &Url) -> Result<(), Error> {
        self.run.note("moved_to", root.as_str());
        let scope = self.plan.scope_at(root)?;
        self.moved.get_or_init(|| (root.clone(), scope));
        Ok(())
    }

    /// Claims the texts of pages that this crawl has seen to before it was
    /// interrupted.
    pub(super) fn claim_settled(&self, items: &[JobItem], known: &[DocumentInfo]) {
        let seen: HashSet<DocumentId> = items.iter().filter_map(|item| item.document).collect();
        for page in known.iter().filter(|page| seen.contains(&page.id)) {
            self.claim(page.content_hash, &page.source_uri);
        }
    }

    /// Claims a text for a page, unless another has it: then that one is given.
    pub(super) fn claim(&self, hash: ContentHash, url: &str) -> Option<String> {
        let mut owners = locked(&self.owners);
        let owner = owners.entry(hash).or_insert_with(|| url.to_owned());
        (owner != url).then(|| owner.clone())
    }
}

/// The hosts whose pages are known to be empty without JavaScript.
#[derive(Default)]
pub(in crate::memory) struct ScriptedHosts(Mutex<HashSet<String>>);

impl ScriptedHosts {
    pub(super) fn contains(&self, host: &str) -> bool {
        locked(&self.0).contains(host)
    }

    pub(super) fn add(&self, host: String) {
        let mut hosts = locked(&self.0);
        if hosts.len() < HOSTS_MAX {
            hosts.insert(host);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
