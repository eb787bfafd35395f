//! Which documents pass a filter.
//!
//! Metadata are looked up in an index of their scalars. Where that index says
//! less than the contract's `contains` wants to know, what it names is only a
//! candidate, and each candidate's metadata are read and checked.

use rag_core::model::{CollectionName, Filter, Metadata, contains};
use rag_core::port::StoreError;

use super::collection;
use super::error::Failure;
use super::row;
use super::session::{Session, Statement, built};
use crate::metadata_keys::{self, Wanted};

/// A filter as conditions on rows.
#[derive(Debug)]
pub(super) struct Condition {
    /// Of these collections; empty means of all.
    pub(super) collections: Vec<i64>,
    /// What the metadata must still be checked for.
    pub(super) unsure: Option<Metadata>,
    /// From each of these, the metadata have one key.
    alternatives: Vec<Vec<i64>>,
    /// One of these documents, where that was found out.
    documents: Option<Vec<i64>>,
}

impl Condition {
    /// [`StoreError::NoCollection`] when the filter names one that is not there.
    pub(super) async fn new(session: &mut Session, filter: &Filter) -> Result<Self, Failure> {
        let Wanted {
            alternatives,
            is_sure,
        } = metadata_keys::wanted(&filter.metadata);
        Ok(Condition {
            collections: collection_ids(session, filter).await?,
            unsure: (!is_sure).then(|| filter.metadata.clone()),
            alternatives,
            documents: None,
        })
    }

    /// The same, with nothing left to be checked.
    pub(super) async fn checked(session: &mut Session, filter: &Filter) -> Result<Self, Failure> {
        let mut condition = Condition::new(session, filter).await?;
        if let Some(wanted) = condition.unsure.take() {
            let text = format!(
                "SELECT d.id, d.metadata::text FROM document d WHERE {}",
                condition.on_document(1)
            );
            let mut documents = Vec::new();
            let select = condition.bind_document(built(text));
            session
                .stream(select, |row| {
                    if contains(&row::metadata(row, 1)?, &wanted) {
                        documents.push(row::get::<i64>(row, 0)?);
                    }
                    Ok(())
                })
                .await?;
            condition.documents = Some(documents);
        }
        Ok(condition)
    }

    /// Whether it asks for more than collections.
    pub(super) fn has_metadata(&self) -> bool {
        !self.alternatives.is_empty() || self.documents.is_some()
    }

    /// What follows `WHERE` for a row `d` of `document`, with parameters from
    /// number `first` on.
    pub(super) fn on_document(&self, first: usize) -> String {
        let mut number = first;
        let mut text = String::from("true");
        let mut add = |condition: &str| {
            text.push_str(&format!(" AND {condition}${number}"));
            // `ANY` wants its array in brackets.
            if condition.ends_with('(') {
                text.push(')');
            }
            number += 1;
        };
        if !self.collections.is_empty() {
            add("d.collection_id = ANY (");
        }
        match &self.documents {
            Some(_) => add("d.id = ANY ("),
            None => self
                .alternatives
                .iter()
                .for_each(|_| add("d.metadata_keys && ")),
        }
        text
    }

    /// `statement` with the parameters of [`Condition::on_document`].
    pub(super) fn bind_document(&self, mut statement: Statement) -> Statement {
        if !self.collections.is_empty() {
            statement = statement.bind(self.collections.clone());
        }
        match &self.documents {
            Some(documents) => statement.bind(documents.clone()),
            None => self
                .alternatives
                .iter()
                .fold(statement, |statement, keys| statement.bind(keys.clone())),
        }
    }

    /// The same for a row that names its document, nothing where there is nothing
    /// to ask of the document.
    pub(super) fn on_row_of(&self, alias: &str, first: usize) -> String {
        match (&self.documents, self.has_metadata()) {
            (_, false) => String::new(),
            (Some(_), _) => format!("AND {alias}.document_id = ANY (${first})"),
            (None, true) => format!(
                "AND {alias}.document_id IN (SELECT d.id FROM document d WHERE {})",
                self.on_document(first)
            ),
        }
    }

    /// `statement` with the parameters of [`Condition::on_row_of`].
    pub(super) fn bind_row_of(&self, statement: Statement) -> Statement {
        match (&self.documents, self.has_metadata()) {
            (_, false) => statement,
            (Some(documents), _) => statement.bind(documents.clone()),
            (None, true) => self.bind_document(statement),
        }
    }
}

/// The collections that a filter names.
async fn collection_ids(session: &mut Session, filter: &Filter) -> Result<Vec<i64>, Failure> {
    let mut ids = Vec::with_capacity(filter.collections.len());
    if let [name] = filter.collections.as_slice() {
        ids.push(collection::id(session, name).await?);
        return Ok(ids);
    }
    if filter.collections.is_empty() {
        return Ok(ids);
    }
    let names = filter.collections.iter().map(CollectionName::as_str);
    let names: Vec<&str> = names.collect();
    let select = built("SELECT id, name FROM collection WHERE name = ANY ($1)".to_owned());
    let found = session
        .each(select.bind(names), |row| {
            Ok((row::get::<i64>(row, 0)?, row::name(row, 1)?))
        })
        .await?;
    for name in &filter.collections {
        match found.iter().find(|(_, other)| other == name) {
            Some((id, _)) => ids.push(*id),
            None => return Err(StoreError::NoCollection(name.clone()).into()),
        }
    }
    Ok(ids)
}
