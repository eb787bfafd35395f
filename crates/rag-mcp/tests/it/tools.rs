//! Each tool doing its work.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::Client;
use crate::web;

const FERNS: &str = "# Ferns\n\nFerns reproduce by spores and have neither seeds nor flowers.";
const TIDES: &str = "# Tides\n\nTides are caused by the gravity of the moon and the sun.";

#[tokio::test]
async fn all_tools_work_together() {
    let (site, github, mut client) = web::connected().await;
    assert_eq!(
        client.answer("list_collections", json!({})).await,
        json!({"collections": []})
    );

    let created = client
        .answer(
            "create_collection",
            json!({"name": "nature", "description": "Plants and seas"}),
        )
        .await;
    assert_eq!(created["created"], true);

    let described = client
        .answer(
            "update_collection_description",
            json!({"name": "nature", "description": "Plants, seas and skies"}),
        )
        .await;
    assert_eq!(described["description"], "Plants, seas and skies");

    let ferns = client
        .answer(
            "ingest_text",
            json!({
                "content": FERNS, "collection_name": "nature",
                "metadata": {"kind": "plant"}, "include_chunk_ids": true,
            }),
        )
        .await;
    assert_eq!(
        (&ferns["status"], &ferns["num_chunks"]),
        (&json!("ingested"), &json!(1))
    );
    assert_eq!(ferns["chunk_ids"].as_array().unwrap().len(), 1);
    let ferns = ferns["source_document_id"].as_str().unwrap().to_owned();

    let path = client.file("tides.md", TIDES);
    let tides = client
        .answer(
            "ingest_file",
            json!({"file_path": path, "collection_name": "nature"}),
        )
        .await;
    assert_eq!(tides["filename"], "tides.md");
    let tides = tides["source_document_id"].as_str().unwrap().to_owned();

    client.file("more/clouds.md", "# Clouds\n\nClouds are drops of water.");
    let directory = client.files().join("more").to_str().unwrap().to_owned();
    let clouds = client
        .answer(
            "ingest_directory",
            json!({"directory_path": directory, "collection_name": "nature"}),
        )
        .await;
    assert_eq!(
        (&clouds["files_found"], &clouds["files_ingested"]),
        (&json!(1), &json!(1))
    );

    let found = client
        .answer(
            "search_documents",
            json!({
                "query": "How do ferns reproduce?", "collection_name": "nature",
                "include_metadata": true, "include_source": true,
            }),
        )
        .await;
    let best = &found["results"][0];
    assert_eq!(best["source_document_id"], ferns.as_str());
    assert!(best["content"].as_str().unwrap().contains("spores"));
    assert_eq!(best["source_content"], FERNS);
    assert_eq!(best["metadata"]["kind"], "plant");

    let info = client
        .answer("get_collection_info", json!({"collection_name": "nature"}))
        .await;
    assert_eq!(info["document_count"], 3);

    let document = client
        .answer(
            "get_document_by_id",
            json!({"document_id": tides, "include_chunks": true}),
        )
        .await;
    assert_eq!(document["content"], TIDES);
    assert_eq!(document["chunks"].as_array().unwrap().len(), 1);

    let updated = client
        .answer(
            "update_document",
            json!({"document_id": ferns, "title": "On ferns", "metadata": {"kind": null}}),
        )
        .await;
    let fields: BTreeSet<_> = updated["updated_fields"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(fields, BTreeSet::from(["metadata", "title"]));

    let page = client
        .answer(
            "list_documents",
            json!({"limit": 2, "include_details": true}),
        )
        .await;
    assert_eq!(
        (&page["total_count"], &page["has_more"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(page["documents"][0]["filename"], "On ferns");

    let found = client
        .answer("search", json!({"query": "what causes tides"}))
        .await;
    assert_eq!(found["results"][0]["id"], tides.as_str());
    assert_eq!(
        found["results"][0]["url"],
        format!("rag://document/{tides}")
    );
    let fetched = client.answer("fetch", json!({"id": tides})).await;
    assert_eq!(fetched["text"], TIDES);
    assert_eq!(fetched["metadata"]["collection_name"], "nature");

    let moved = client
        .answer("reembed_collection", json!({"collection_name": "nature"}))
        .await;
    assert_eq!(
        (&moved["status"], &moved["documents_embedded"]),
        (&json!("done"), &json!(0))
    );

    let deleted = client
        .answer("delete_document", json!({"document_id": tides}))
        .await;
    assert_eq!(deleted["chunks_deleted"], 1);
    let deleted = client
        .answer(
            "delete_collection",
            json!({"name": "nature", "confirm": true}),
        )
        .await;
    assert_eq!(deleted["documents_deleted"], 2);

    web::use_all(&site, &github, &mut client).await;

    let listed: BTreeSet<String> = client
        .tools()
        .await
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(client.used, listed, "a tool was not tried");
}

#[tokio::test]
async fn scores_are_short_numbers() {
    let mut client = Client::new().await;
    client.collection("docs").await;
    client.text("docs", "Ferns", FERNS).await;
    let params = json!({"name": "search_documents", "arguments": {"query": "fern spores moon"}});
    let result = client.result("tools/call", params).await;
    for text in [&result["content"][0]["text"], &result["structuredContent"]] {
        let text = text
            .as_str()
            .map_or_else(|| text.to_string(), str::to_owned);
        let (_, similarity) = text.split_once("\"similarity\":").unwrap();
        let digits = similarity.find([',', '}']).unwrap();
        assert!(
            digits <= 12,
            "`{}` is longer than a 32-bit number",
            &similarity[..digits]
        );
    }
}

#[tokio::test]
async fn search_gives_each_document_once_and_ten_at_most() {
    let mut client = Client::new().await;
    client.collection("docs").await;
    for number in 0..12 {
        let sections: String = (0..4)
            .map(|part| format!("## Part {part}\n\nRivers flow to sea {number}{part}.\n\n"))
            .collect();
        let text = format!("# Document {number}\n\n{sections}");
        client
            .text("docs", &format!("Document {number}"), &text)
            .await;
    }
    let found = client
        .answer("search", json!({"query": "Where do rivers flow?"}))
        .await;
    let ids: Vec<_> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["id"].to_string())
        .collect();
    assert!(ids.len() > 1 && ids.len() <= 10, "{} results", ids.len());
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "a document came twice"
    );
}

#[tokio::test]
async fn what_fetch_adds_does_not_hide_the_users_metadata() {
    let mut client = Client::new().await;
    client.collection("docs").await;
    let arguments = json!({
        "content": FERNS, "collection_name": "docs", "metadata": {"source_uri": "mine", "a": [1]},
    });
    let id = client.answer("ingest_text", arguments).await["source_document_id"].clone();
    let fetched = client.answer("fetch", json!({"id": id})).await;
    assert_eq!(fetched["metadata"]["source_uri"], "mine");
    assert_eq!(fetched["metadata"]["a"], json!([1]));
    assert!(!fetched["url"].as_str().unwrap().is_empty());
}
