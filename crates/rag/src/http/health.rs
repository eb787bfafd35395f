//! `/health`: whether the server can do its work. `/ready`: whether it would like more of it.

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
use tokio::{sync::Mutex, time::timeout};

use super::limits::Limits;

/// Asks the store whether it can be used; the error says why not.
pub type StoreCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How long the store may take to answer: less than those who probe wait.
const CHECK_MAX: Duration = Duration::from_secs(4);

/// How long an answer of the store is good for.
const ASKED_MAX: Duration = Duration::from_secs(1);

/// What `/health` reports on.
pub struct Health {
    started: Instant,
    store: StoreCheck,
    asked: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Health {
    /// Health of a server that starts now and keeps its memory behind `store`.
    pub fn new(store: StoreCheck) -> Self {
        Self {
            started: Instant::now(),
            store,
            asked: Mutex::default(),
        }
    }

    /// Whether the store answers. It is asked once a second at the most, however
    /// many want to know: this is open to everybody.
    async fn store(&self) -> Result<(), String> {
        let mut asked = self.asked.lock().await;
        if let Some((at, answer)) = &*asked
            && at.elapsed() < ASKED_MAX
        {
            return answer.clone();
        }
        let answer = match timeout(CHECK_MAX, (self.store)()).await {
            Ok(answer) => answer,
            Err(_) => Err(format!(
                "the store did not answer within {} s",
                CHECK_MAX.as_secs()
            )),
        };
        *asked = Some((Instant::now(), answer.clone()));
        answer
    }
}

/// `GET /ready`: 200 when the store answers and there is room for another
/// request, 503 with the reason when not.
pub(super) async fn ready(State((health, limits)): State<(Arc<Health>, Arc<Limits>)>) -> Response {
    let reason = match health.store().await {
        Err(reason) => Some(reason),
        Ok(()) if !limits.has_room() => Some("there are as many requests as it likes".to_owned()),
        Ok(()) => None,
    };
    let status = match reason {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = Json(json!({ "ready": reason.is_none(), "reason": reason }));
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// `GET /health`: 200 when the store answers, 503 with the reason when not.
pub(super) async fn report(State(health): State<Arc<Health>>) -> Response {
    let store = health.store().await;
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
