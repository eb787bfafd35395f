//! What a token may do over the API: what the description of it says, and no more.

use rag_memory::Scope;

use super::auth::{asked, guarded, token};

/// An operation as it is described.
struct Described {
    method: String,
    /// With something made up for each of its parameters.
    path: String,
    /// One of these is enough.
    scopes: Vec<Scope>,
}

fn described() -> Vec<Described> {
    let told = rag::http::openapi();
    let mut all = Vec::new();
    for (path, methods) in told["paths"].as_object().unwrap() {
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => "none",
            false => part,
        });
        let parts: Vec<&str> = parts.collect();
        for (method, operation) in methods.as_object().unwrap() {
            let text = operation["description"].as_str().unwrap();
            let named = |scope: &Scope| text.contains(&format!("`{scope}`"));
            all.push(Described {
                method: method.to_uppercase(),
                path: parts.join("/"),
                scopes: Scope::ALL.into_iter().filter(named).collect(),
            });
        }
    }
    all
}

#[tokio::test]
async fn a_token_may_do_what_takes_its_scope() {
    let server = guarded().await;
    let mut tokens = Vec::new();
    for scope in Scope::ALL {
        tokens.push((scope, token(&server.memory, &[scope], &[]).await));
    }
    for Described {
        method,
        path,
        scopes,
    } in described()
    {
        assert!(!scopes.is_empty(), "{method} {path} takes no scope");
        let body = match method.as_str() {
            "POST" | "PATCH" => "{}",
            _ => "",
        };
        let stranger = asked(&server, &method, &path, None, body).await;
        assert_eq!(stranger.status, 401, "{method} {path}: {stranger:?}");
        for (scope, token) in &tokens {
            let reply = asked(&server, &method, &path, Some(token), body).await;
            // What becomes of a request that is let in is no matter here.
            let is_let_in = reply.status != 403;
            let may = *scope == Scope::Admin || scopes.contains(scope);
            assert_eq!(is_let_in, may, "{method} {path} by {scope}: {reply:?}");
            assert_ne!(reply.status, 401, "{method} {path} by {scope}");
        }
    }
}
