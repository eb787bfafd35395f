//! The server as an OAuth 2.1 resource server.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rag::http::{AppOptions, Auth, Oauth, OauthOptions};
use rag_memory::Scope;
use serde_json::{Value, json};
use url::Url;

use super::auth::{asked, fill};
use super::client::Server;
use super::issuer::{Issuer, Key};

const AUDIENCE: &str = "https://rag.example.org/mcp";
const OF_SSE: &str = "https://rag.example.org/sse";
const PATH: &str = "/api/v1/collections";

async fn server(issuer: &Issuer, users: &[&str]) -> Server {
    let options = OauthOptions {
        issuer: issuer.url.clone(),
        audiences: vec![AUDIENCE.to_owned(), OF_SSE.to_owned()],
        scopes: vec![Scope::Read],
        users: users.iter().map(|&user| user.to_owned()).collect(),
        public_url: Url::parse("https://rag.example.org").unwrap(),
    };
    let oauth = Oauth::new(options).unwrap();
    Server::guarded(|memory| AppOptions {
        auth: Auth::required(memory.clone(), Some(oauth)),
        ..AppOptions::default()
    })
    .await
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// What a good token of `issuer` says, with `changes`.
fn claims(issuer: &Issuer, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": issuer.url, "aud": AUDIENCE, "sub": "user-1",
        "iat": now(), "exp": now() + 300,
    });
    for (name, value) in changes.as_object().unwrap() {
        match value.is_null() {
            true => drop(claims.as_object_mut().unwrap().remove(name)),
            false => claims[name] = value.clone(),
        }
    }
    claims
}

async fn status(server: &Server, token: &str) -> u16 {
    asked(server, "GET", PATH, Some(token), "").await.status
}

#[tokio::test]
async fn clients_are_told_where_to_get_a_token() {
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let server = server(&issuer, &[]).await;
    // A client takes the metadata only if their resource is what it connects to.
    for (method, path, resource) in [
        ("POST", "/mcp", AUDIENCE),
        ("GET", "/sse", OF_SSE),
        ("POST", "/messages", OF_SSE),
        ("GET", PATH, AUDIENCE),
    ] {
        let reply = asked(&server, method, path, None, "").await;
        assert_eq!(reply.status, 401);
        let challenge = reply.header("www-authenticate").unwrap();
        let (_, rest) = challenge.split_once("resource_metadata=\"").unwrap();
        let address = Url::parse(rest.trim_end_matches('"')).unwrap();
        let metadata = asked(&server, "GET", address.path(), None, "").await.json();
        assert_eq!(metadata["resource"], resource, "{path}");
        assert_eq!(metadata["authorization_servers"], json!([issuer.url]));
        assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
    }
    let root = "/.well-known/oauth-protected-resource";
    let metadata = asked(&server, "GET", root, None, "").await.json();
    assert_eq!(metadata["resource"], AUDIENCE);
}

