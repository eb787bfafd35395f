//! The one error of all operations. Its kind decides, by the table here and
//! nowhere else, which HTTP status and exit code it becomes; its text says what
//! failed, for which input, and what to do about it.

use rag_core::ingest::IngestError;
use rag_core::port::{EmbedError, LegacyError, StoreError};
use rag_core::search::SearchError;
use rag_source::{ExtractError, SourceError};
use rag_web::{BadPattern, FetchError, GitHubError, Refused};

/// What went wrong, for whoever branches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input cannot be right, whatever the memory holds.
    Invalid,
    /// A name or id that does not exist.
    NotFound,
    /// Something of that identity is there already.
    AlreadyExists,
    /// It was changed by someone else meanwhile.
    Conflict,
    /// Outside of what the operator allows.
    Forbidden,
    /// Larger than a limit.
    TooLarge,
    /// The embedding service does not accept the key, or the account is empty.
    EmbeddingRefused,
    /// The embedding service asks to slow down.
    RateLimited,
    /// A store or service cannot be used now.
    Unavailable,
    /// The caller gave up.
    Cancelled,
    /// A mistake of ours.
    Internal,
}

/// Kind, name on the wire, HTTP status, exit code.
const KINDS: [(ErrorKind, &str, u16, u8); 11] = [
    (ErrorKind::Invalid, "invalid", 400, 2),
    (ErrorKind::NotFound, "not_found", 404, 3),
    (ErrorKind::AlreadyExists, "already_exists", 409, 4),
    (ErrorKind::Conflict, "conflict", 409, 4),
    (ErrorKind::Forbidden, "forbidden", 403, 5),
    (ErrorKind::TooLarge, "too_large", 413, 6),
    (ErrorKind::EmbeddingRefused, "embedding_refused", 502, 7),
    (ErrorKind::RateLimited, "rate_limited", 503, 8),
    (ErrorKind::Unavailable, "unavailable", 503, 9),
    (ErrorKind::Cancelled, "cancelled", 499, 130),
    (ErrorKind::Internal, "internal", 500, 1),
];

impl ErrorKind {
    /// All kinds, in the order of the table.
    pub fn all() -> impl Iterator<Item = ErrorKind> {
        KINDS.into_iter().map(|(kind, ..)| kind)
    }

    fn row(self) -> (ErrorKind, &'static str, u16, u8) {
        KINDS
            .into_iter()
            .find(|row| row.0 == self)
            .expect("the table has every kind")
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        ErrorKind::all().find(|kind| kind.name() == name)
    }

    /// Its name on the wire, such as `not_found`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status it becomes.
    pub fn http_status(self) -> u16 {
        self.row().2
    }

    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        self.row().3
    }
}

/// Why an operation failed. Displays as a message and, after a blank line, a
/// `hint: …` where there is a remedy.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

impl std::error::Error for Error {}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// An error without a remedy.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    /// The same with a remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with this remedy where there is none yet.
    #[must_use]
    fn hint_if_none(self, hint: &str) -> Self {
        match self.hint {
            Some(_) => self,
            None => self.hint(hint),
        }
    }

    /// The input cannot be right.
    pub fn invalid(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Invalid, message)
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What failed and for which input, without the remedy.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The remedy.
    pub fn remedy(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// An error with its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let message = chain(&error);
        match error {
            StoreError::NoCollection(_) => Error::new(ErrorKind::NotFound, message)
                .hint("list_collections shows those that exist, create_collection makes one"),
            StoreError::CollectionExists(_) => Error::new(ErrorKind::AlreadyExists, message),
            StoreError::WrongSpace {
                collection,
                expected,
                ..
            } => Error::new(ErrorKind::Conflict, message).hint(format!(
                "`rag reembed {collection}` moves it to this model; RAG_EMBEDDING set for `{}` \
                 goes on with the other",
                expected.model
            )),
            StoreError::Conflict { .. } => Error::new(
                ErrorKind::Conflict,
                "the document was changed by someone else at the same time",
            )
            .hint("read it again and repeat the change"),
            StoreError::IdTaken(_) => Error::new(ErrorKind::Internal, message),
            StoreError::TooNew { .. } => Error::new(ErrorKind::Unavailable, message)
                .hint("use a newer version of rag, or another store with --database-url"),
            StoreError::Corrupt { .. } => Error::new(ErrorKind::Unavailable, message)
                .hint("restore it from a backup, or move it away to begin anew"),
            StoreError::NotWritable { .. } => with_own_hint(&message).hint_if_none(
                "free some space or allow writing there, or choose another place with RAG_DATA_DIR",
            ),
            StoreError::Unavailable { .. } => with_own_hint(&message),
        }
    }
}

