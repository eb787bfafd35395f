//! What SQLite's failures mean to those who use a store.

use rag_core::port::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// Why work on a connection stopped.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is told as it is.
    Store(StoreError),
    /// It is told by what SQLite's code means.
    Sqlite(Error),
    /// The file contradicts itself.
    Damaged(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl Failure {
    /// The error of the contract, for a store at `location` that was asked to
    /// do `action`.
    pub(super) fn told(self, location: &str, action: &str) -> StoreError {
        let location = location.to_owned();
        match self {
            Failure::Store(error) => error,
            Failure::Damaged(message) => StoreError::Corrupt { location, message },
            Failure::Sqlite(error) => match meaning(&error) {
                Meaning::Corrupt => StoreError::Corrupt {
                    location,
                    message: error.to_string(),
                },
                Meaning::NotWritable => {
                    let message = match error.sqlite_error_code() {
                        // SQLite keeps its log beside the file, even to read.
                        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
                            format!("{error}; the file and its folder must both be writable")
                        }
                        _ => error.to_string(),
                    };
                    StoreError::NotWritable { location, message }
                }
                Meaning::Busy => StoreError::Unavailable {
                    action: format!("lock the store at {location} to {action}"),
                    source: Box::new(error),
                },
                Meaning::Other => StoreError::Unavailable {
                    action: format!("{action} in the store at {location}"),
                    source: Box::new(error),
                },
            },
        }
    }
}

enum Meaning {
    Corrupt,
    NotWritable,
    Busy,
    Other,
}

fn meaning(error: &Error) -> Meaning {
    match error {
        // What is in a column is not what the schema and this program put there.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => return Meaning::Corrupt,
        _ => {}
    }
    let Some(failure) = error.sqlite_error() else {
        return Meaning::Other;
    };
    match (failure.code, failure.extended_code) {
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Meaning::Corrupt,
        // What is referred to was found, and what is added was not, just before.
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            Meaning::Corrupt
        }
        (
            ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied,
            _,
        )
        | (
            _,
            ffi::SQLITE_IOERR_WRITE
            | ffi::SQLITE_IOERR_FSYNC
            | ffi::SQLITE_IOERR_DIR_FSYNC
            | ffi::SQLITE_IOERR_TRUNCATE
            | ffi::SQLITE_IOERR_SHMOPEN
            | ffi::SQLITE_IOERR_SHMSIZE
            | ffi::SQLITE_IOERR_SHMMAP,
        ) => Meaning::NotWritable,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Meaning::Busy,
        _ => Meaning::Other,
    }
}
