//! What the API says of itself.

use serde_json::Value;

use super::api::server;
use super::client::{request, send};

#[tokio::test]
async fn the_api_describes_itself() {
    let server = server().await;
    let reply = send(
        server.address,
        &request("GET", "/api/openapi.json", &[], ""),
    )
    .await;
    let told = reply.json();
    assert_eq!(told, rag::http::openapi());
    assert_eq!(told["openapi"], "3.1.0");
    let mut ids = Vec::new();
    for (path, methods) in told["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            ids.push(id.to_owned());
            let in_path = operation["parameters"].as_array().unwrap().iter();
            let in_path = in_path.filter(|parameter| parameter["in"] == "path");
            let count = path.matches('{').count();
            assert_eq!(in_path.count(), count, "{method} {path}");
            assert!(operation["responses"]["default"].is_object(), "{id}");
            // What is described is there, and not 404 or 405 for the path alone.
            let filled = path.replace("{collection}", "none");
            let filled = filled.replace("{document}", "0000000000001");
            let filled = filled
                .replace("{job}", "0000000000001")
                .replace("{token}", "none");
            let body = operation["requestBody"]["content"]["application/json"]["example"].clone();
            let method = method.to_uppercase();
            let headers = ["Content-Type: application/json"];
            let body = if body.is_null() {
                String::new()
            } else {
                body.to_string()
            };
            if id == "ingest_url" || id == "analyze_website" {
                continue;
            }
            let reply = send(server.address, &request(&method, &filled, &headers, &body)).await;
            assert_ne!(reply.status, 405, "{method} {path}");
            let detail = reply.json()["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(!detail.contains("nothing at this path"), "{method} {path}");
            // Every example is something that may be asked.
            assert!(!detail.contains("argument `"), "{method} {path}: {detail}");
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "{ids:?}");
}

#[tokio::test]
async fn every_tool_has_its_operation() {
    let tools = include_str!("../../../../rag-mcp/tests/snapshots/tools.json");
    let tools: Value = serde_json::from_str(tools).unwrap();
    let described = rag::http::openapi().to_string();
    for tool in tools.as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        let id = match name {
            // The same, in the form that some hosts ask for.
            "search" | "fetch" => continue,
            "get_document_by_id" => "get_document",
            name => name,
        };
        assert!(
            described.contains(&format!("\"operationId\":\"{id}\"")),
            "{name}"
        );
    }
}
