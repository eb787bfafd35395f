//! How an error of the memory looks over MCP: a tool result that a model can
//! read and act on, or, where MCP has no such result, an error of the protocol.

use rag_memory::{Error, ErrorKind};
use rmcp::model::{CallToolResult, ContentBlock, ErrorData};
use serde_json::json;

/// A tool result that says why there is no other.
pub(crate) fn result(text: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// The result of a tool whose operation failed.
pub(crate) fn of_tool(tool: &str, error: &Error) -> CallToolResult {
    log(tool, error);
    result(&error.to_string())
}

/// The answer to a request other than a tool call that failed.
pub(crate) fn of_request(method: &str, error: &Error) -> ErrorData {
    log(method, error);
    match error.kind() {
        ErrorKind::Unavailable
        | ErrorKind::Internal
        | ErrorKind::RateLimited
        | ErrorKind::EmbeddingRefused
        | ErrorKind::Cancelled => ErrorData::internal_error(error.to_string(), None),
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::Conflict
        | ErrorKind::Forbidden
        | ErrorKind::TooLarge => ErrorData::invalid_params(error.to_string(), None),
    }
}

/// The answer to a request for a resource that there is not.
pub(crate) fn no_resource(uri: &str) -> ErrorData {
    ErrorData::resource_not_found(
        format!("there is no resource `{uri}`: documents are at rag://document/{{id}}"),
        Some(json!({ "uri": uri })),
    )
}

/// Tells the operator what the caller can do nothing about.
fn log(operation: &str, error: &Error) {
    match error.kind() {
        ErrorKind::Internal => tracing::error!(operation, "cannot answer: {error}"),
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::EmbeddingRefused => {
            tracing::warn!(operation, "cannot answer: {error}");
        }
        _ => {}
    }
}
