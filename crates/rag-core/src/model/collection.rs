//! Collections and the embedding space their vectors live in.

use std::fmt;
use std::str::FromStr;

use super::{Metadata, Timestamp};

/// The most characters a collection's name may have.
pub const COLLECTION_NAME_CHARS_MAX: usize = 64;

/// The name of a collection: 1 to 64 of `a-z`, `0-9`, `_` and `-`. It is valid
/// because it exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionName(String);

/// A text that is no [`CollectionName`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{name}` is not a collection name: use 1 to {COLLECTION_NAME_CHARS_MAX} of a-z, 0-9, `_` and `-`"
)]
pub struct InvalidCollectionName {
    /// What was given, cut to a printable length.
    pub name: String,
}

impl CollectionName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CollectionName {
    type Err = InvalidCollectionName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
        };
        if (1..=COLLECTION_NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(CollectionName(text.to_owned()));
        }
        let name = text.chars().take(COLLECTION_NAME_CHARS_MAX + 16).collect();
        Err(InvalidCollectionName { name })
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which vectors can be compared with each other: those that the same model
/// made, with the same number of dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmbeddingSpace {
    /// The model's id, such as `all-MiniLM-L6-v2-int8` or `text-embedding-3-small`.
    pub model: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
}

impl fmt::Display for EmbeddingSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} dimensions)", self.model, self.dimensions)
    }
}

/// A named set of documents that share an embedding space.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// What it is called; unique in a store.
    pub name: CollectionName,
    /// What it holds, for the agent that chooses where to search. Never blank.
    pub description: String,
    /// What its documents' metadata should look like, as the user wrote it.
    pub metadata_schema: Option<Metadata>,
    /// The space of its vectors. Vectors of another space are refused.
    pub space: EmbeddingSpace,
    /// When it was made (UTC).
    pub created_at: Timestamp,
}

/// A collection and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectionInfo {
    /// The collection.
    pub collection: Collection,
    /// How many documents it has.
    pub document_count: u64,
    /// How many chunks these have.
    pub chunk_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "docs", "my-notes_2", &"x".repeat(64)] {
            assert_eq!(good.parse::<CollectionName>().unwrap().as_str(), good);
        }
        for bad in ["", " ", "Docs", "a b", "ü", "a/b", &"x".repeat(65)] {
            assert!(
                bad.parse::<CollectionName>().is_err(),
                "{bad:?} was accepted"
            );
        }
    }
}
