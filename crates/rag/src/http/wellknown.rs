//! What the server says about itself to clients that have no token yet:
//! `/.well-known/oauth-protected-resource`
//! ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)), with and without the path
//! of an MCP endpoint.

use std::sync::Arc;

use axum::http::{StatusCode, Uri};
use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};

use super::auth::Auth;
use super::problem::Problem;

/// The path of the metadata.
pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The routes, which need no token.
pub(super) fn routes(auth: Arc<Auth>) -> Router {
    Router::new()
        .route(RESOURCE, get(resource))
        .route(
            "/.well-known/oauth-protected-resource/{*path}",
            get(resource),
        )
        .with_state(auth)
}

async fn resource(State(auth): State<Arc<Auth>>, uri: Uri) -> Response {
    match auth.oauth() {
        Some(oauth) => Json(oauth.metadata(uri.path())).into_response(),
        None => Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "this server takes no tokens of an authorization server",
        )
        .hint("it takes those that `rag token create` makes")
        .into_response(),
    }
}
