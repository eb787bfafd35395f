//! The pages of a crawl that are to be visited, each once, in the order they
//! were found. Pure.

use std::collections::{HashSet, VecDeque};

use rag_core::model::{ItemState, JobItem};

use super::visit::is_root;

/// The pages that are to be visited, and those that are known.
pub(super) struct Frontier {
    pending: VecDeque<JobItem>,
    known: HashSet<String>,
    pages_max: usize,
    left: HashSet<String>,
}

impl Frontier {
    /// Goes on with what an earlier run has written down.
    pub(super) fn new(items: Vec<JobItem>, pages_max: usize) -> Self {
        let known = items.iter().map(|item| item.name.clone()).collect();
        let is_pending = |item: &JobItem| item.state == ItemState::Pending;
        Frontier {
            pending: items.into_iter().filter(is_pending).collect(),
            known,
            pages_max,
            left: HashSet::new(),
        }
    }

    /// Adds a page, unless it is known or there are enough. Gives it back to
    /// be written down.
    pub(super) fn add(&mut self, item: JobItem) -> Vec<JobItem> {
        if self.known.len() < self.pages_max {
            return self.add_known(item);
        }
        // As many as are visited are counted by name, so that none counts twice.
        if !self.known.contains(&item.name) && self.left.len() < self.pages_max {
            self.left.insert(item.name);
        }
        Vec::new()
    }

    /// Adds a page that is in the collection, however many there are.
    pub(super) fn add_known(&mut self, item: JobItem) -> Vec<JobItem> {
        if !self.known.insert(item.name.clone()) {
            return Vec::new();
        }
        self.pending.push_back(item.clone());
        vec![item]
    }

    /// The root, when nothing has been visited yet.
    pub(super) fn take_root(&mut self) -> Option<JobItem> {
        self.pending.pop_front_if(|item| is_root(item))
    }

    /// The next page.
    pub(super) fn next(&mut self) -> Option<JobItem> {
        self.pending.pop_front()
    }

    /// How many pages were found beyond the limit; counted no further than it.
    pub(super) fn left(&self) -> usize {
        self.left.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str) -> JobItem {
        JobItem {
            depth: 1,
            ..JobItem::pending(name)
        }
    }

    #[test]
    fn every_page_comes_once_and_no_more_than_allowed() {
        let mut frontier = Frontier::new(Vec::new(), 3);
        for name in ["a", "b", "a", "c", "d", "d", "e"] {
            frontier.add(page(name));
        }
        let order: Vec<String> = std::iter::from_fn(|| frontier.next())
            .map(|item| item.name)
            .collect();
        assert_eq!(order, ["a", "b", "c"]);
        assert_eq!(frontier.left(), 2);
        assert_eq!(frontier.add_known(page("f")).len(), 1);
    }

    #[test]
    fn it_goes_on_with_what_is_pending() {
        let done = JobItem {
            state: ItemState::Ingested,
            ..page("a")
        };
        let mut frontier = Frontier::new(vec![done, page("b")], 10);
        assert!(frontier.take_root().is_none());
        assert!(frontier.add(page("a")).is_empty());
        assert_eq!(frontier.next().unwrap().name, "b");
        assert!(frontier.next().is_none());
    }
}
