//! Why a source gave no text.

use std::path::PathBuf;

use rag_extract::ExtractError;

/// Why a source gave no text. Paths are as the caller gave them.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is nothing at that path.
    #[error("`{}` does not exist", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// The path, or what its symbolic links lead to, may not be read.
    #[error("`{}` is outside of the folders that may be read", path.display())]
    OutsideRoots {
        /// The path.
        path: PathBuf,
    },
    /// A directory, a device or a pipe where a file was expected.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Something else where a directory was expected.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Its content gives no text.
    #[error("cannot take text out of `{}`", path.display())]
    Extract {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: ExtractError,
    },
    /// A glob that is none.
    #[error("the pattern `{pattern}` cannot be used: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is larger than a document may be.
    #[error("`{}` has {bytes} bytes, a document may have {bytes_max}", path.display())]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// Its size, or what was read of it when it grew meanwhile.
        bytes: u64,
        /// How much is allowed.
        bytes_max: u64,
    },
    /// The directory has more files than one call takes.
    #[error("`{}` has more than {files_max} files", path.display())]
    TooMany {
        /// The directory.
        path: PathBuf,
        /// How many are allowed.
        files_max: usize,
    },
    /// The system did not let it be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl SourceError {
    /// What the system's answer for `path` means.
    pub(crate) fn from_io(path: &std::path::Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::NotFound => SourceError::NotFound { path },
            _ => SourceError::Unreadable { path, source },
        }
    }
}
