//! What the server says about itself, and what that costs an agent.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use rag_mcp::ToolSet;

use crate::client::{Client, Setup};

/// What `tools/list` may cost a model that does not see output schemas, in
/// tokens of `o200k_base`.
const TOKENS_MAX: usize = 3_110;

fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

#[tokio::test]
async fn the_list_is_the_reviewed_one() {
    let mut client = Client::new().await;
    let tools = Value::Array(client.tools().await.to_vec());
    let listed = serde_json::to_string_pretty(&tools).unwrap() + "\n";
    let snapshot = path("tests/snapshots/tools.json");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&snapshot, &listed).unwrap();
    }
    let reviewed = std::fs::read_to_string(&snapshot).unwrap_or_default();
    assert!(
        listed == reviewed,
        "tools/list is not what {} has; UPDATE_SNAPSHOTS=1 rewrites it for review:\n{listed}",
        snapshot.display()
    );
}

#[tokio::test]
async fn the_list_costs_few_tokens() {
    let mut client = Client::new().await;
    let mut tools = client.tools().await.to_vec();
    for tool in &mut tools {
        tool.as_object_mut()
            .unwrap()
            .remove("outputSchema")
            .expect("every tool has one");
    }
    let list = json!({ "tools": tools }).to_string();
    let tokens = tiktoken_rs::o200k_base()
        .unwrap()
        .encode_ordinary(&list)
        .len();
    println!("tools/list without output schemas: {tokens} tokens");
    assert!(
        tokens < TOKENS_MAX,
        "tools/list has {tokens} tokens, it may have {TOKENS_MAX}"
    );
}

#[tokio::test]
async fn every_tool_is_complete() {
    let mut client = Client::new().await;
    let expected = [
        // name, reads only, may replace or remove, reaches the web
        ("search_documents", true, false, false),
        ("list_collections", true, false, false),
        ("get_collection_info", true, false, false),
        ("create_collection", false, false, false),
        ("update_collection_description", false, true, false),
        ("delete_collection", false, true, false),
        ("reembed_collection", false, true, true),
        ("ingest_text", false, true, false),
        ("ingest_file", false, true, false),
        ("ingest_directory", false, true, false),
        ("ingest_url", false, true, true),
        ("analyze_website", true, false, true),
        ("ingest_repository", false, true, true),
        ("get_index_status", true, false, true),
        ("get_job", true, false, false),
        ("list_jobs", true, false, false),
        ("cancel_job", false, true, false),
        ("list_documents", true, false, false),
        ("get_document_by_id", true, false, false),
        ("update_document", false, true, false),
        ("delete_document", false, true, false),
        ("search", true, false, false),
        ("fetch", true, false, false),
    ];
    let tools = client.tools().await;
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, expected.map(|(name, ..)| name));
    for (tool, (name, reads, changes, web)) in tools.iter().zip(expected) {
        assert!(tool["title"].is_string(), "{name} has no title");
        assert!(tool["description"].is_string(), "{name} has no description");
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        let annotations = match reads {
            true => json!({"readOnlyHint": true, "openWorldHint": web}),
            false => json!({
                "readOnlyHint": false,
                "destructiveHint": changes,
                "idempotentHint": true,
                "openWorldHint": web,
            }),
        };
        assert_eq!(tool["annotations"], annotations, "{name}");
    }
}

#[tokio::test]
async fn a_server_that_only_reads_offers_nothing_else() {
    let mut client = Client::with(Setup {
        tools: ToolSet::ReadOnly,
        ..Setup::default()
    })
    .await;
    let names: Vec<String> = client
        .tools()
        .await
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"search_documents".to_owned()));
    for hidden in ["ingest_text", "delete_document", "cancel_job", "ingest_url"] {
        assert!(!names.iter().any(|name| name == hidden), "{hidden}");
    }
    let params = json!({"name": "delete_document", "arguments": {"document_id": "x"}});
    let answer = client.request("tools/call", params).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("does not offer `delete_document`"),
        "{message}"
    );
}

#[tokio::test]
async fn the_server_introduces_itself() {
    let mut client = Client::unconnected(Setup::default());
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let about = client.result("initialize", params).await;
    assert_eq!(about["protocolVersion"], "2025-06-18");
    assert_eq!(about["serverInfo"]["name"], "rag-memory");
    assert_eq!(about["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
    for capability in ["tools", "resources", "prompts", "completions"] {
        assert!(
            about["capabilities"][capability].is_object(),
            "{capability} is not offered"
        );
    }
    let instructions = about["instructions"].as_str().unwrap();
    for tool in [
        "search_documents",
        "list_collections",
        "create_collection",
        "ingest_text",
    ] {
        assert!(
            instructions.contains(tool),
            "the instructions do not name {tool}"
        );
    }
}
