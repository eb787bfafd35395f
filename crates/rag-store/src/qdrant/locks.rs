//! Who may change what at a time, within this process.
//!
//! What several processes change is decided by versions (see `record`); these
//! locks save this process from competing with itself, and keep a document from
//! being put in while its collection changes its space.

use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How many locks there are of a kind. Two things may share one.
const STRIPES: usize = 64;

/// Locks by what they are about. One of a collection is taken before one of a
/// document, and never two of a kind.
#[derive(Debug)]
pub(super) struct Locks {
    collections: Vec<RwLock<()>>,
    things: Vec<Mutex<()>>,
}

impl Locks {
    pub(super) fn new() -> Self {
        Locks {
            collections: (0..STRIPES).map(|_| RwLock::new(())).collect(),
            things: (0..STRIPES).map(|_| Mutex::new(())).collect(),
        }
    }

    /// While it is held, the collection of this name stays what it is.
    pub(super) async fn within(&self, collection: &str) -> RwLockReadGuard<'_, ()> {
        self.collections[stripe(collection)].read().await
    }

    /// While it is held, nothing else of this process happens in the collection.
    pub(super) async fn whole(&self, collection: &str) -> RwLockWriteGuard<'_, ()> {
        self.collections[stripe(collection)].write().await
    }

    /// While it is held, nobody else of this process changes `thing`.
    pub(super) async fn one(&self, thing: impl Hash) -> MutexGuard<'_, ()> {
        self.things[stripe(thing)].lock().await
    }
}

fn stripe(thing: impl Hash) -> usize {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or(0)
}
