//! What a filter means here: homes, and conditions on the fields that documents
//! and chunks have in common.

use qdrant_client::qdrant::{Condition, Filter as Conditions};
use rag_core::model::{Filter, Metadata};
use rag_core::port::StoreError;

use super::failure::Failure;
use super::home::{self, Home};
use super::server::Server;
use crate::metadata_keys::{self, Wanted};

/// A filter on what there is now.
#[derive(Debug)]
pub(super) struct Narrowed {
    /// All collections.
    pub(super) all: Vec<Home>,
    /// Those that the filter allows.
    pub(super) homes: Vec<Home>,
    /// For each of these, one key that metadata have.
    keys: Vec<Vec<i64>>,
    /// What metadata must still be looked into for.
    pub(super) unsure: Option<Metadata>,
}

impl Narrowed {
    /// [`StoreError::NoCollection`] when the filter names one that is not there.
    pub(super) async fn new(server: &Server, filter: &Filter) -> Result<Self, Failure> {
        let all = home::all(server).await?;
        for name in &filter.collections {
            if !all.iter().any(|home| home.collection.name == *name) {
                return Err(StoreError::NoCollection(name.clone()).into());
            }
        }
        let allowed = |home: &&Home| {
            filter.collections.is_empty() || filter.collections.contains(&home.collection.name)
        };
        let Wanted {
            alternatives,
            is_sure,
        } = metadata_keys::wanted(&filter.metadata);
        Ok(Narrowed {
            homes: all.iter().filter(allowed).cloned().collect(),
            all,
            keys: alternatives,
            unsure: (!is_sure).then(|| filter.metadata.clone()),
        })
    }

    /// The records of documents that pass, as far as Qdrant can tell.
    pub(super) fn documents(&self) -> Conditions {
        let homes = self.homes.iter().map(|home| home.key.clone()).collect();
        let mut conditions = self.conditions(homes);
        conditions.push(Condition::matches("kind", "document".to_owned()));
        Conditions::must(conditions)
    }

    /// The chunks of `homes` that pass, as far as Qdrant can tell.
    pub(super) fn chunks(&self, homes: Vec<String>) -> Conditions {
        Conditions::must(self.conditions(homes))
    }

    fn conditions(&self, homes: Vec<String>) -> Vec<Condition> {
        let mut conditions = vec![Condition::matches("home", homes)];
        let keys = self.keys.iter();
        conditions.extend(keys.map(|keys| Condition::matches("keys", keys.clone())));
        conditions
    }
}
