//! Documents as resources.

use std::collections::BTreeSet;

use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn the_list_is_paged() {
    let mut client = Client::new().await;
    client.collection("docs").await;
    for number in 0..205 {
        client.file(
            &format!("{number}.md"),
            &format!("# Title {number}\n\nText {number}."),
        );
    }
    let directory = client.files().to_str().unwrap().to_owned();
    let arguments = json!({"directory_path": directory, "collection_name": "docs"});
    client.answer("ingest_directory", arguments).await;

    let mut sizes = Vec::new();
    let mut uris = BTreeSet::new();
    let mut params = json!({});
    loop {
        let page = client.result("resources/list", params).await;
        let resources = page["resources"].as_array().unwrap();
        sizes.push(resources.len());
        uris.extend(resources.iter().map(|resource| resource["uri"].to_string()));
        let Some(cursor) = page.get("nextCursor") else {
            break;
        };
        params = json!({ "cursor": cursor });
    }
    assert_eq!(sizes, [100, 100, 5]);
    assert_eq!(uris.len(), 205);

    for cursor in ["x", "-1", "1e3", "99999999999999999999"] {
        let error = client
            .error("resources/list", json!({ "cursor": cursor }))
            .await;
        assert_eq!(error["code"], -32602, "cursor {cursor}");
    }
    let beyond = client
        .result("resources/list", json!({"cursor": "100000"}))
        .await;
    assert_eq!(beyond["resources"], json!([]));
}

#[tokio::test]
async fn a_document_is_listed_and_read() {
    let mut client = Client::new().await;
    client.collection("docs").await;
    let text = "# Ferns\n\nFerns have spores.";
    let id = client.text("docs", "Ferns", text).await;
    let uri = format!("rag://document/{id}");

    let list = client.result("resources/list", json!({})).await;
    let resource = &list["resources"][0];
    assert_eq!(resource["uri"], uri);
    assert_eq!(
        (&resource["name"], &resource["title"]),
        (&json!("Ferns"), &json!("Ferns"))
    );
    assert_eq!(resource["size"], text.len());
    assert!(resource["description"].as_str().unwrap().contains("`docs`"));

    let read = client.result("resources/read", json!({ "uri": uri })).await;
    assert_eq!(read["contents"].as_array().unwrap().len(), 1);
    assert_eq!(read["contents"][0]["text"], text);
    assert_eq!(read["contents"][0]["uri"], uri);
    assert_eq!(read["contents"][0]["mimeType"], resource["mimeType"]);

    let templates = client.result("resources/templates/list", json!({})).await;
    assert_eq!(
        templates["resourceTemplates"][0]["uriTemplate"],
        "rag://document/{id}"
    );
}

#[tokio::test]
async fn what_is_too_long_for_one_piece_is_cut_and_says_so() {
    let mut client = Client::new().await;
    client.collection("docs").await;
    let text = "The same line again and again, é.\n\n".repeat(29_000);
    let total = text.chars().count();
    assert!(total > 1_000_000);
    let id = client.text("docs", "Long", &text).await;
    let start: String = text.chars().take(1_000_000).collect();

    let read = client
        .result(
            "resources/read",
            json!({"uri": format!("rag://document/{id}")}),
        )
        .await;
    assert_eq!(read["contents"][0]["text"], start);
    let note = read["contents"][1]["text"].as_str().unwrap();
    assert!(note.contains("cut at character 1000000 of"), "{note}");

    let fetched = client.answer("fetch", json!({ "id": id })).await;
    assert_eq!(fetched["text"], start);
    assert_eq!(fetched["metadata"]["next_offset"], 1_000_000);
    assert!(fetched["metadata"]["total_chars"].as_u64().unwrap() > 1_000_000);
}

#[tokio::test]
async fn what_is_no_resource_is_said_as_each_era_has_it() {
    let uris = [
        "rag://document/0000000000001",
        "rag://document/nonsense",
        "rag://document/",
        "rag://other/0000000000001",
        "file:///etc/passwd",
        "",
    ];
    let mut client = Client::new().await;
    for uri in uris {
        let error = client.error("resources/read", json!({ "uri": uri })).await;
        assert_eq!(error["code"], -32002, "{uri}");
        assert_eq!(error["data"]["uri"], uri);
    }
    let mut client = Client::stateless();
    for uri in uris {
        let error = client.error("resources/read", json!({ "uri": uri })).await;
        assert_eq!(error["code"], -32602, "{uri}");
    }
}

#[tokio::test]
async fn ids_and_names_are_completed() {
    let mut client = Client::new().await;
    for name in ["docs", "drafts", "notes"] {
        client.collection(name).await;
    }
    let id = client.text("docs", "Ferns", "Ferns have spores.").await;
    let template = json!({"type": "ref/resource", "uri": "rag://document/{id}"});
    let prompt = json!({"type": "ref/prompt", "name": "answer_with_citations"});
    // reference, argument, typed, expected
    let cases = [
        (&template, "id", &id[..4], json!([id])),
        (&template, "id", "", json!([id])),
        (&template, "id", "zzzz", json!([])),
        (&prompt, "collection_name", "d", json!(["docs", "drafts"])),
        (&prompt, "collection_name", "x", json!([])),
        (&prompt, "question", "why", json!([])),
    ];
    for (reference, name, value, expected) in cases {
        let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
        let result = client.result("completion/complete", params).await;
        let mut values = result["completion"]["values"].as_array().unwrap().clone();
        values.sort_by_key(ToString::to_string);
        assert_eq!(json!(values), expected, "{name} from {value:?}");
    }
    for (reference, name) in [
        (json!({"type": "ref/prompt", "name": "other"}), "question"),
        (
            json!({"type": "ref/resource", "uri": "rag://other/{id}"}),
            "id",
        ),
        (prompt, "other"),
    ] {
        let params = json!({"ref": reference, "argument": {"name": name, "value": ""}});
        let error = client.error("completion/complete", params).await;
        assert_eq!(error["code"], -32602, "{reference} {name}");
    }
}
