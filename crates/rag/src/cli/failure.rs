//! How failures leave the program: a text on stderr and an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use rag::http::BindError;
use rag_memory::{Error, ErrorKind};

use crate::config::ConfigError;

/// Writes `error` to stderr and gives its exit code.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let kind = kind(error);
    let (message, hint) = match error.downcast_ref::<Error>() {
        Some(error) => (
            error.message().to_owned(),
            error.remedy().map(str::to_owned),
        ),
        None => {
            let text = format!("{error:#}");
            match text.split_once("\n\nhint: ") {
                Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
                None => (text, None),
            }
        }
    };
    let text = match (json, hint) {
        (true, hint) => {
            let error =
                serde_json::json!({ "kind": kind.name(), "message": message, "hint": hint });
            serde_json::json!({ "error": error }).to_string()
        }
        (false, Some(hint)) => format!("error: {message}\n\nhint: {hint}"),
        (false, None) => format!("error: {message}"),
    };
    // There is nobody left to tell when stderr is gone.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(kind.exit_code())
}

fn kind(error: &anyhow::Error) -> ErrorKind {
    if let Some(error) = error.downcast_ref::<Error>() {
        return error.kind();
    }
    if error.is::<ConfigError>() || error.is::<BindError>() {
        return ErrorKind::Invalid;
    }
    ErrorKind::Internal
}
