//! Who may come in, and what they may do then.

use rag::http::{AppOptions, Auth, LimitOptions};
use rag_memory::api::{CreateCollection, CreateToken, IngestText, RevokeToken};
use rag_memory::{Memory, Scope};
use serde_json::{Value, json};

use super::client::{Reply, Server, Session, request, send};

/// A server that lets in whoever has a token.
pub(crate) async fn guarded() -> Server {
    Server::guarded(|memory| AppOptions {
        auth: Auth::required(memory.clone(), None),
        ..AppOptions::default()
    })
    .await
}

/// Makes a token, as the operator does.
pub(crate) async fn token(memory: &Memory, scopes: &[Scope], collections: &[&str]) -> String {
    let request = CreateToken {
        name: format!("{scopes:?} {collections:?}"),
        scopes: scopes.to_vec(),
        collections: collections.iter().map(|&name| name.to_owned()).collect(),
        expires_in_s: None,
    };
    memory.create_token(request).await.unwrap().token
}

/// Makes a collection with a document in it, and gives that one's id.
pub(crate) async fn fill(memory: &Memory, name: &str) -> String {
    let collection = CreateCollection {
        name: name.to_owned(),
        description: "a test's".to_owned(),
        metadata_schema: None,
    };
    memory.create_collection(collection).await.unwrap();
    let text: IngestText = serde_json::from_value(json!({
        "content": format!("The {name} say that plums are blue."),
        "collection_name": name,
    }))
    .unwrap();
    let ingested = memory.ingest_text(text).await.unwrap();
    ingested.source_document_id
}

pub(crate) async fn asked(
    server: &Server,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> Reply {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}"));
    let mut headers = vec!["Content-Type: application/json"];
    headers.extend(authorization.as_deref());
    send(server.address, &request(method, path, &headers, body)).await
}

async fn call(server: &Server, token: &str, tool: &str, arguments: Value) -> Value {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    });
    let reply = asked(server, "POST", "/mcp", Some(token), &message.to_string()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["result"].clone()
}

