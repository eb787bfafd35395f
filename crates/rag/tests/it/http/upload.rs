//! Files that are sent as forms.

use serde_json::{Value, json};

use super::api::{ask, server};
use super::auth::fill;
use super::client::{request, send};

/// A form with these parts: name, file name, content.
fn form(parts: &[(&str, Option<&str>, &str)]) -> String {
    let mut body = String::new();
    for (name, file, content) in parts {
        body.push_str(&format!(
            "--B\r\nContent-Disposition: form-data; name=\"{name}\""
        ));
        if let Some(file) = file {
            body.push_str(&format!("; filename=\"{file}\""));
        }
        body.push_str(&format!("\r\n\r\n{content}\r\n"));
    }
    body + "--B--\r\n"
}

#[tokio::test]
async fn files_are_sent_as_forms() {
    let server = server().await;
    fill(&server.memory, "docs").await;
    let send_form = async |parts: &[(&str, Option<&str>, &str)]| {
        let headers = ["Content-Type: multipart/form-data; boundary=B"];
        let path = "/api/v1/collections/docs/documents";
        send(
            server.address,
            &request("POST", path, &headers, &form(parts)),
        )
        .await
    };
    let page = "<html><body><h1>Quinces</h1><p>Quinces are yellow.</p></body></html>";
    let sent = send_form(&[
        ("file", Some("C:\\fruit\\quince page.html"), page),
        ("metadata", None, r#"{"team": "fruit"}"#),
    ])
    .await;
    assert_eq!(sent.status, 201, "{sent:?}");
    let told = sent.json();
    assert_eq!(told["filename"], "quince page.html");
    assert_eq!(told["file_size"], page.len());
    let path = format!(
        "/documents/{}",
        told["source_document_id"].as_str().unwrap()
    );
    let document = ask(&server, "GET", &path, &Value::Null).await.json();
    assert_eq!(document["source_uri"], "upload:///quince%20page.html");
    assert_eq!(document["metadata"]["team"], "fruit");
    assert!(
        document["content"]
            .as_str()
            .unwrap()
            .contains("Quinces are yellow.")
    );

    let changed = page.replace("yellow", "golden");
    let file = ("file", Some("quince page.html"), changed.as_str());
    assert_eq!(send_form(&[file]).await.status, 409);
    let replaced = send_form(&[file, ("mode", None, "reingest")]).await;
    assert_eq!(
        (replaced.status, &replaced.json()["status"]),
        (200, &json!("replaced"))
    );

    let keyed = async |content: &str| {
        let headers = [
            "Content-Type: multipart/form-data; boundary=B",
            "Idempotency-Key: form-1",
        ];
        let form = form(&[("file", Some("keyed.txt"), content)]);
        let path = "/api/v1/collections/docs/documents";
        send(server.address, &request("POST", path, &headers, &form)).await
    };
    let first = keyed("Medlars are brown.").await;
    let again = keyed("Medlars are brown.").await;
    assert_eq!((again.status, again.json()), (201, first.json()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(keyed("Medlars are not.").await.status, 422);

    let fine = ("file", Some("a.txt"), "x");
    for (parts, part) in [
        (&[][..], "no part `file`"),
        (&[("file", None, "x")], "no file name"),
        (&[fine, fine], "two parts `file`"),
        (&[fine, ("metadata", None, "[]")], "must be a JSON object"),
        (&[fine, ("mode", None, "maybe")], "`ingest` or `reingest`"),
        (&[fine, ("more", None, "x")], "there is no part `more`"),
    ] {
        let refused = send_form(parts).await;
        assert_eq!(refused.status, 400, "{parts:?}: {refused:?}");
        let detail = refused.json()["detail"].clone();
        assert!(detail.as_str().unwrap().contains(part), "{detail}");
    }
}
