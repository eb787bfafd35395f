//! Each tool with arguments that are wrong.

use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn wrong_arguments_are_named_and_the_session_goes_on() {
    let mut client = Client::new().await;
    client.collection("docs").await;
    let id = client
        .text("docs", "Ferns", "# Ferns\n\nFerns have spores.")
        .await;
    let outside = "/etc/hostname";
    // tool, arguments, what the text must contain
    let cases = [
        ("search_documents", json!({}), "`query` is missing"),
        (
            "search_documents",
            json!({"query": 1}),
            "`query` must be a string",
        ),
        ("search_documents", json!({"query": null}), "not null"),
        ("search_documents", json!({"query": "  "}), "blank"),
        (
            "search_documents",
            json!({"query": "a", "limit": 0}),
            "from 1 to 50, not 0",
        ),
        (
            "search_documents",
            json!({"query": "a", "limit": -1}),
            "from 1 to 50, not -1",
        ),
        (
            "search_documents",
            json!({"query": "a", "limit": 1000}),
            "from 1 to 50, not 1000",
        ),
        (
            "search_documents",
            json!({"query": "a", "limit": 1e300}),
            "`limit` must be an integer",
        ),
        (
            "search_documents",
            json!({"query": "a", "limit": "5"}),
            "`limit` must be an integer",
        ),
        (
            "search_documents",
            json!({"query": "a", "threshold": 2}),
            "`threshold`",
        ),
        (
            "search_documents",
            json!({"query": "a", "mode": "best"}),
            "`hybrid`",
        ),
        (
            "search_documents",
            json!({"query": "a", "max_result": 1}),
            "no argument `max_result`",
        ),
        (
            "search_documents",
            json!({"qurey": "a"}),
            "did you mean `query`?",
        ),
        (
            "search_documents",
            json!({"query": "a", "collection_name": "dosc"}),
            "did you mean `docs`?",
        ),
        (
            "search_documents",
            json!({"query": "a", "metadata_filter": "x"}),
            "must be an object",
        ),
        ("list_collections", json!({"limit": 1}), "takes none"),
        (
            "create_collection",
            json!({"name": "x"}),
            "`description` is missing",
        ),
        (
            "create_collection",
            json!({"name": "x", "description": " "}),
            "blank",
        ),
        (
            "create_collection",
            json!({"name": "A b", "description": "c"}),
            "not a collection name",
        ),
        (
            "create_collection",
            json!({"name": "docs", "description": "c"}),
            "already exists",
        ),
        (
            "update_collection_description",
            json!({"name": "dosc", "description": "c"}),
            "`docs`",
        ),
        (
            "get_collection_info",
            json!({"name": "docs"}),
            "did you mean `collection_name`?",
        ),
        (
            "get_collection_info",
            json!({"collection_name": "dosc"}),
            "did you mean `docs`?",
        ),
        ("delete_collection", json!({"name": "docs"}), "confirm=true"),
        (
            "delete_collection",
            json!({"name": "docs", "confirm": "yes"}),
            "must be true or false",
        ),
        (
            "ingest_text",
            json!({"collection_name": "docs", "content": "\n"}),
            "hint",
        ),
        (
            "ingest_text",
            json!({"collection_name": "docs", "content": "# Ferns\n\nFerns have spores."}),
            "reingest",
        ),
        (
            "ingest_text",
            json!({"collection_name": "docs", "content": "a", "mode": "x"}),
            "`reingest`",
        ),
        (
            "ingest_text",
            json!({"collection_name": "docs", "content": "a", "metadata": []}),
            "must be an object",
        ),
        (
            "ingest_file",
            json!({"collection_name": "docs", "path": "a"}),
            "did you mean `file_path`?",
        ),
        (
            "ingest_file",
            json!({"collection_name": "docs", "file_path": outside}),
            "hint",
        ),
        (
            "ingest_directory",
            json!({"collection_name": "docs", "directory_path": "/etc"}),
            "hint",
        ),
        (
            "ingest_directory",
            json!({"collection_name": "docs", "directory_path": "/", "file_extensions": ".md"}),
            "must be an array",
        ),
        (
            "list_documents",
            json!({"limit": 0}),
            "`limit` must be from 1 to 200",
        ),
        ("list_documents", json!({"offset": -1}), "`offset`"),
        (
            "get_document_by_id",
            json!({"document_id": 42}),
            "must be a string, not the number 42",
        ),
        (
            "get_document_by_id",
            json!({"document_id": "42"}),
            "not a document id",
        ),
        (
            "get_document_by_id",
            json!({"document_id": "0000000000001"}),
            "does not exist",
        ),
        (
            "get_document_by_id",
            json!({"document_id": id, "max_chars": 0}),
            "`max_chars`",
        ),
        ("update_document", json!({"document_id": id}), "hint"),
        (
            "update_document",
            json!({"document_id": id, "title": " "}),
            "blank",
        ),
        (
            "delete_document",
            json!({"document_id": "0000000000001"}),
            "does not exist",
        ),
        (
            "delete_document",
            json!({"id": id}),
            "did you mean `document_id`?",
        ),
        ("search", json!({"query": ""}), "blank"),
        (
            "search",
            json!({"query": "a", "limit": 3}),
            "no argument `limit`",
        ),
        ("fetch", json!({"id": "rag"}), "not a document id"),
        ("fetch", json!({}), "`id` is missing"),
    ];
    for (tool, arguments, expected) in cases {
        let text = client.refusal(tool, arguments.clone()).await;
        assert!(
            text.contains(expected),
            "{tool} {arguments}: `{text}` lacks `{expected}`"
        );
        assert!(
            text.len() < 400,
            "{tool} {arguments} is answered at length: {text}"
        );
    }
    let documents = client.answer("list_documents", json!({})).await;
    assert_eq!(
        documents["total_count"], 1,
        "a refused call changed something"
    );
}

#[tokio::test]
async fn arguments_may_be_left_out_where_none_are_needed() {
    let mut client = Client::new().await;
    let result = client
        .result("tools/call", json!({"name": "list_collections"}))
        .await;
    assert_eq!(result["structuredContent"], json!({"collections": []}));
}