/// The error for a message that may end with its own hint: stores know best how
/// their servers are set right.
fn with_own_hint(message: &str) -> Error {
    match message.split_once("\n\nhint: ") {
        Some((message, hint)) => Error::new(ErrorKind::Unavailable, message).hint(hint),
        None => Error::new(ErrorKind::Unavailable, message),
    }
}

impl From<EmbedError> for Error {
    fn from(error: EmbedError) -> Self {
        let message = chain(&error);
        match error {
            EmbedError::BadKey { .. } => Error::new(ErrorKind::EmbeddingRefused, message).hint(
                "set OPENAI_API_KEY to a valid key, or RAG_EMBEDDING=local to embed without one",
            ),
            EmbedError::NoQuota { .. } => Error::new(ErrorKind::EmbeddingRefused, message)
                .hint("add credit to the account, or set RAG_EMBEDDING=local to embed without one"),
            EmbedError::RateLimited { retry_after, .. } => {
                let hint = match retry_after {
                    Some(wait) => format!("try again in {} s", wait.as_secs().max(1)),
                    None => "try again in a minute".to_owned(),
                };
                Error::new(ErrorKind::RateLimited, message).hint(hint)
            }
            EmbedError::WrongDimensions { got, .. } => Error::new(ErrorKind::Conflict, message)
                .hint(format!("set RAG_EMBEDDING_DIMENSIONS={got}")),
            EmbedError::BadModel { .. } => Error::new(ErrorKind::Unavailable, message)
                .hint("check RAG_EMBEDDING; `local` needs no files"),
            EmbedError::Unavailable { .. } => Error::new(ErrorKind::Unavailable, message),
        }
    }
}

impl From<IngestError> for Error {
    fn from(error: IngestError) -> Self {
        let message = error.to_string();
        match error {
            IngestError::Store(error) => error.into(),
            IngestError::Embed(error) => error.into(),
            IngestError::Blank { .. } => {
                Error::invalid(message).hint("give it text that is more than white space")
            }
            IngestError::NotText { .. } => {
                Error::invalid(message).hint("binary data cannot be kept; extract its text first")
            }
            IngestError::TooLarge { .. } => Error::new(ErrorKind::TooLarge, message)
                .hint("split it, or raise RAG_DOCUMENT_BYTES_MAX"),
            IngestError::Exists { .. } => Error::new(ErrorKind::AlreadyExists, message)
                .hint("mode=reingest (`--reingest`) replaces it, update_document changes it"),
        }
    }
}

impl From<LegacyError> for Error {
    fn from(error: LegacyError) -> Self {
        let message = chain(&error);
        match error {
            LegacyError::Invalid(_) => Error::invalid(message),
            LegacyError::NotLegacy { .. } => Error::new(ErrorKind::NotFound, message).hint(
                "check the database's name; tables in a schema of their own are found with \
                 `?options=-csearch_path%3DNAME` at the end of the address",
            ),
            LegacyError::Unavailable { .. } => Error::new(ErrorKind::Unavailable, message)
                .hint("what was taken over stays; the same command goes on with the rest"),
        }
    }
}

impl From<SearchError> for Error {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Store(error) => error.into(),
            SearchError::Embed(error) => error.into(),
            SearchError::BlankQuery => {
                Error::invalid(error.to_string()).hint("ask a question or give some words")
            }
        }
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let message = chain(&error);
        match error {
            SourceError::NotFound { .. } => Error::new(ErrorKind::NotFound, message),
            SourceError::OutsideRoots { .. } => Error::new(ErrorKind::Forbidden, message)
                .hint("allow its folder with RAG_FILE_ROOTS or --root"),
            SourceError::TooLarge { .. } => Error::new(ErrorKind::TooLarge, message)
                .hint("split it, or raise RAG_DOCUMENT_BYTES_MAX"),
            SourceError::NotAFile { .. } => {
                Error::invalid(message).hint("ingest_directory takes directories")
            }
            SourceError::NotADirectory { .. } => {
                Error::invalid(message).hint("ingest_file takes single files")
            }
            SourceError::Extract { source, .. } => not_extracted(message, &source),
            SourceError::BadPattern { .. } => {
                Error::invalid(message).hint("write it like `docs/**/*.md` or `*.rst`")
            }
            SourceError::TooMany { .. } => Error::new(ErrorKind::TooLarge, message)
                .hint("put its sub-directories in one by one"),
            SourceError::Unreadable { .. } => Error::new(ErrorKind::Unavailable, message),
        }
    }
}

