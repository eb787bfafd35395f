//! What failures of PostgreSQL and of the way there mean to those who use a store.

use std::borrow::Cow;
use std::time::Duration;

use rag_core::port::StoreError;
use sqlx::Error;

/// Why work on a connection stopped.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is told as it is.
    Store(StoreError),
    /// The database cannot be reached.
    Unreachable(Error),
    /// It is told by what the server's code means.
    Sql(Error),
    /// What is in the tables contradicts itself.
    Damaged(String),
    /// All connections were in use for so long.
    Exhausted {
        /// How many those are.
        connections_max: u32,
        /// How long was waited.
        waited: Duration,
    },
    /// The connection gave no answer for so long.
    Silent(Duration),
    /// Whether a write was done before the connection broke cannot be told.
    Unknown(Box<Failure>),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Sql(error)
    }
}

impl Failure {
    /// Whether trying again may help.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Failure::Silent(_) => true,
            Failure::Unreachable(error) | Failure::Sql(error) => match code(error) {
                Some(code) => is_transient(&code),
                None => is_broken(error),
            },
            _ => false,
        }
    }

    /// Whether nothing more can be done on the connection. What it was doing may
    /// have been done or not.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Failure::Silent(_) => true,
            Failure::Unreachable(error) | Failure::Sql(error) => match code(error) {
                Some(code) => is_end(&code),
                None => is_broken(error),
            },
            _ => false,
        }
    }

    /// Whether a prepared statement was not where it was left: a pooler gives
    /// each transaction whichever session is free.
    pub(super) fn tells_of_pooler(&self) -> bool {
        match self {
            Failure::Sql(error) => matches!(code(error).as_deref(), Some("26000" | "42P05")),
            _ => false,
        }
    }

    /// The error of the contract, for a store at `location` that was asked to
    /// do `action`.
    pub(super) fn told(self, location: &str, action: &str) -> StoreError {
        let unavailable =
            |action: String, source: BoxError| StoreError::Unavailable { action, source };
        match self {
            Failure::Store(error) => error,
            Failure::Damaged(message) => StoreError::Corrupt {
                location: location.to_owned(),
                message,
            },
            Failure::Unreachable(error) => {
                let cause = reason(error).to_string();
                let cause = match cause.contains("\n\nhint: ") {
                    true => cause,
                    false => format!(
                        "{cause}\n\nhint: see that it runs, and check host and port in \
                         DATABASE_URL"
                    ),
                };
                unavailable(format!("reach the database at {location}"), cause.into())
            }
            Failure::Silent(waited) => unavailable(
                format!("{action} in the store at {location}"),
                format!("the database gave no answer for {} s", waited.as_secs()).into(),
            ),
            Failure::Exhausted {
                connections_max,
                waited,
            } => unavailable(
                format!("{action} in the store at {location}"),
                format!(
                    "all {connections_max} connections were in use for {} s\n\n\
                     hint: raise RAG_DB_CONNECTIONS, if the server allows for more",
                    waited.as_secs()
                )
                .into(),
            ),
            Failure::Unknown(failure) => unavailable(
                format!(
                    "tell whether this was done in the store at {location}, which was lost while \
                     it was to {action}"
                ),
                Box::new(failure.told(location, action)),
            ),
            Failure::Sql(error) => {
                let code = code(&error);
                match code.as_deref().map_or_else(|| of_driver(&error), meaning) {
                    Meaning::Corrupt => StoreError::Corrupt {
                        location: location.to_owned(),
                        message: error.to_string(),
                    },
                    Meaning::NotWritable => StoreError::NotWritable {
                        location: location.to_owned(),
                        message: reason(error).to_string(),
                    },
                    Meaning::Other => unavailable(
                        format!("{action} in the store at {location}"),
                        reason(error),
                    ),
                }
            }
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

enum Meaning {
    Corrupt,
    NotWritable,
    Other,
}

fn meaning(code: &str) -> Meaning {
    match code {
        // Full, read only, not allowed.
        "53100" | "25006" | "42501" => Meaning::NotWritable,
        // Pages or indexes are damaged, or a row is missing that another refers to.
        "XX001" | "XX002" | "23503" => Meaning::Corrupt,
        _ => Meaning::Other,
    }
}

fn of_driver(error: &Error) -> Meaning {
    match error {
        // What is in a column is not what the schema and this program put there.
        Error::ColumnDecode { .. } | Error::Decode(_) => Meaning::Corrupt,
        _ => Meaning::Other,
    }
}

/// What passes by itself: connections that end, servers that start, stop or are
/// about to take writes, and transactions that were in each other's way.
fn is_transient(code: &str) -> bool {
    is_end(code)
        || matches!(
            code,
            // Serialisation, deadlock, lock not available, and a row that another
            // added first.
            "40001" | "40P01" | "55P03" | "23505"
            // Too many connections, read only until a standby has taken over.
            | "53300" | "25006"
            // A statement that another session of a pooler has, or has not.
            | "26000" | "42P05"
        )
}

/// The server ends the session with these.
fn is_end(code: &str) -> bool {
    code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03")
}

fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Io(_) | Error::Protocol(_))
}

/// The SQLSTATE, if the server has answered.
pub(super) fn code(error: &Error) -> Option<String> {
    let error = error.as_database_error()?;
    error.code().map(Cow::into_owned)
}

/// The cause, with a hint where there is a remedy.
fn reason(error: Error) -> BoxError {
    let hint = match code(&error).as_deref() {
        Some("28P01" | "28000") => "check user and password in the address of the database",
        Some("3D000") => "create the database, or name another in the address",
        Some("53300") => "let fewer programs connect, or use a pooler",
        Some("53100") => "make room on the database server's disk",
        Some("25006") => "use the address of a server that takes writes",
        Some("42501") => "grant the user of the address what it needs on the schema",
        Some("57014") => "raise `statement_timeout`, or look for what the server is busy with",
        _ => return Box::new(error),
    };
    match error.as_database_error() {
        Some(told) => format!("{}\n\nhint: {hint}", told.message()).into(),
        None => Box::new(error),
    }
}
