//! The contract of what reads the memory of an earlier system, so that it can be
//! taken over: collections, documents and chunks as they were kept there.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::model::{Metadata, Timestamp};

/// The memory of an earlier system.
///
/// - Nothing of it is ever changed.
/// - Answers are bounded: documents come in pages, newest first, and a text that
///   is longer than asked for does not come at all.
/// - What is added or removed there meanwhile may be seen or not.
#[async_trait]
pub trait LegacySource: Send + Sync {
    /// Where it is, without secrets.
    fn location(&self) -> &str;

    /// The time zone that its times, which name none, are taken to be in.
    fn time_zone(&self) -> &str;

    /// All its collections, by name.
    async fn collections(&self) -> Result<Vec<LegacyCollection>, LegacyError>;

    /// How many documents it has.
    async fn document_count(&self) -> Result<u64, LegacyError>;

    /// Documents with ids below `before`, by falling id: as many as fit a page.
    async fn documents(
        &self,
        wanted: &LegacyWanted,
        before: Option<i64>,
    ) -> Result<LegacyPage, LegacyError>;

    /// The chunks of a document by index; none when there is no such document.
    async fn chunks(&self, document: i64) -> Result<Vec<LegacyChunk>, LegacyError>;
}

/// A collection there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyCollection {
    /// Its id there.
    pub id: i64,
    /// Its name, any text.
    pub name: String,
    /// What it holds; may be blank.
    pub description: String,
    /// When it was made, if that is known.
    pub created_at: Option<Timestamp>,
}

/// Which documents are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyWanted {
    /// Those in any of these collections.
    pub collections: BTreeSet<i64>,
    /// Those in no collection.
    pub orphans: bool,
    /// The longest text that is of use.
    pub text_bytes_max: u64,
}

/// A part of the documents.
#[derive(Clone, Debug, PartialEq)]
pub struct LegacyPage {
    /// The wanted ones among those looked at.
    pub documents: Vec<LegacyDocument>,
    /// How many were looked at.
    pub seen: u64,
    /// Where the next page begins; `None` when there is none.
    pub before: Option<i64>,
}

/// A document there.
#[derive(Clone, Debug, PartialEq)]
pub struct LegacyDocument {
    /// Its id there; later documents have higher ones.
    pub id: i64,
    /// Its title or file name; may be blank.
    pub title: String,
    /// Its text; `None` when it is longer than wanted.
    pub text: Option<String>,
    /// How many bytes its text has.
    pub text_bytes: u64,
    /// `web_page`, `text`, or a file's extension.
    pub file_type: String,
    /// Its metadata; `None` when they are larger than any memory would keep.
    pub metadata: Option<Metadata>,
    /// When it was put in, if that is known.
    pub created_at: Option<Timestamp>,
    /// When it was last changed, if that is known.
    pub updated_at: Option<Timestamp>,
    /// The collections it is in.
    pub collections: BTreeSet<i64>,
}

/// A chunk there.
#[derive(Clone, Debug, PartialEq)]
pub struct LegacyChunk {
    /// Its text, which was embedded just so.
    pub text: String,
    /// Its vector, if it has one.
    pub vector: Option<Vec<f32>>,
}

/// Why an earlier memory could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// The address or a setting is wrong.
    #[error("{0}")]
    Invalid(String),
    /// What is there is something else.
    #[error("{location} is not an earlier memory: it has no {missing}")]
    NotLegacy {
        /// Where it is.
        location: String,
        /// What an earlier memory would have.
        missing: String,
    },
    /// Anything else; trying again later may help.
    #[error("cannot {action}")]
    Unavailable {
        /// What was being done.
        action: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
