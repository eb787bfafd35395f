//! Documents: what they are, and how one is told from another.

use std::fmt;
use std::str::FromStr;

use super::{CollectionName, ContentHash, EmbeddedChunk, Timestamp, base32};

/// A document's metadata: a JSON object of the user's.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// What kind of text a document holds; it decides how it is cut into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `text/markdown`.
    Markdown,
    /// `text/plain`.
    Plain,
    /// `text/x-source`: program code and configuration.
    Code,
}

impl MediaType {
    /// The type's name as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            MediaType::Markdown => "text/markdown",
            MediaType::Plain => "text/plain",
            MediaType::Code => "text/x-source",
        }
    }

    /// The type of that name; an unknown one is plain text.
    pub fn from_name(name: &str) -> Self {
        match name {
            "text/markdown" => MediaType::Markdown,
            "text/x-source" => MediaType::Code,
            _ => MediaType::Plain,
        }
    }
}

/// A document's id: 63 bits derived from its identity, (collection, source
/// URI), so that it is the same in every store without coordination.
///
/// People and agents see 13 characters of Crockford's base 32 in lower case
/// (no `i`, `l`, `o`, `u`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId(i64);

impl DocumentId {
    /// The id of the document that `collection` keeps for `source_uri`.
    /// `salt` is 0, or higher after lower ones turned out to be taken by
    /// another identity.
    pub fn derive(collection: &CollectionName, source_uri: &str, salt: u32) -> Self {
        let hash =
            ContentHash::of_parts(&[collection.as_str(), source_uri, &salt.to_string()]).head();
        DocumentId(i64::try_from(hash >> 1).expect("63 bits fit"))
    }

    /// The id as a number from 0 to 2^63 - 1.
    pub fn as_i64(self) -> i64 {
        self.0
    }

    /// The id with that number, if it is not negative.
    pub fn from_i64(number: i64) -> Option<Self> {
        (number >= 0).then_some(DocumentId(number))
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        base32::write(self.0, f)
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is no [`DocumentId`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a document id: an id is 13 characters such as `0f3k9w2m7q1zt`")]
pub struct InvalidDocumentId {
    /// What was given, cut to a printable length.
    pub text: String,
}

impl FromStr for DocumentId {
    type Err = InvalidDocumentId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        base32::read(text)
            .map(DocumentId)
            .ok_or_else(|| InvalidDocumentId {
                text: text.chars().take(64).collect(),
            })
    }
}

/// Text taken out of a source, before it belongs to a collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Extracted {
    /// Where it came from: a URI, or `None` for text that came by itself.
    pub source_uri: Option<String>,
    /// What to call it; blank means: take the first heading or line.
    pub title: String,
    /// What kind of text it is.
    pub media_type: MediaType,
    /// The text, Markdown or plain.
    pub text: String,
    /// The user's and the source's metadata.
    pub metadata: Metadata,
    /// What was poor about the source, in sentences.
    pub warnings: Vec<String>,
}

/// A document without its text.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentInfo {
    /// Its id.
    pub id: DocumentId,
    /// The collection it belongs to.
    pub collection: CollectionName,
    /// What it is called. Never blank.
    pub title: String,
    /// Where it came from, or `text:<hash>`; unique in its collection.
    pub source_uri: String,
    /// What kind of text it holds.
    pub media_type: MediaType,
    /// The user's and the source's metadata.
    pub metadata: Metadata,
    /// The hash of its text.
    pub content_hash: ContentHash,
    /// The size of its text in bytes of UTF-8.
    pub size_bytes: u64,
    /// How many chunks it has.
    pub chunk_count: u32,
    /// When it was first put in (UTC).
    pub created_at: Timestamp,
    /// When it was last replaced (UTC).
    pub updated_at: Timestamp,
    /// Counts its replacements, from 1; the store gives it.
    pub revision: u64,
}

/// A document with its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// All but the text.
    pub info: DocumentInfo,
    /// The text that the chunks are slices of.
    pub text: String,
}

/// A document with everything a store needs to keep it.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddedDocument {
    /// The document. Its `revision`, and when it replaces another its
    /// `created_at`, are the store's to set.
    pub document: Document,
    /// Its chunks by rising index from 0, without gaps.
    pub chunks: Vec<EmbeddedChunk>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_survive_their_text() {
        let docs: CollectionName = "docs".parse().unwrap();
        let id = DocumentId::derive(&docs, "file:///a.md", 0);
        assert_eq!(id, DocumentId::derive(&docs, "file:///a.md", 0));
        assert_ne!(id, DocumentId::derive(&docs, "file:///a.md", 1));
        assert_eq!(id.to_string().len(), 13);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
    }

    #[test]
    fn the_ends_of_the_range_have_ids() {
        for number in [0, 1, i64::MAX] {
            let id = DocumentId::from_i64(number).unwrap();
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(DocumentId::from_i64(-1), None);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for bad in [
            "",
            "42",
            "zzzzzzzzzzzzz",
            "0000000000u00",
            "00000000000000",
            "äääääääääääää",
        ] {
            assert!(bad.parse::<DocumentId>().is_err(), "{bad:?} was accepted");
        }
    }
}
