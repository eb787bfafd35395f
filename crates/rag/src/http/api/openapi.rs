//! The description of the API by [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0),
//! made from the table of its operations.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use rag_memory::api::{JobView, Object};
use rag_memory::{Scope, schema};
use serde_json::{Map, Value, json};

use super::cursor::{CURSOR, NEXT};
use super::operation::{Operation, Success};
use super::{address, events};

/// `GET /api/openapi.json`.
pub(super) async fn document(State(described): State<Arc<Value>>) -> Response {
    Json(&*described).into_response()
}

/// The description of `operations`, of a server at an address.
pub(super) fn describe(operations: &[Operation], public_url: Option<&str>) -> Value {
    // Some clients want it to be absolute.
    let server = public_url.map_or("/", |url| url.trim_end_matches('/'));
    let mut paths = Map::new();
    for operation in operations {
        let path = paths
            .entry(address(operation.path))
            .or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = operation_object(operation);
    }
    if operations
        .iter()
        .any(|operation| operation.tool() == events::TOOL)
    {
        paths.insert(address(events::PATH), json!({ "get": listening() }));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "rag-memory",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A long-term memory made of documents. Errors are problem details \
                (RFC 9457) with a `kind` to branch on and, where there is one, a `hint`.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `rag token create`, or one of the authorization \
                        server that the operator named. A server on its own machine takes none.",
                },
            },
            "schemas": {"Problem": problem()},
            "responses": {
                "Problem": {
                    "description": "What went wrong, and what to do about it",
                    "content": {
                        "application/problem+json": {
                            "schema": {"$ref": "#/components/schemas/Problem"},
                        },
                    },
                },
            },
        },
    })
}

fn operation_object(operation: &Operation) -> Value {
    let takes_body = super::takes_body(&operation.method);
    let mut arguments = (*operation.input).clone();
    let of_path = operation
        .path_arguments
        .iter()
        .map(|(parameter, argument)| path_parameter(&mut arguments, parameter, argument));
    let mut parameters: Vec<Value> = of_path.collect();
    if operation.pages.is_some() {
        remove(&mut arguments, "offset");
        parameters.push(cursor());
    }
    if !takes_body {
        parameters.extend(query_parameters(&arguments));
    }
    if operation.takes_key {
        parameters.push(key_parameter());
    }
    let mut object = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": scopes(operation.scopes),
        "tags": [tag(operation.path)],
        "parameters": parameters,
        "responses": responses(operation),
    });
    if takes_body {
        object["requestBody"] = body(operation, &arguments);
    }
    object
}

/// The first part of a path, which is what an operation is about.
fn tag(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

fn scopes(scopes: &[Scope]) -> String {
    let names: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
    format!("Takes the scope {}.", names.join(" or "))
}

fn path_parameter(arguments: &mut Object, parameter: &str, argument: &str) -> Value {
    let mut schema = remove(arguments, argument).unwrap_or_else(|| json!({"type": "string"}));
    let pattern = match parameter {
        "collection" => Some("^[a-z0-9_-]{1,64}$"),
        "job" => Some("^[0-9a-hjkmnp-tv-z]{13}$"),
        // A document can be named by its source, too.
        _ => None,
    };
    if let Some(pattern) = pattern {
        schema["pattern"] = json!(pattern);
    }
    json!({"name": parameter, "in": "path", "required": true, "schema": schema})
}

/// Takes an argument out of a schema.
fn remove(arguments: &mut Object, name: &str) -> Option<Value> {
    let mut required = arguments.get("required").cloned();
    if let Some(Value::Array(names)) = &mut required {
        names.retain(|other| other != name);
        match names.is_empty() {
            true => arguments.remove("required"),
            false => arguments.insert("required".to_owned(), Value::from(names.clone())),
        };
    }
    arguments
        .get_mut("properties")?
        .as_object_mut()?
        .remove(name)
}

fn query_parameters(arguments: &Object) -> Vec<Value> {
    let properties = arguments.get("properties").and_then(Value::as_object);
    let required = arguments.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
    let parameter = |(name, schema): (&String, &Value)| {
        json!({
            "name": name,
            "in": "query",
            "required": is_required(name),
            "schema": without_null(schema.clone()),
        })
    };
    properties.into_iter().flatten().map(parameter).collect()
}

/// A query has no null: an argument is left out instead.
fn without_null(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
    }
    if let Some(Value::Array(choices)) = schema.get_mut("enum") {
        choices.retain(|choice| !choice.is_null());
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
    }
    schema
}

