//! Puts together what an operation takes: parameters of the path, of the query,
//! and fields of the body, which are one object in the end.

use rag_memory::api::Object;
use serde_json::Value;
use url::form_urlencoded;

use super::cursor::CURSOR;
use super::operation::{Operation, invalid};
use crate::http::problem::Problem;

/// The arguments of `operation`. What is wrong with their values is left to the
/// check of all; here only texts become what their argument is.
pub(super) fn gather(
    operation: &Operation,
    path: &[(String, String)],
    query: Option<&str>,
    body: Option<Object>,
) -> Result<Object, Problem> {
    let takes_body = body.is_some();
    let mut input = body.unwrap_or_default();
    for (parameter, argument) in operation.path_arguments {
        if input.contains_key(*argument) {
            let detail = format!("`{argument}` is given by the path already");
            return Err(invalid(detail).hint("leave it out of the body"));
        }
        let value = path.iter().find(|(name, _)| name == parameter);
        let value = value.map(|(_, value)| value.clone()).unwrap_or_default();
        input.insert((*argument).to_owned(), Value::from(value));
    }
    for (name, text) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if takes_body {
            let detail = format!("there is no parameter `{name}`: arguments go into the body");
            return Err(invalid(detail));
        }
        if input.contains_key(name.as_ref()) {
            return Err(invalid(format!("`{name}` is given twice")));
        }
        let value = typed(operation, &name, &text);
        input.insert(name.into_owned(), value);
    }
    if operation.pages.is_some() && input.contains_key("offset") {
        return Err(invalid(
            "there is no parameter `offset`: pages go by `cursor`",
        ));
    }
    Ok(input)
}

/// A text of the query as the value that its argument is, or as it is.
fn typed(operation: &Operation, name: &str, text: &str) -> Value {
    let as_it_is = || Value::from(text);
    if name == CURSOR {
        return as_it_is();
    }
    let properties = operation.input.get("properties");
    let Some(schema) = properties.and_then(|properties| properties.get(name)) else {
        return as_it_is();
    };
    let wants = |kind: &str| match &schema["type"] {
        Value::String(own) => own == kind,
        Value::Array(own) => own.iter().any(|own| own == kind),
        _ => false,
    };
    if wants("integer") || wants("boolean") || wants("number") {
        // A number that is none stays a text, which the check then shows.
        let value: Option<Value> = serde_json::from_str(text).ok();
        let plain = value.filter(|value| value.is_number() || value.is_boolean());
        return plain.unwrap_or_else(as_it_is);
    }
    as_it_is()
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use rag_memory::api::{ListDocuments, ListJobs};
    use rag_memory::{Memory, Watch};
    use serde_json::json;

    use super::*;

    fn documents() -> Operation {
        Operation::new(
            Method::GET,
            "/documents",
            "list",
            "List",
            |memory: Memory, input: ListDocuments, _: Watch| async move {
                memory.list_documents(input).await
            },
        )
        .paged("documents")
    }

    #[test]
    fn texts_become_what_their_arguments_are() {
        let jobs = Operation::new(
            Method::GET,
            "/jobs",
            "list",
            "List",
            |memory: Memory, input: ListJobs, _: Watch| async move { memory.list_jobs(input).await },
        );
        for (operation, query, expected) in [
            (documents(), "limit=5", json!({"limit": 5})),
            (documents(), "limit=five", json!({"limit": "five"})),
            (documents(), "limit=%22a%22", json!({"limit": "\"a\""})),
            (
                documents(),
                "include_details=true&collection_name=1",
                json!({"include_details": true, "collection_name": "1"}),
            ),
            (documents(), "cursor=o5", json!({"cursor": "o5"})),
            (documents(), "none=1", json!({"none": "1"})),
            (jobs, "status=done", json!({"status": "done"})),
        ] {
            let input = gather(&operation, &[], Some(query), None).unwrap();
            assert_eq!(Value::Object(input), expected, "{query}");
        }
        for query in ["limit=1&limit=2", "offset=3"] {
            assert!(
                gather(&documents(), &[], Some(query), None).is_err(),
                "{query}"
            );
        }
    }
}