/// The error for something that gave no text.
fn not_extracted(message: String, error: &ExtractError) -> Error {
    match error {
        ExtractError::TooLarge { .. } => Error::new(ErrorKind::TooLarge, message)
            .hint("split it, or raise RAG_DOCUMENT_BYTES_MAX"),
        ExtractError::Busy => {
            Error::new(ErrorKind::Unavailable, message).hint("restart rag to be rid of them")
        }
        ExtractError::Encrypted => Error::invalid(message).hint("remove its password first"),
        ExtractError::Archive => Error::invalid(message)
            .hint("ingest_directory takes archives, and their files one by one"),
        ExtractError::NotText { .. } => Error::invalid(message)
            .hint("text in UTF-8, UTF-16 or a legacy encoding can be read; convert it first"),
        _ => Error::invalid(message),
    }
}

impl From<Refused> for Error {
    fn from(error: Refused) -> Self {
        let message = error.to_string();
        match error {
            Refused::Private { .. } | Refused::Port { .. } => {
                Error::new(ErrorKind::Forbidden, message)
                    .hint("the operator may allow it with RAG_ALLOW_PRIVATE_HOSTS=host:port")
            }
            Refused::NoSuchHost { .. } => Error::new(ErrorKind::Unavailable, message)
                .hint("check the spelling and the network"),
            Refused::Scheme { .. } => Error::invalid(message),
        }
    }
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        let message = error.to_string();
        let kind = match error {
            FetchError::Refused(refused) => return refused.into(),
            FetchError::Forbidden { .. } => {
                return Error::new(ErrorKind::Forbidden, message)
                    .hint("the site does not want to be read by programs");
            }
            FetchError::Status {
                status: 404 | 410, ..
            } => ErrorKind::NotFound,
            FetchError::Status {
                status: 401 | 403, ..
            } => ErrorKind::Forbidden,
            FetchError::TooLarge { .. } => {
                return Error::new(ErrorKind::TooLarge, message)
                    .hint("raise RAG_DOCUMENT_BYTES_MAX to allow it");
            }
            FetchError::TooManyRedirects { .. } | FetchError::BadRedirect { .. } => {
                ErrorKind::Invalid
            }
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, message)
    }
}

impl From<BadPattern> for Error {
    fn from(error: BadPattern) -> Self {
        Error::invalid(error.to_string()).hint("write it like `/docs/**`")
    }
}

impl From<GitHubError> for Error {
    fn from(error: GitHubError) -> Self {
        let message = error.to_string();
        match error {
            GitHubError::NotFound { .. } => Error::new(ErrorKind::NotFound, message)
                .hint("check the spelling; a private repository needs GITHUB_TOKEN"),
            GitHubError::BadToken => Error::new(ErrorKind::Forbidden, message)
                .hint("set GITHUB_TOKEN to one that is valid, or to nothing"),
            GitHubError::RateLimited { .. } => Error::new(ErrorKind::RateLimited, message)
                .hint("with GITHUB_TOKEN set there are 5,000 requests an hour"),
            GitHubError::Denied { .. } => Error::new(ErrorKind::Forbidden, message),
            GitHubError::TooLarge { .. } => Error::new(ErrorKind::TooLarge, message),
            GitHubError::BadAnswer { .. } => Error::new(ErrorKind::Unavailable, message),
            GitHubError::Disk { .. } => Error::new(ErrorKind::Unavailable, message)
                .hint("free some space in the folder for temporary files"),
            GitHubError::Fetch(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row() {
        let names: std::collections::BTreeSet<_> = ErrorKind::all().map(ErrorKind::name).collect();
        assert_eq!(names.len(), KINDS.len());
    }

    #[test]
    fn causes_are_told_once_and_the_hint_last() {
        let cause = std::io::Error::other("disk on fire");
        let error: Error = StoreError::Unavailable {
            action: "read".into(),
            source: Box::new(cause),
        }
        .into();
        assert_eq!(error.message(), "cannot read: disk on fire");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let told = StoreError::Unavailable {
            action: "write".into(),
            source: "it is full\n\nhint: make room".into(),
        };
        let error: Error = told.into();
        assert_eq!(error.message(), "cannot write: it is full");
        assert_eq!(error.remedy(), Some("make room"));
        let error = Error::invalid("`x` is wrong").hint("say `y`");
        assert_eq!(error.to_string(), "`x` is wrong\n\nhint: say `y`");
    }
}
