//! Reads one JSON-RPC message, and says what is wrong with one that is none.
//!
//! It leaves what a message asks for to the server.

use axum::body::Bytes;
use rmcp::model::{ClientJsonRpcMessage, ErrorData, JsonRpcError, RequestId};
use serde_json::Value;

/// The byte order mark, which some programs write before a text in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The message in `bytes`; `None` for a notification that MCP does not know,
/// which JSON-RPC says to ignore.
///
/// The error is the answer to send: -32700 when `bytes` are not JSON in UTF-8,
/// -32600 when they are JSON but no message, with the request's id if it has one.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<ClientJsonRpcMessage>, JsonRpcError> {
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    match serde_json::from_slice(bytes) {
        Ok(message) => Ok(Some(message)),
        Err(_) => explain(bytes).map(|()| None),
    }
}

/// A body without the byte order mark that it may begin with.
pub(super) fn unmarked(bytes: Bytes) -> Bytes {
    match bytes.starts_with(MARK) {
        true => bytes.slice(MARK.len()..),
        false => bytes,
    }
}

/// Why `bytes` are no message. `Ok` when they may be ignored.
fn explain(bytes: &[u8]) -> Result<(), JsonRpcError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        JsonRpcError::new(
            None,
            ErrorData::parse_error(format!("not valid JSON: {error}"), None),
        )
    })?;
    let Value::Object(members) = value else {
        let found = match value {
            Value::Array(_) => "batches are not supported, send one message at a time",
            _ => "not a JSON-RPC 2.0 message: an object is expected",
        };
        return Err(JsonRpcError::new(
            None,
            ErrorData::invalid_request(found, None),
        ));
    };
    let id = members
        .get("id")
        .cloned()
        .and_then(|id| serde_json::from_value(id).ok());
    let is_notification = !members.contains_key("id")
        && members
            .get("jsonrpc")
            .is_some_and(|version| version == "2.0")
        && members.get("method").is_some_and(Value::is_string);
    if is_notification {
        Ok(())
    } else {
        Err(not_a_message(id))
    }
}

fn not_a_message(id: Option<RequestId>) -> JsonRpcError {
    let text = "not a JSON-RPC 2.0 message: `\"jsonrpc\": \"2.0\"` and a `method` are expected, \
                `id` is a number or a string, `params` an object";
    JsonRpcError::new(id, ErrorData::invalid_request(text, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_explained() {
        let cases: &[(&[u8], i32, Option<RequestId>)] = &[
            (b"{", -32700, None),
            (b"hello", -32700, None),
            (b"\xff\xfe{}", -32700, None),
            (
                b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\xff\"}",
                -32700,
                None,
            ),
            (b"[]", -32600, None),
            (
                b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]",
                -32600,
                None,
            ),
            (b"7", -32600, None),
            (b"{}", -32600, None),
            (b"{\"id\":3}", -32600, Some(RequestId::Number(3))),
            (
                b"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}",
                -32600,
                None,
            ),
            (
                b"{\"jsonrpc\":\"1.0\",\"id\":4,\"method\":\"ping\"}",
                -32600,
                Some(RequestId::Number(4)),
            ),
        ];
        for (bytes, code, id) in cases {
            let error = parse(bytes).expect_err(&String::from_utf8_lossy(bytes));
            assert_eq!(
                error.error.code.0,
                *code,
                "{}",
                String::from_utf8_lossy(bytes)
            );
            assert_eq!(error.id, *id, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_message_is_read_and_an_unknown_notification_ignored() {
        let ping = b"\xEF\xBB\xBF{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}";
        assert!(matches!(
            parse(ping),
            Ok(Some(ClientJsonRpcMessage::Request(_)))
        ));
        let odd = b"{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":[1]}";
        assert!(!matches!(
            parse(odd),
            Ok(Some(ClientJsonRpcMessage::Request(_))) | Err(_)
        ));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert_eq!(parse(&deep).expect_err("too deep").error.code.0, -32700);
    }
}
