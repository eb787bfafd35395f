//! Which documents pass a filter.
//!
//! Metadata are looked up in an index of their scalars. Where that index says
//! less than the contract's `contains` wants to know, what it names is only a
//! candidate, and each candidate's metadata are read and checked.

use std::collections::HashSet;

use rag_core::model::{CollectionName, DocumentId, Filter, Metadata, contains};
use rag_core::port::StoreError;
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::error::Failure;
use super::index::Slot;
use super::row;
use crate::metadata_keys::{self, Wanted};

/// A filter as a condition on `document d`.
#[derive(Debug)]
pub(super) struct Condition {
    /// What follows `WHERE`.
    pub(super) sql: String,
    /// The values of its parameters.
    pub(super) values: Vec<SqlValue>,
    /// What the metadata must still be checked for.
    pub(super) unsure: Option<Metadata>,
    collections: Vec<i64>,
    has_metadata: bool,
}

/// Which of the index's documents a search may find.
#[derive(Debug)]
pub(super) struct Allowed {
    /// Of these collections; empty means of all.
    collections: Vec<i64>,
    /// One of these documents, where metadata are asked for.
    documents: Option<HashSet<DocumentId>>,
}

impl Condition {
    /// [`StoreError::NoCollection`] when the filter names one that is not there.
    pub(super) fn new(connection: &Connection, filter: &Filter) -> Result<Self, Failure> {
        let mut collections = Vec::with_capacity(filter.collections.len());
        for name in &filter.collections {
            collections.push(collection_id(connection, name)?);
        }
        let Wanted {
            alternatives,
            is_sure,
        } = metadata_keys::wanted(&filter.metadata);
        let mut condition = Condition {
            sql: String::from("true"),
            values: Vec::new(),
            unsure: (!is_sure).then(|| filter.metadata.clone()),
            has_metadata: !filter.metadata.is_empty(),
            collections,
        };
        for keys in alternatives {
            let start = "d.id IN (SELECT document_id FROM metadata_entry WHERE key IN (";
            condition.one_of(start, &keys, "))");
        }
        if !condition.collections.is_empty() {
            let collections = condition.collections.clone();
            // With the plus sign the planner starts from the metadata.
            let column = if condition.has_metadata {
                "+d.collection_id"
            } else {
                "d.collection_id"
            };
            condition.one_of(&format!("{column} IN ("), &collections, ")");
        }
        Ok(condition)
    }

    fn one_of(&mut self, start: &str, numbers: &[i64], end: &str) {
        let marks = vec!["?"; numbers.len()].join(", ");
        self.sql.push_str(&format!(" AND {start}{marks}{end}"));
        self.values
            .extend(numbers.iter().map(|&number| SqlValue::from(number)));
    }
}

impl Allowed {
    /// What `filter` allows. Errors as [`Condition::new`].
    pub(super) fn new(connection: &Connection, filter: &Filter) -> Result<Self, Failure> {
        let condition = Condition::new(connection, filter)?;
        let documents = condition
            .has_metadata
            .then(|| documents(connection, &condition));
        Ok(Allowed {
            documents: documents.transpose()?,
            collections: condition.collections,
        })
    }

    /// Whether the chunks of `slot` may be found.
    pub(super) fn admits(&self, slot: &Slot) -> bool {
        !slot.is_gone
            && (self.collections.is_empty() || self.collections.contains(&slot.collection))
            && self
                .documents
                .as_ref()
                .is_none_or(|documents| documents.contains(&slot.document))
    }
}

fn documents(
    connection: &Connection,
    condition: &Condition,
) -> Result<HashSet<DocumentId>, Failure> {
    let sql = format!(
        "SELECT d.id, d.metadata FROM document d WHERE {}",
        condition.sql
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&condition.values))?;
    let mut documents = HashSet::new();
    while let Some(row) = rows.next()? {
        let passes = match &condition.unsure {
            Some(wanted) => contains(&row::metadata(row, 1)?, wanted),
            None => true,
        };
        if passes {
            documents.insert(row::document_id(row, 0)?);
        }
    }
    Ok(documents)
}

/// The id of a collection; [`StoreError::NoCollection`] when there is none.
pub(super) fn collection_id(
    connection: &Connection,
    name: &CollectionName,
) -> Result<i64, Failure> {
    let mut statement = connection.prepare_cached("SELECT id FROM collection WHERE name = ?1")?;
    let id = statement
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?;
    id.ok_or_else(|| StoreError::NoCollection(name.clone()).into())
}
