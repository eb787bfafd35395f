//! Web pages of other origins: those of an allowed one may call the server and
//! read its answers, with a token as everybody else; all others may do neither.

use rag::http::{Allowed, AppOptions, Auth};
use rag_memory::Scope;

use super::auth::token;
use super::client::{Reply, Server, request, send};

/// Whose pages may call.
const ALLOWED: &str = "https://app.example.org";

/// Whose may not, some of them by a hair.
const OTHERS: [&str; 6] = [
    "https://evil.example",
    "http://app.example.org",
    "https://app.example.org:8443",
    "https://app.example.org.evil.example",
    "https://evil.example/https://app.example.org",
    "null",
];

/// A server that wants tokens and lets pages of [`ALLOWED`] call.
async fn server() -> Server {
    Server::guarded(|memory| AppOptions {
        allowed: Allowed {
            origins: vec![ALLOWED.to_owned()],
            ..Allowed::default()
        },
        auth: Auth::required(memory.clone(), None),
        ..AppOptions::default()
    })
    .await
}

/// What a browser asks before it sends a page's request.
async fn preflight(server: &Server, path: &str, origin: &str) -> Reply {
    let origin = format!("Origin: {origin}");
    let headers = [
        origin.as_str(),
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization, content-type",
    ];
    send(server.address, &request("OPTIONS", path, &headers, "")).await
}

/// A list in a header.
fn list<'reply>(reply: &'reply Reply, header: &str) -> Vec<&'reply str> {
    let value = reply.header(header);
    value
        .unwrap_or_else(|| panic!("no {header}: {reply:?}"))
        .split(", ")
        .collect()
}

#[tokio::test]
async fn a_browser_learns_without_a_token_what_an_allowed_page_may_send() {
    let server = server().await;
    for path in [
        "/mcp",
        "/sse",
        "/messages?session_id=1",
        "/api/v1/search",
        "/api/v1/collections/notes",
        "/metrics",
        "/none",
    ] {
        let reply = preflight(&server, path, ALLOWED).await;
        assert_eq!((reply.status, reply.body.as_str()), (204, ""), "{reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), Some(ALLOWED));
        for (header, parts) in [
            (
                "access-control-allow-methods",
                &["get", "post", "patch", "delete"][..],
            ),
            (
                "access-control-allow-headers",
                &[
                    "authorization",
                    "content-type",
                    "idempotency-key",
                    "last-event-id",
                    "mcp-protocol-version",
                    "mcp-session-id",
                ],
            ),
            ("vary", &["origin"]),
        ] {
            let listed = list(&reply, header);
            for part in parts {
                assert!(listed.contains(part), "{path} {header}: {listed:?}");
            }
        }
        let remembered = reply.header("access-control-max-age").unwrap();
        assert!(remembered.parse::<u32>().unwrap() > 0, "{remembered}");
        // Tokens are headers that a page sends itself; no cookie counts.
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn a_browser_learns_that_other_pages_may_send_nothing() {
    let server = server().await;
    for origin in OTHERS {
        for path in ["/mcp", "/sse", "/api/v1/search"] {
            let reply = preflight(&server, path, origin).await;
            assert_eq!(reply.status, 403, "{path} {origin}");
            assert_eq!(reply.json()["kind"], "forbidden");
            assert_eq!(reply.header("access-control-allow-origin"), None);
            assert_eq!(reply.header("access-control-allow-methods"), None);
        }
    }
}

#[tokio::test]
async fn answers_are_for_pages_of_an_allowed_origin_alone() {
    let server = server().await;
    let token = token(&server.memory, &[Scope::Read], &[]).await;
    let bearer = format!("Authorization: Bearer {token}");
    let path = "/api/v1/collections";
    // The server's own pages are told the same, by the name they know it by.
    for origin in [ALLOWED, "http://localhost"] {
        let from = format!("Origin: {origin}");
        for (headers, status) in [
            (&[from.as_str(), bearer.as_str()][..], 200),
            // Why it was refused is for the page to read as well.
            (&[from.as_str()], 401),
        ] {
            let reply = send(server.address, &request("GET", path, headers, "")).await;
            assert_eq!(reply.status, status, "{origin}: {reply:?}");
            assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
            assert!(list(&reply, "vary").contains(&"origin"), "{reply:?}");
            let readable = list(&reply, "access-control-expose-headers");
            for part in ["mcp-session-id", "www-authenticate", "x-request-id"] {
                assert!(readable.contains(&part), "{readable:?}");
            }
        }
    }
    let reply = send(server.address, &request("GET", path, &[&bearer], "")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), None);
    for origin in OTHERS {
        let headers = [format!("Origin: {origin}"), bearer.clone()];
        let headers = headers.each_ref().map(String::as_str);
        let reply = send(server.address, &request("GET", path, &headers, "")).await;
        assert_eq!(reply.status, 403, "{origin}: {reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn what_is_no_preflight_needs_a_token() {
    let server = server().await;
    let from = format!("Origin: {ALLOWED}");
    let reply = send(server.address, &request("OPTIONS", "/mcp", &[&from], "")).await;
    assert_eq!(reply.status, 401, "{reply:?}");
}
