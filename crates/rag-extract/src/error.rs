//! Why bytes gave no text.

/// Why bytes gave no text. What they were is for the caller to say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// They are no text, and of no format that can be read.
    #[error("it is not text: {reason}")]
    NotText {
        /// How that was seen.
        reason: String,
    },
    /// A format that is known, but not read: an image, a film, a program.
    #[error("it is {what}, which has no text to read")]
    Unsupported {
        /// What it is, such as `a PNG image`.
        what: &'static str,
    },
    /// It is an archive: its members are read one by one.
    #[error("it is an archive")]
    Archive,
    /// A password is needed.
    #[error("it is encrypted")]
    Encrypted,
    /// The format is broken.
    #[error("it is a damaged {format} file: {message}")]
    Damaged {
        /// The format.
        format: &'static str,
        /// What is wrong.
        message: String,
    },
    /// Its parser failed in a way that it never should.
    #[error("the parser of {format} files failed on it")]
    ParserFailed {
        /// The format.
        format: &'static str,
    },
    /// Nothing is wrong with it: too many documents before it never came to an
    /// end, and their parsers cannot be stopped.
    #[error(
        "it was not begun, since parsers still hang on documents before it: a restart frees them"
    )]
    Busy,
    /// More than [`crate::Limits`] allow.
    #[error("it has more than {limit}")]
    TooLarge {
        /// What it has too much of, such as `20971520 bytes of text`.
        limit: String,
    },
    /// There is no text in it: blank, or nothing but images.
    #[error("it has no text{}", hint.map(|hint| format!(": {hint}")).unwrap_or_default())]
    Blank {
        /// Why that is, where it can be told.
        hint: Option<&'static str>,
    },
    /// The caller's CSS selector is none, or finds nothing.
    #[error("the selector `{selector}` {problem}")]
    Selector {
        /// The selector.
        selector: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}
