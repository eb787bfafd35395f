//! What every request goes through, and where the server listens.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rag::http::{self, AppOptions, BindError, Health};
use rag_mcp::transport::Options;
use tokio_util::sync::CancellationToken;

use super::client::{Server, request, send, serve};

#[tokio::test]
async fn only_known_hosts_and_origins_are_let_in() {
    let server = Server::start(Options::default()).await;
    let cases: [(&[&str], u16); 6] = [
        (&["Host: localhost:1234"], 405),
        (&["Host: rebound.example"], 403),
        (
            &["Host: rebound.example", "Origin: http://rebound.example"],
            403,
        ),
        (&["Origin: http://localhost:5173"], 405),
        (&["Origin: https://evil.example"], 403),
        (&["Origin: null"], 403),
    ];
    for path in ["/mcp", "/messages"] {
        for (headers, status) in cases {
            let reply = send(server.address, &request("GET", path, headers, "")).await;
            assert_eq!(reply.status, status, "{path} {headers:?}");
        }
    }
    let sse = request("GET", "/sse", &["Host: rebound.example"], "");
    let reply = send(server.address, &sse).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json()["kind"], "forbidden");
    let media_type = reply.header("content-type");
    assert_eq!(media_type, Some("application/problem+json"));
    // Those who probe the state of the server use its address.
    let probe = request("GET", "/health", &["Host: 172.19.0.2:8000"], "");
    assert_eq!(send(server.address, &probe).await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let server = Server::start(Options::default()).await;
    let cases = [
        ("GET", "/none", 404),
        ("POST", "/health", 405),
        ("POST", "/metrics", 405),
        ("DELETE", "/sse", 405),
    ];
    for (method, path, status) in cases {
        let reply = send(server.address, &request(method, path, &[], "")).await;
        assert_eq!(reply.status, status, "{method} {path}");
        let media_type = reply.header("content-type");
        assert_eq!(media_type, Some("application/problem+json"), "{path}");
        assert!(reply.json()["detail"].is_string(), "{reply:?}");
        assert_eq!(reply.json()["status"], status);
    }
}

#[tokio::test]
async fn health_says_whether_the_store_can_be_used() {
    let server = Server::start(Options::default()).await;
    let reply = send(server.address, &request("GET", "/health", &[], "")).await;
    let body = reply.json();
    assert_eq!((reply.status, &body["status"]), (200, &"ok".into()));
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        body["uptime_s"].is_u64() && body["store"]["reachable"] == true,
        "{body}"
    );

    let check = Arc::new(|| Box::pin(async { Err("the disk is gone".to_owned()) }) as _);
    let app = http::app(Router::new(), Health::new(check), AppOptions::default());
    let (address, _running) = serve(app, CancellationToken::new()).await;
    let reply = send(address, &request("GET", "/health", &[], "")).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["store"]["error"], "the disk is gone");
}

#[tokio::test]
async fn a_panic_costs_only_its_own_request() {
    async fn fail() -> &'static str {
        panic!("meant to be")
    }
    let more = Router::new().route("/fail", get(fail));
    let server = Server::with_routes(Options::default(), more).await;
    let reply = send(server.address, &request("GET", "/fail", &[], "")).await;
    assert_eq!(reply.status, 500);
    assert!(!reply.body.contains("meant to be"), "{}", reply.body);
    assert_eq!(
        send(server.address, &request("GET", "/health", &[], ""))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn it_is_known_whether_others_can_reach_an_address() {
    for (host, is_public) in [
        ("0.0.0.0", true),
        ("::", true),
        ("[::]", true),
        ("localhost", false),
        ("127.0.0.1", false),
        ("127.1.2.3", false),
    ] {
        let bound = http::bind(host, 0).await.unwrap();
        assert_eq!(bound.is_public, is_public, "{host}");
    }
    let elsewhere = http::bind("192.0.2.1", 0).await.unwrap_err();
    assert!(
        matches!(elsewhere, BindError::NotOurs { .. }),
        "{elsewhere}"
    );

    let taken = http::bind("127.0.0.1", 0).await.unwrap().listener;
    let port = taken.local_addr().unwrap().port();
    let refused = http::bind("127.0.0.1", port).await.unwrap_err();
    assert!(matches!(refused, BindError::InUse { .. }), "{refused}");
    let refused = http::bind("no host", 0).await.unwrap_err();
    assert!(matches!(refused, BindError::NoSuchHost { .. }), "{refused}");
}