fn cursor() -> Value {
    json!({
        "name": CURSOR,
        "in": "query",
        "required": false,
        "description": "Where the page begins: `next_cursor` of the one before",
        "schema": {"type": "string", "pattern": "^o[0-9]{1,9}$"},
    })
}

fn key_parameter() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "Sent again with the same key within a day, a request is not done again: \
            its answer is",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9._-]+$"},
    })
}

fn body(operation: &Operation, arguments: &Object) -> Value {
    let is_required = arguments.contains_key("required");
    let mut content = json!({"application/json": {"schema": arguments}});
    if !operation.example.is_null() {
        content["application/json"]["example"] = operation.example.clone();
    }
    if operation.takes_files {
        content["multipart/form-data"] = json!({"schema": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                "metadata": {"type": "string", "contentMediaType": "application/json"},
                "mode": {"type": "string", "enum": ["ingest", "reingest"]},
            },
        }});
    }
    json!({"required": is_required, "content": content})
}

fn responses(operation: &Operation) -> Value {
    let mut schema = (*operation.output).clone();
    if operation.pages.is_some() {
        remove(&mut schema, "next_offset");
        schema["properties"][NEXT] = json!({"type": ["string", "null"]});
    }
    let mut responses = json!({"default": {"$ref": "#/components/responses/Problem"}});
    for status in operation.success.statuses() {
        let description = match status {
            201 => "Made",
            202 => "Under way: `Location` says where to follow it",
            _ => "Done",
        };
        responses[status.to_string()] = json!({
            "description": description,
            "content": {"application/json": {"schema": schema}},
            "links": links(operation.success),
        });
    }
    responses
}

/// What can be asked next about what was made.
fn links(success: Success) -> Value {
    let (parameter, field, ids): (_, _, &[&str]) = match success {
        Success::Created("collections", field) => (
            "collection",
            field,
            &[
                "ingest_text",
                "get_collection_info",
                "get_index_status",
                "delete_collection",
            ],
        ),
        Success::Created(_, field) => ("token", field, &["revoke_token"]),
        Success::Stored => (
            "document",
            "source_document_id",
            &["get_document", "update_document", "delete_document"],
        ),
        Success::Started => ("job", "job_id", &["get_job", "cancel_job", "retry_job"]),
        Success::Found => return json!({}),
    };
    let value = format!("$response.body#/{field}");
    let link = |id: &&str| {
        let link = json!({"operationId": id, "parameters": {parameter: value}});
        ((*id).to_owned(), link)
    };
    ids.iter().map(link).collect::<Map<_, _>>().into()
}

fn listening() -> Value {
    let schema = schema::output::<JobView>();
    json!({
        "operationId": "listen_to_job",
        "summary": "Follow a job: `progress` with every change, `end` once, each with the job",
        "description": scopes(&[Scope::Read, Scope::Ingest]),
        "tags": ["jobs"],
        "parameters": [{
            "name": "job", "in": "path", "required": true, "schema": {"type": "string"},
        }],
        "responses": {
            "200": {
                "description": "Server-sent events",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            "default": {"$ref": "#/components/responses/Problem"},
        },
        "x-event-data": *schema,
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "kind", "detail"],
        "properties": {
            "type": {"type": "string", "const": "about:blank"},
            "title": {"type": "string", "description": "The status in words"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "kind": {"type": "string", "description": "To branch on, such as `not_found`"},
            "detail": {"type": "string", "description": "What failed, and for which input"},
            "hint": {"type": "string", "description": "What to do about it"},
        },
    })
}
