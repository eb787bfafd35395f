//! Jobs: long work that survives a crash, and the items it consists of.
//!
//! The items of a job are its memory: what is [`ItemState::Pending`] is still to
//! be done, so whoever takes a job over goes on where it was left.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::{CollectionName, ContentHash, DocumentId, Timestamp, base32};

/// A job's id: 63 bits, written like a document's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(i64);

impl JobId {
    /// The id of the job that was asked for by `key` at `created_at`, of which the
    /// microsecond counts: no store keeps times more exactly.
    pub fn derive(key: &ContentHash, created_at: Timestamp) -> Self {
        let parts = [key.to_string(), created_at.as_microsecond().to_string()];
        let hash = ContentHash::of_parts(&[&parts[0], &parts[1]]).head();
        JobId(i64::try_from(hash >> 1).expect("63 bits fit"))
    }

    /// The id as a number from 0 to 2^63 - 1.
    pub fn as_i64(self) -> i64 {
        self.0
    }

    /// The id with that number, if it is not negative.
    pub fn from_i64(number: i64) -> Option<Self> {
        (number >= 0).then_some(JobId(number))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        base32::write(self.0, f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is no [`JobId`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a job id: an id is 13 characters such as `0f3k9w2m7q1zt`")]
pub struct InvalidJobId {
    /// What was given, cut to a printable length.
    pub text: String,
}

impl FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        base32::read(text).map(JobId).ok_or_else(|| InvalidJobId {
            text: text.chars().take(64).collect(),
        })
    }
}

/// An enum whose variants are stored and shown by a name.
macro_rules! named {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$doc])* $variant,)* }

        impl $type {
            /// All of them.
            pub const ALL: &[$type] = &[$($type::$variant),*];

            /// The name it is stored and shown by.
            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $name,)* }
            }

            /// The one of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }
    };
}

named! {
    /// What a job does.
    JobKind {
        /// Puts the pages of a web site in.
        Crawl = "crawl",
        /// Puts the files of a directory in.
        Directory = "directory",
        /// Puts the files of a repository in.
        Repository = "repository",
        /// Makes a collection's vectors anew with another model.
        Reembed = "reembed",
    }
}

named! {
    /// Where a job stands.
    JobState {
        /// Nobody works on it yet, or whoever did let it go.
        Queued = "queued",
        /// A worker has it. When its lease is over, the worker is gone.
        Running = "running",
        /// Every item was seen to; some may have failed.
        Done = "done",
        /// It could not go on; the error says why.
        Failed = "failed",
        /// It was stopped on demand.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing more happens to it by itself.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            JobState::Done | JobState::Failed | JobState::Cancelled
        )
    }
}

named! {
    /// What became of an item of a job.
    ItemState {
        /// Nothing yet.
        Pending = "pending",
        /// It is in the collection, new or in place of an older version.
        Ingested = "ingested",
        /// The collection has it just so already.
        Unchanged = "unchanged",
        /// Left out; the reason says why.
        Skipped = "skipped",
        /// It did not work; the reason says why.
        Failed = "failed",
        /// It is gone at its source, and now from the collection.
        Removed = "removed",
    }
}

/// A job that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// Where to.
    pub collection: CollectionName,
    /// What it is about, for people: a URL, a directory, a repository.
    pub subject: String,
    /// What makes two requests the same: while one is unfinished, and not about
    /// to stop with nobody at work on it, another of the same key joins it.
    pub key: ContentHash,
    /// The request, as whoever runs it reads it: a JSON object.
    pub request: Value,
    /// When it was asked for (UTC). Unique among jobs of the same key.
    pub created_at: Timestamp,
}

/// A job and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What was asked for.
    pub new: NewJob,
    /// Where it stands.
    pub state: JobState,
    /// Why it failed.
    pub error: Option<String>,
    /// What it noted for whoever takes it over, and about its source: a JSON
    /// object, empty at first.
    pub notes: Value,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub finished_at: Option<Timestamp>,
    /// Until when the worker that runs it has it.
    pub leased_until: Option<Timestamp>,
    /// Whether it shall stop.
    pub cancel_requested: bool,
    /// Its items by what became of them.
    pub counts: ItemCounts,
}

/// How many items of a job came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// Still to be done.
    pub pending: u64,
    /// Put in.
    pub ingested: u64,
    /// In already.
    pub unchanged: u64,
    /// Left out.
    pub skipped: u64,
    /// Did not work.
    pub failed: u64,
    /// Gone and removed.
    pub removed: u64,
    /// Chunks of those that were put in.
    pub chunks: u64,
}

impl ItemCounts {
    /// All items.
    pub fn total(&self) -> u64 {
        self.pending + self.done()
    }

    /// Those that something became of.
    pub fn done(&self) -> u64 {
        self.ingested + self.unchanged + self.skipped + self.failed + self.removed
    }
}

/// One thing a job sees to: a page, a file.
#[derive(Clone, Debug, PartialEq)]
pub struct JobItem {
    /// A page's URL, a file's path below the directory; unique in its job.
    pub name: String,
    /// What became of it.
    pub state: ItemState,
    /// Why, where it was skipped or failed; else what was poor about it.
    pub reason: Option<String>,
    /// The document it is in the collection.
    pub document: Option<DocumentId>,
    /// How many chunks that has.
    pub chunk_count: u32,
    /// How many links it is away from the root of a crawl; 0 elsewhere.
    pub depth: u32,
    /// The page that names it, in a crawl.
    pub parent: Option<String>,
}

impl JobItem {
    /// Something to be done.
    pub fn pending(name: impl Into<String>) -> Self {
        JobItem {
            name: name.into(),
            state: ItemState::Pending,
            reason: None,
            document: None,
            chunk_count: 0,
            depth: 0,
            parent: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text() {
        let id = JobId::derive(&ContentHash::of("a"), Timestamp::UNIX_EPOCH);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("42".parse::<JobId>().is_err());
    }

    #[test]
    fn names_survive() {
        for &state in JobState::ALL {
            assert_eq!(JobState::from_name(state.as_str()), Some(state));
        }
        assert_eq!(ItemState::from_name("lost"), None);
    }
}
