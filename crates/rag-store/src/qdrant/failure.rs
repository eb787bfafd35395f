//! What goes wrong between this program and Qdrant, and what the contract calls it.

use std::time::Duration;

use qdrant_client::QdrantError;
use rag_core::port::StoreError;

/// The numbers of gRPC's statuses that are told apart here.
const CANCELLED: i32 = 1;
const UNKNOWN: i32 = 2;
const DEADLINE_EXCEEDED: i32 = 4;
const NOT_FOUND: i32 = 5;
const PERMISSION_DENIED: i32 = 7;
const RESOURCE_EXHAUSTED: i32 = 8;
const ABORTED: i32 = 10;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

/// Why an operation did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// What the contract says of it.
    Store(StoreError),
    /// What is stored is not what this program writes.
    Damaged(String),
    /// It cannot go on, and what that is due to.
    Stuck(String),
    /// Qdrant said so, or was not reached.
    Server(Box<QdrantError>),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl From<QdrantError> for Failure {
    fn from(error: QdrantError) -> Self {
        Failure::Server(Box::new(error))
    }
}

impl Failure {
    /// The error for whoever asked the store at `location` for `action`.
    pub(super) fn told(self, action: &str, location: &str) -> StoreError {
        let location = location.to_owned();
        let source = match self {
            Failure::Store(error) => return error,
            Failure::Damaged(message) => return StoreError::Corrupt { location, message },
            Failure::Stuck(message) => message,
            Failure::Server(error) => match code(&error) {
                UNAUTHENTICATED => format!(
                    "{location} wants another API key: {}\n\nhint: set `QDRANT_API_KEY` to a key of that server",
                    message(&error)
                ),
                PERMISSION_DENIED => {
                    let message = format!(
                        "{}\n\nhint: set `QDRANT_API_KEY` to a key that may write",
                        message(&error)
                    );
                    return StoreError::NotWritable { location, message };
                }
                _ if is_full(&error) => {
                    let message = message(&error);
                    return StoreError::NotWritable { location, message };
                }
                _ if is_transient(&error) => format!(
                    "{location} does not answer: {}\n\nhint: see that Qdrant runs and that `QDRANT_URL` names its gRPC port, usually 6334",
                    message(&error)
                ),
                _ => format!("{location} refused it: {}", message(&error)),
            },
        };
        StoreError::Unavailable {
            action: action.to_owned(),
            source: source.into(),
        }
    }

    /// Whether it says that a Qdrant collection is not there.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Failure::Server(error) if code(error) == NOT_FOUND)
    }
}

/// Whether the same call may work a moment later.
pub(super) fn is_transient(error: &QdrantError) -> bool {
    match code(error) {
        CANCELLED | UNKNOWN | DEADLINE_EXCEEDED | RESOURCE_EXHAUSTED | ABORTED | UNAVAILABLE => {
            true
        }
        // The client's own word for a connection that could not be made or
        // broke; the server's own faults have the same number.
        INTERNAL => {
            let message = message(error);
            let broken = ["Failed to connect", "h2 protocol", "transport", "stream"];
            broken.iter().any(|start| message.starts_with(start))
        }
        _ => matches!(error, QdrantError::Io(_)),
    }
}

/// How long the server asks to be left alone.
pub(super) fn asked_to_wait(error: &QdrantError) -> Option<Duration> {
    match error {
        QdrantError::ResourceExhaustedError {
            retry_after_seconds,
            ..
        } => Some(Duration::from_secs(*retry_after_seconds)),
        _ => None,
    }
}

fn is_full(error: &QdrantError) -> bool {
    let message = message(error);
    message.contains("No space left") || message.contains("disk space")
}

fn code(error: &QdrantError) -> i32 {
    match error {
        QdrantError::ResponseError { status }
        | QdrantError::ResourceExhaustedError { status, .. } => i32::from(status.code()),
        _ => 0,
    }
}

/// What the server said, without the numbers around it.
fn message(error: &QdrantError) -> String {
    match error {
        QdrantError::ResponseError { status }
        | QdrantError::ResourceExhaustedError { status, .. } => status.message().to_owned(),
        other => other.to_string(),
    }
}