async fn tools(server: &Server, token: &str) -> Vec<String> {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let reply = asked(server, "POST", "/mcp", Some(token), &message).await;
    let tools = reply.json()["result"]["tools"].clone();
    let names = tools.as_array().unwrap().iter();
    names
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn nothing_is_done_for_who_has_no_token() {
    let server = guarded().await;
    fill(&server.memory, "notes").await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let cases = [
        ("POST", "/mcp", list.as_str()),
        ("GET", "/mcp", ""),
        ("DELETE", "/mcp", ""),
        ("GET", "/sse", ""),
        ("POST", "/messages?session_id=1", list.as_str()),
        ("GET", "/api/v1/collections", ""),
        ("POST", "/api/v1/search", r#"{"query": "plums"}"#),
        ("DELETE", "/api/v1/collections/notes?confirm=true", ""),
        ("GET", "/api/v1/jobs/1/events", ""),
        ("GET", "/api/openapi.json", ""),
        ("GET", "/metrics", ""),
        ("GET", "/none", ""),
    ];
    let made_up = format!("rag_000000000000_{}", "0".repeat(48));
    for (method, path, body) in cases {
        for token in [None, Some("wrong"), Some(made_up.as_str()), Some("")] {
            let reply = asked(&server, method, path, token, body).await;
            assert_eq!(reply.status, 401, "{method} {path} {token:?}: {reply:?}");
            assert_eq!(reply.json()["kind"], "unauthorized");
            let challenge = reply.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("bearer"), "{challenge}");
            let is_error = challenge.contains("error=\"invalid_token\"");
            assert_eq!(is_error, token.is_some(), "{challenge}");
        }
    }
    for path in ["/health", "/ready"] {
        assert_eq!(asked(&server, "GET", path, None, "").await.status, 200);
    }
    let metadata = "/.well-known/oauth-protected-resource";
    assert_eq!(asked(&server, "GET", metadata, None, "").await.status, 404);
    // Nothing was lost by any of that.
    let admin = token(&server.memory, &[Scope::Admin], &[]).await;
    let reply = asked(&server, "GET", "/api/v1/collections", Some(&admin), "").await;
    assert_eq!(reply.json()["collections"][0]["name"], "notes");
}

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_hash() {
    let server = guarded().await;
    let secret = token(&server.memory, &[Scope::Read], &[]).await;
    assert!(secret.starts_with("rag_"), "{secret}");
    let path = server.files().parent().unwrap().join("memory.db");
    for file in [path.clone(), path.with_extension("db-wal")] {
        let bytes = std::fs::read(file).unwrap_or_default();
        let tail = secret.rsplit('_').next().unwrap().as_bytes();
        assert!(!bytes.windows(tail.len()).any(|window| window == tail));
    }
    let list = server.memory.list_tokens(Default::default()).await.unwrap();
    assert!(!serde_json::to_string(&list).unwrap().contains(&secret));
}

#[tokio::test]
async fn a_token_that_was_revoked_or_has_expired_is_none() {
    let server = guarded().await;
    let revoked = token(&server.memory, &[Scope::Read], &[]).await;
    let path = "/api/v1/collections";
    assert_eq!(
        asked(&server, "GET", path, Some(&revoked), "").await.status,
        200
    );
    let id = revoked.split('_').nth(1).unwrap().to_owned();
    let revoke = RevokeToken { token: id };
    server.memory.revoke_token(revoke).await.unwrap();
    assert_eq!(
        asked(&server, "GET", path, Some(&revoked), "").await.status,
        401
    );

    let short = CreateToken {
        name: "short".to_owned(),
        scopes: vec![Scope::Read],
        collections: Vec::new(),
        expires_in_s: Some(1),
    };
    let short = server.memory.create_token(short).await.unwrap();
    let expiry: String = short.about.expires_at.unwrap();
    assert_eq!(
        asked(&server, "GET", path, Some(&short.token), "")
            .await
            .status,
        200
    );
    let until = expiry.parse::<rag_core::model::Timestamp>().unwrap();
    while rag_core::model::Timestamp::now() <= until {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(
        asked(&server, "GET", path, Some(&short.token), "")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn tools_are_listed_to_those_who_may_use_them() {
    let server = guarded().await;
    let all = token(&server.memory, &[Scope::Admin], &[]).await;
    let all = tools(&server, &all).await;
    let id = fill(&server.memory, "notes").await;
    for scopes in [
        &[Scope::Read][..],
        &[Scope::Ingest],
        &[Scope::Read, Scope::Ingest],
    ] {
        let token = token(&server.memory, scopes, &[]).await;
        let listed = tools(&server, &token).await;
        assert!(!listed.is_empty() && listed.len() < all.len(), "{listed:?}");
        for tool in &all {
            // Enough that most get past the check of their arguments.
            let arguments = match tool.as_str() {
                "search_documents" | "search" => json!({"query": "plums"}),
                "fetch" => json!({"id": id}),
                "get_document_by_id" => json!({"document_id": id}),
                "update_document" => json!({"document_id": id, "title": "T"}),
                "delete_document" => json!({"document_id": "0000000000001"}),
                "get_job" | "cancel_job" => json!({"job_id": "0000000000001"}),
                "list_collections" | "list_jobs" | "list_documents" => json!({}),
                "create_collection" => json!({"name": "notes", "description": "d"}),
                "update_collection_description" => json!({"name": "notes", "description": "d"}),
                "delete_collection" => json!({"name": "notes"}),
                "get_collection_info" | "get_index_status" | "reembed_collection" => {
                    json!({"collection_name": "notes"})
                }
                "ingest_text" => json!({"content": "x", "collection_name": "notes"}),
                "ingest_file" => json!({"file_path": "/none", "collection_name": "notes"}),
                "ingest_directory" => {
                    json!({"directory_path": "/none", "collection_name": "notes"})
                }
                "ingest_url" => json!({"url": "http://127.0.0.1:9/", "collection_name": "notes"}),
                "ingest_repository" => json!({"repository": "a/b/c@@", "collection_name": "notes"}),
                "analyze_website" => json!({"base_url": "none"}),
                other => panic!("{other} is new: say what it takes"),
            };
            let result = call(&server, &token, tool, arguments).await;
            let text = result["content"][0]["text"].as_str().unwrap();
            let is_refused = text.starts_with("this takes the scope");
            assert_eq!(
                is_refused,
                !listed.contains(tool),
                "{scopes:?} {tool}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_of_some_collections_knows_no_others() {
    let server = guarded().await;
    let own = fill(&server.memory, "own").await;
    let other = fill(&server.memory, "other").await;
    let scopes = [Scope::Read, Scope::Ingest, Scope::Admin];
    let token = token(&server.memory, &scopes, &["own", "later"]).await;

    let found = call(
        &server,
        &token,
        "search_documents",
        json!({"query": "plums"}),
    )
    .await;
    let found = found["structuredContent"]["results"].clone();
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["collection_name"], "own");
    let listed = call(&server, &token, "list_collections", json!({})).await;
    let listed = listed["structuredContent"]["collections"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let documents = call(&server, &token, "list_documents", json!({})).await;
    assert_eq!(documents["structuredContent"]["total_count"], 1);
    let read = call(
        &server,
        &token,
        "get_document_by_id",
        json!({"document_id": own}),
    )
    .await;
    assert!(read["isError"] != true, "{read}");

    for (tool, arguments, part) in [
        (
            "get_document_by_id",
            json!({"document_id": other}),
            "does not exist",
        ),
        ("fetch", json!({"id": other}), "does not exist"),
        (
            "update_document",
            json!({"document_id": other, "title": "T"}),
            "does not exist",
        ),
        (
            "delete_document",
            json!({"document_id": other}),
            "does not exist",
        ),
        (
            "search_documents",
            json!({"query": "p", "collection_name": "other"}),
            "may not use",
        ),
        (
            "search_documents",
            json!({"query": "p", "collection_name": "none"}),
            "may not use",
        ),
        (
            "delete_collection",
            json!({"name": "other", "confirm": true}),
            "may not use",
        ),
        (
            "create_collection",
            json!({"name": "more", "description": "d"}),
            "may not use",
        ),
        ("list_jobs", json!({}), "`collection_name` is missing"),
        (
            "ingest_text",
            json!({"content": "x", "collection_name": "other"}),
            "may not use",
        ),
    ] {
        let refused = call(&server, &token, tool, arguments.clone()).await;
        assert_eq!(refused["isError"], true, "{tool} {arguments}: {refused}");
        let text = refused["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(part), "{tool} {arguments}: {text}");
    }
    let made = json!({"name": "later", "description": "d"});
    let made = call(&server, &token, "create_collection", made).await;
    assert!(made["isError"] != true, "{made}");
    // It is not one for the whole memory, whatever its scopes.
    for path in ["/api/v1/tokens", "/api/v1/status"] {
        assert_eq!(
            asked(&server, "GET", path, Some(&token), "").await.status,
            403
        );
    }
}

#[tokio::test]
async fn a_session_is_its_openers_alone() {
    let server = guarded().await;
    let own = token(&server.memory, &[Scope::Read], &[]).await;
    let other = token(&server.memory, &[Scope::Admin], &[]).await;
    let header = format!("Authorization: Bearer {own}");
    let mut session = Session::open(server.address, &[&header]).await;
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2024-11-05", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    });
    let initialize = initialize.to_string();
    let stolen = asked(
        &server,
        "POST",
        &session.endpoint,
        Some(&other),
        &initialize,
    )
    .await;
    assert_eq!(stolen.status, 404);
    assert_eq!(session.post(&initialize).await.status, 202);
    assert_eq!(session.message().await.unwrap()["id"], 1);
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    session.post(&ready.to_string()).await;
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    session.post(&list.to_string()).await;
    let listed = session.message().await.unwrap().to_string();
    assert!(listed.contains("search_documents") && !listed.contains("ingest_text"));
}

#[tokio::test]
async fn a_caller_who_sends_too_many_is_told_to_wait() {
    let server = Server::guarded(|memory| AppOptions {
        auth: Auth::required(memory.clone(), None),
        limits: LimitOptions {
            rate_limit: Some(30),
            ..LimitOptions::default()
        },
        ..AppOptions::default()
    })
    .await;
    let eager = token(&server.memory, &[Scope::Read], &[]).await;
    let path = "/api/v1/collections";
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(asked(&server, "GET", path, Some(&eager), "").await);
    }
    let refused: Vec<&Reply> = statuses
        .iter()
        .filter(|reply| reply.status == 429)
        .collect();
    assert!(
        statuses[0].status == 200 && !refused.is_empty(),
        "{statuses:?}"
    );
    let wait: u64 = refused[0].header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    let calm = token(&server.memory, &[Scope::Ingest], &[]).await;
    assert_eq!(
        asked(&server, "GET", path, Some(&calm), "").await.status,
        200
    );
}

#[tokio::test]
async fn what_a_proxy_passes_on_is_refused_where_nobody_is_asked() {
    let path = "/api/v1/collections";
    for (auth, header, expected) in [
        (Auth::local as fn() -> Auth, "Accept: */*", 200),
        (Auth::local, "X-Forwarded-For: 192.0.2.7", 403),
        (Auth::local, "Forwarded: for=192.0.2.7", 403),
        (Auth::local, "X-Real-IP: 192.0.2.7", 403),
        // Whoever says that it is off means everybody.
        (Auth::off, "X-Forwarded-For: 192.0.2.7", 200),
    ] {
        let server = Server::guarded(|_| AppOptions {
            auth: auth(),
            ..AppOptions::default()
        })
        .await;
        let reply = send(server.address, &request("GET", path, &[header], "")).await;
        assert_eq!(reply.status, expected, "{header}: {reply:?}");
        if expected == 403 {
            let hint = reply.json()["hint"].to_string();
            assert!(hint.contains("RAG_AUTH=required"), "{hint}");
        }
    }
}
