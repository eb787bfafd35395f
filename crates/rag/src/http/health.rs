//! `/health`: whether the server can do its work.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::timeout;

/// Asks the store whether it can be used; the error says why not.
pub type StoreCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How long the store may take to answer.
const CHECK_MAX: Duration = Duration::from_secs(5);

/// What `/health` reports on.
pub struct Health {
    started: Instant,
    store: StoreCheck,
}

impl Health {
    /// Health of a server that starts now and keeps its memory behind `store`.
    pub fn new(store: StoreCheck) -> Self {
        Self {
            started: Instant::now(),
            store,
        }
    }
}

/// `GET /health`: 200 when the store answers, 503 with the reason when not.
pub(super) async fn report(State(health): State<Arc<Health>>) -> Response {
    let store = match timeout(CHECK_MAX, (health.store)()).await {
        Ok(result) => result,
        Err(_) => Err(format!(
            "the store did not answer within {} s",
            CHECK_MAX.as_secs()
        )),
    };
    let (status, word) = match store {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let body = Json(json!({
        "status": word,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": health.started.elapsed().as_secs(),
        "store": { "reachable": store.is_ok(), "error": store.err() },
    }));
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}
