//! HTTP: what surrounds the routes of every surface.
//!
//! [`bind`] decides where to listen, [`app`] puts the routes together and
//! wraps them, [`serve`] runs them until told to stop. What a route does is
//! left to its surface.
//!
//! A request passes, from the outside in: `follow` (its id, its log),
//! `panic`, `guard` (`Host` and `Origin`), `auth` (who asks), `limits`
//! (how much at once), and then its route.

mod api;
mod auth;
mod bind;
mod body;
mod cross_origin;
mod files;
mod follow;
mod guard;
mod health;
mod idle;
mod limits;
mod metrics;
mod oauth;
mod outgoing;
mod panic;
mod peers;
mod problem;
mod serve;
mod wellknown;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};

pub use api::{ApiOptions, api, openapi};
pub use auth::Auth;
pub use bind::{BindError, Bound, bind};
pub use guard::Allowed;
pub use health::{Health, StoreCheck};
pub use idle::{Activity, until_idle};
pub use limits::LimitOptions;
pub use metrics::{recorder, upkeep};
pub use oauth::{Oauth, OauthOptions, resources};
pub use outgoing::client;
pub use serve::serve;

use limits::Limits;
use problem::Problem;

/// What [`app`] needs to know.
pub struct AppOptions {
    /// Which `Host` and `Origin` are let in.
    pub allowed: Allowed,
    /// Who is let in.
    pub auth: Auth,
    /// How much is taken on.
    pub limits: LimitOptions,
    /// Where requests are noted.
    pub activity: Activity,
    /// The largest request body a route reads unless it has its own limit, in bytes.
    pub body_bytes_max: usize,
}

impl Default for AppOptions {
    /// A server for this machine alone, where nobody is asked who they are.
    fn default() -> Self {
        Self {
            allowed: Allowed::default(),
            auth: Auth::local(),
            limits: LimitOptions::default(),
            activity: Activity::default(),
            body_bytes_max: 24 * 1024 * 1024,
        }
    }
}

/// The routes of the surfaces with those of the server itself, and what every
/// request gets: an id and a line in the log, problem details for what goes
/// wrong, and a panic that costs only its own request.
///
/// The routes of the surfaces are behind authentication and limits, as is
/// `/metrics`; `/.well-known` is open to whom `Host` and `Origin` let in;
/// `/health` and `/ready` to everybody, since those who probe use addresses.
pub fn app(routes: Router, health: Health, options: AppOptions) -> Router {
    let allowed = Arc::new(options.allowed);
    let auth = Arc::new(options.auth);
    let limits = Limits::new(options.limits, options.body_bytes_max, options.activity);
    let limits = Arc::new(limits);
    let health = Arc::new(health);
    // Whoever only looks takes no turn, and keeps nobody awake.
    let metrics = Router::new()
        .route("/metrics", get(metrics::report).with_state(limits.clone()))
        .method_not_allowed_fallback(method_not_allowed);
    let known = routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(options.body_bytes_max))
        .layer(middleware::from_fn_with_state(limits.clone(), limits::keep))
        .merge(metrics)
        .layer(middleware::from_fn_with_state(auth.clone(), auth::check));
    let open = wellknown::routes(auth).method_not_allowed_fallback(method_not_allowed);
    let probes = Router::new()
        .route("/health", get(health::report).with_state(health.clone()))
        .route("/ready", get(health::ready).with_state((health, limits)))
        .method_not_allowed_fallback(method_not_allowed);
    known
        .merge(open)
        .layer(middleware::from_fn(cross_origin::answer))
        .layer(middleware::from_fn_with_state(allowed, guard::check))
        .merge(probes)
        .layer(middleware::from_fn(panic::contain))
        .layer(middleware::from_fn(follow::follow))
}

async fn not_found() -> Response {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this path",
    )
    .hint("MCP is at /mcp and /sse, the API at /api/v1 and described at /api/openapi.json")
    .into_response()
}

async fn method_not_allowed() -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take this method",
    )
    .into_response()
}
