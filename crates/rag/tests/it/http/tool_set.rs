//! A server that offers some tools alone: what it does not offer as a tool it offers
//! nowhere else, be it as a resource, as a prompt or over the API.

use rag_mcp::ToolSet;
use serde_json::{Value, json};

use super::api::ask;
use super::auth::fill;
use super::client::{Server, request, send};

/// Which tools there are, and whether those are among them that only read.
fn tool_sets() -> [(ToolSet, bool); 3] {
    let only_ingest = ToolSet::parse("ingest_text").unwrap();
    [
        (ToolSet::All, true),
        (ToolSet::ReadOnly, true),
        (only_ingest, false),
    ]
}

#[tokio::test]
async fn what_no_tool_reads_is_no_resource_and_in_no_prompt() {
    for (tools, reads) in tool_sets() {
        let server = Server::offering(tools.clone()).await;
        let id = fill(&server.memory, "notes").await;
        let document = json!({"uri": format!("rag://document/{id}")});
        let question = json!({
            "name": "answer_with_citations",
            "arguments": {"question": "What is blue?"},
        });
        for (method, params, given) in [
            ("resources/list", json!({}), "resources"),
            ("resources/read", document, "contents"),
            ("prompts/list", json!({}), "prompts"),
            ("prompts/get", question, "messages"),
        ] {
            let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            let answer = server.post(&message).await.json();
            let list = answer["result"][given].as_array();
            let is_given = list.is_some_and(|list| !list.is_empty());
            assert_eq!(is_given, reads, "{tools:?} {method}: {answer}");
            // To ask which there are is no mistake: there may just be none.
            let is_refused = answer["error"].is_object() || method.ends_with("/list");
            assert!(is_given || is_refused, "{tools:?} {method}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_no_tool_does_the_api_does_not_either() {
    for (tools, reads) in tool_sets() {
        let server = Server::offering(tools.clone()).await;
        fill(&server.memory, "notes").await;
        let writes = tools != ToolSet::ReadOnly;
        let text = json!({"content": "Cherries are red."});
        for (method, path, body, is_there, status) in [
            ("GET", "/documents", Value::Null, reads, 200),
            ("POST", "/search", json!({"query": "plums"}), reads, 200),
            // There is no such job, which is another matter.
            ("GET", "/jobs/x/events", Value::Null, reads, 400),
            ("POST", "/collections/notes/documents", text, writes, 201),
        ] {
            let reply = ask(&server, method, path, &body).await;
            let expected = if is_there { status } else { 404 };
            assert_eq!(reply.status, expected, "{tools:?} {path}: {reply:?}");
        }
        let described = request("GET", "/api/openapi.json", &[], "");
        let described = send(server.address, described).await.json();
        for (path, is_there) in [
            ("/api/v1/search", reads),
            ("/api/v1/jobs/{job}/events", reads),
            ("/api/v1/collections/{collection}/documents", writes),
        ] {
            let is_described = described["paths"][path].is_object();
            assert_eq!(is_described, is_there, "{tools:?} {path}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_listed_is_not_completed() {
    let resource = json!({"type": "ref/resource", "uri": "rag://document/{id}"});
    let prompt = json!({"type": "ref/prompt", "name": "answer_with_citations"});
    for (tool, reference, argument) in [
        ("get_document_by_id", resource, "id"),
        ("search_documents", prompt, "collection_name"),
    ] {
        for (tools, is_listed) in [(ToolSet::All, true), (ToolSet::parse(tool).unwrap(), false)] {
            let server = Server::offering(tools.clone()).await;
            let id = fill(&server.memory, "notes").await;
            let typed = if argument == "id" { &id[..2] } else { "no" };
            let argument = json!({"name": argument, "value": typed});
            let params = json!({"ref": reference, "argument": argument});
            let message = json!({
                "jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": params,
            });
            let answer = server.post(&message).await.json();
            let values = answer["result"]["completion"]["values"].as_array();
            let values = values.unwrap_or_else(|| panic!("{tools:?}: {answer}"));
            assert_eq!(!values.is_empty(), is_listed, "{tools:?}: {answer}");
        }
    }
}
