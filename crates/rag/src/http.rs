//! HTTP: what surrounds the routes of every surface.
//!
//! [`bind`] decides where to listen, [`app`] puts the routes together and
//! wraps them, [`serve`] runs them until told to stop. What a route does is
//! left to its surface.

mod bind;
mod error;
mod guard;
mod health;
mod panic;
mod serve;

use std::sync::Arc;

use axum::{
    Router, extract::DefaultBodyLimit, http::StatusCode, middleware, response::Response,
    routing::get,
};

pub use bind::{BindError, bind};
pub use guard::Allowed;
pub use health::{Health, StoreCheck};
pub use serve::serve;

/// What [`app`] needs to know.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// Which `Host` and `Origin` are let in.
    pub allowed: Allowed,
    /// The largest request body a route reads unless it has its own limit, in bytes.
    pub body_bytes_max: usize,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            allowed: Allowed::default(),
            body_bytes_max: 24 * 1024 * 1024,
        }
    }
}

/// The routes of the surfaces and `/health`, with what every request gets: the
/// check of `Host` and `Origin`, a body limit, JSON for 404 and 405, and a
/// panic that costs only its own request.
///
/// `/health` is outside the check of `Host`: those who probe it use addresses.
pub fn app(routes: Router, health: Health, options: &AppOptions) -> Router {
    let allowed = Arc::new(options.allowed.clone());
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(options.body_bytes_max))
        .layer(middleware::from_fn_with_state(allowed, guard::check))
        .merge(
            Router::new()
                .route("/health", get(health::report).with_state(Arc::new(health)))
                .method_not_allowed_fallback(method_not_allowed),
        )
        .layer(middleware::from_fn(panic::contain))
}

async fn not_found() -> Response {
    error::respond(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this path",
    )
}

async fn method_not_allowed() -> Response {
    error::respond(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take this method",
    )
}