#[tokio::test]
async fn tokens_of_the_issuer_are_taken_whatever_they_are_signed_by() {
    let keys = [Key::ed("ed"), Key::ec("ec"), Key::rsa("rsa")];
    let issuer = Issuer::start(&keys.each_ref()).await;
    let server = server(&issuer, &[]).await;
    fill(&server.memory, "notes").await;
    let good = claims(&issuer, &json!({}));
    for (key, algorithm) in [(0, "EdDSA"), (1, "ES256"), (2, "RS256"), (2, "PS256")] {
        let token = keys[key].sign(algorithm, &good);
        assert_eq!(status(&server, &token).await, 200, "{algorithm}");
    }
    assert_eq!(issuer.asked(), 1);
    // It names no scope of ours, so it may do what the operator said: read.
    let token = keys[0].sign("EdDSA", &good);
    let path = "/api/v1/collections/notes/documents";
    let refused = asked(&server, "POST", path, Some(&token), r#"{"content": "x"}"#).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    let more = claims(&issuer, &json!({"scope": "openid ingest"}));
    let token = keys[0].sign("EdDSA", &more);
    let taken = asked(&server, "POST", path, Some(&token), r#"{"content": "x"}"#).await;
    assert_eq!(taken.status, 201, "{taken:?}");
    assert_eq!(
        asked(&server, "GET", "/api/v1/documents", Some(&token), "")
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn a_token_that_is_not_all_it_must_be_is_none() {
    let key = Key::ed("a");
    let other = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let server = server(&issuer, &[]).await;
    for (changes, part) in [
        (json!({"exp": now() - 60}), "expired"),
        (json!({"exp": null}), "exp"),
        (json!({"nbf": now() + 600}), "not"),
        (json!({"aud": "https://other.example.org/mcp"}), "audience"),
        (json!({"aud": null}), "aud"),
        (json!({"iss": "https://evil.example.org"}), "issuer"),
        (json!({"iss": null}), "iss"),
        (json!({"sub": null}), "sub"),
    ] {
        let token = key.sign("EdDSA", &claims(&issuer, &changes));
        let reply = asked(&server, "GET", PATH, Some(&token), "").await;
        assert_eq!(reply.status, 401, "{changes}");
        let detail = reply.json()["detail"].as_str().unwrap().to_lowercase();
        assert!(detail.contains(part), "{changes}: {detail}");
    }
    let good = claims(&issuer, &json!({}));
    let many = json!({"aud": ["x", AUDIENCE]});
    assert_eq!(
        status(&server, &key.sign("EdDSA", &claims(&issuer, &many))).await,
        200
    );
    let token = key.sign("EdDSA", &good);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (header, body) = head.split_once('.').unwrap();
    let none = key.sign_as(&json!({"alg": "none", "kid": "a"}), &good);
    let (unsigned, _) = none.rsplit_once('.').unwrap();
    for (what, token) in [
        ("another's signature", other.sign("EdDSA", &good)),
        ("no signature", format!("{head}.")),
        ("another's claims", {
            let more = claims(&issuer, &json!({"scope": "admin"}));
            let forged = other.sign("EdDSA", &more);
            let body = forged.split('.').nth(1).unwrap();
            format!("{header}.{body}.{signature}")
        }),
        ("no algorithm", format!("{unsigned}.")),
        (
            "a secret one",
            key.sign_as(&json!({"alg": "HS256", "kid": "a"}), &good),
        ),
        (
            "one of another family",
            key.sign_as(&json!({"alg": "RS256", "kid": "a"}), &good),
        ),
        (
            "a critical header",
            key.sign_as(
                &json!({"alg": "EdDSA", "kid": "a", "crit": ["x"], "x": 1}),
                &good,
            ),
        ),
        ("too few parts", format!("{header}.{body}")),
        ("too many", format!("{token}.x")),
        ("too long", format!("{}{token}", "x".repeat(20_000))),
    ] {
        assert_eq!(status(&server, &token).await, 401, "{what}");
    }
    assert_eq!(status(&server, &token).await, 200);
}

#[tokio::test]
async fn only_those_who_are_named_are_let_in() {
    let key = Key::ec("a");
    let issuer = Issuer::start(&[&key]).await;
    let server = server(&issuer, &["user-1", "me@example.org"]).await;
    for (changes, expected) in [
        (json!({}), 200),
        (json!({"sub": "user-2"}), 403),
        (json!({"sub": "user-2", "email": "me@example.org"}), 403),
        (
            json!({"sub": "user-2", "email": "me@example.org", "email_verified": true}),
            200,
        ),
    ] {
        let token = key.sign("ES256", &claims(&issuer, &changes));
        assert_eq!(status(&server, &token).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn keys_that_are_new_are_asked_for_and_old_ones_outlive_an_outage() {
    let (old, new) = (Key::ed("old"), Key::ed("new"));
    let issuer = Issuer::start(&[&old]).await;
    issuer.be_down(true);
    let server = server(&issuer, &[]).await;
    let good = claims(&issuer, &json!({}));
    let unreachable = asked(&server, "GET", PATH, Some(&old.sign("EdDSA", &good)), "").await;
    assert_eq!(unreachable.status, 503, "{unreachable:?}");
    assert!(unreachable.header("retry-after").is_some());

    issuer.be_down(false);
    let server = self::server(&issuer, &[]).await;
    assert_eq!(status(&server, &old.sign("EdDSA", &good)).await, 200);
    issuer.publish(&[&old, &new]);
    // Whoever makes up ids does not have the issuer asked each time.
    let asked = issuer.asked();
    for id in ["x", "y", "z"] {
        let made_up = new.sign_as(&json!({"alg": "EdDSA", "kid": id}), &good);
        let refused = status(&server, &made_up).await;
        assert!([401, 503].contains(&refused), "{refused}");
    }
    assert!(issuer.asked() <= asked + 1, "{} of {asked}", issuer.asked());
    // A new key is told to come again until it is known, and no token is lost.
    let began = Instant::now();
    let token = new.sign("EdDSA", &good);
    loop {
        match status(&server, &token).await {
            200 => break,
            status => assert_eq!(status, 503),
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it is never taken"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    issuer.be_down(true);
    assert_eq!(status(&server, &old.sign("EdDSA", &good)).await, 200);
}
