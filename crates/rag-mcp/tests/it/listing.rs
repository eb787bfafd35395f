//! What the server says about itself, and what that costs an agent.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokenizers::Tokenizer;

use crate::client::Client;

/// What `tools/list` may cost a model that does not see output schemas.
const TOKENS_MAX: usize = 3_000;

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
    let tokens = tokens_at_most(&json!({ "tools": tools }).to_string());
    println!("tools/list without output schemas: {tokens} tokens at most");
    assert!(
        tokens < TOKENS_MAX,
        "tools/list has {tokens} tokens, it may have {TOKENS_MAX}"
    );
}

/// An estimate from above of what a language model makes of JSON: the pieces of
/// its words in the bundled model's small vocabulary, and one token for every
/// two brackets, quotes, colons or commas in a row. The tokenizers of large
/// models know more words and longer runs of marks: where this says 2,800,
/// `o200k_base` has 2,200.
fn tokens_at_most(json: &str) -> usize {
    let file = path("../../assets/all-MiniLM-L6-v2/tokenizer.json");
    let tokenizer = Tokenizer::from_file(file).unwrap();
    let pieces = |word: &str| {
        let encoding = tokenizer.encode(word, false).unwrap();
        encoding
            .get_attention_mask()
            .iter()
            .filter(|mask| **mask == 1)
            .count()
    };
    let words = json.split(|character: char| !character.is_alphanumeric());
    let marks = json.split(|character: char| character.is_alphanumeric() || character == ' ');
    words
        .filter(|word| !word.is_empty())
        .map(pieces)
        .sum::<usize>()
        + marks
            .map(|run| run.chars().count().div_ceil(2))
            .sum::<usize>()
}

#[tokio::test]
async fn every_tool_is_complete() {
    let mut client = Client::new().await;
    let expected = [
        // name, reads only, may replace or remove
        ("search_documents", true, false),
        ("list_collections", true, false),
        ("get_collection_info", true, false),
        ("create_collection", false, false),
        ("update_collection_description", false, true),
        ("delete_collection", false, true),
        ("ingest_text", false, true),
        ("ingest_file", false, true),
        ("ingest_directory", false, true),
        ("list_documents", true, false),
        ("get_document_by_id", true, false),
        ("update_document", false, true),
        ("delete_document", false, true),
        ("search", true, false),
        ("fetch", true, false),
    ];
    let tools = client.tools().await;
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, expected.map(|(name, ..)| name));
    for (tool, (name, reads, changes)) in tools.iter().zip(expected) {
        assert!(tool["title"].is_string(), "{name} has no title");
        assert!(tool["description"].is_string(), "{name} has no description");
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        let annotations = json!({
            "readOnlyHint": reads,
            "destructiveHint": changes,
            "idempotentHint": true,
            "openWorldHint": false,
        });
        assert_eq!(tool["annotations"], annotations, "{name}");
    }
}

#[tokio::test]
async fn the_server_introduces_itself() {
    let mut client = Client::unconnected(std::sync::Arc::new(rag_embed::HashingEmbedder::new(256)));
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
