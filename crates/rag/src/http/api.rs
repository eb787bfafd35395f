//! The API at `/api/v1`: every operation of the memory as JSON over HTTP, for
//! webhook tools and scripts, and its description at `/api/openapi.json`.
//!
//! The table in `operations` says which there are; routes and description are
//! both made from it. A route puts together what an operation takes from the
//! path, the query and the body, checks it as MCP does, and gives what it gives.

mod cursor;
mod events;
mod idempotency;
mod input;
mod openapi;
mod operation;
mod operations;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, FromRequest, RawPathParams, Request, State,
        rejection::{BytesRejection, RawPathParamsRejection},
    },
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, on},
};
use rag_mcp::ToolSet;
use rag_memory::api::Object;
use rag_memory::{Access, Memory, Patience, Watch};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::auth;
use super::limits::Turn;
use super::problem::Problem;
use operation::{Answer, Operation, Success};

/// The largest body of an operation that takes no document, in bytes.
const SMALL_BYTES_MAX: usize = 1 << 20;

/// What the API is mounted over.
#[derive(Clone)]
pub struct ApiOptions {
    /// The operations' memory; each request uses it as its caller may.
    pub memory: Memory,
    /// Which tools the server offers: the API has the same operations.
    pub tools: ToolSet,
    /// What others call the server, for the description; where they asked for it
    /// if nobody says.
    pub public_url: Option<String>,
    /// How many may listen to the events of jobs at once.
    pub listeners_max: usize,
    /// Ends those.
    pub shutdown: CancellationToken,
}

/// What every route has at hand.
struct Api {
    memory: Memory,
    listeners: Arc<Semaphore>,
    shutdown: CancellationToken,
}

/// One route.
#[derive(Clone)]
struct Route {
    api: Arc<Api>,
    operation: Arc<Operation>,
}

/// The routes `/api/v1/…` and `/api/openapi.json`. Each request must carry the
/// [`Access`] of its caller as an extension.
pub fn api(options: ApiOptions) -> Router {
    let api = Arc::new(Api {
        memory: options.memory,
        listeners: Arc::new(Semaphore::new(options.listeners_max)),
        shutdown: options.shutdown,
    });
    let operations = operations::offered(&options.tools);
    let described = openapi::describe(&operations, options.public_url.as_deref());
    let described: Arc<serde_json::Value> = Arc::new(described);
    let mut router = Router::new().route(
        "/api/openapi.json",
        get(openapi::document).with_state(described),
    );
    if options.tools.offers(events::TOOL) {
        let listening = get(events::listen).with_state(api.clone());
        router = router.route(&address(events::PATH), listening);
    }
    for operation in operations {
        let path = address(operation.path);
        let route = Route {
            api: api.clone(),
            operation: Arc::new(operation),
        };
        router = router.route(&path, method_of(route));
    }
    router
}

/// The description of the API, in OpenAPI 3.1.
pub fn openapi() -> serde_json::Value {
    openapi::describe(&operations::offered(&ToolSet::All), None)
}

fn address(path: &str) -> String {
    format!("/api/v1{path}")
}

fn method_of(route: Route) -> MethodRouter {
    let method = match route.operation.method {
        Method::POST => axum::routing::MethodFilter::POST,
        Method::PATCH => axum::routing::MethodFilter::PATCH,
        Method::DELETE => axum::routing::MethodFilter::DELETE,
        _ => axum::routing::MethodFilter::GET,
    };
    let is_large = route.operation.is_large;
    let answering = on(method, answer).with_state(route);
    match is_large {
        true => answering,
        false => answering.layer(DefaultBodyLimit::max(SMALL_BYTES_MAX)),
    }
}

async fn answer(
    State(route): State<Route>,
    Extension(access): Extension<Access>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    // Before anything of the request is read.
    if let Err(error) = access.require(route.operation.scopes) {
        return auth::insufficient(Problem::from(&error).into_response());
    }
    let Ok(path) = path else {
        return operation::invalid("the path is not UTF-8").into_response();
    };
    let memory = route.api.memory.with_access(access);
    let path: Vec<(String, String)> = path
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let outcome = carry_out(&route.operation, memory, &path, request).await;
    outcome.map_or_else(IntoResponse::into_response, respond)
}

async fn carry_out(
    operation: &Arc<Operation>,
    memory: Memory,
    path: &[(String, String)],
    request: Request,
) -> Result<Answer, Problem> {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let turn = request.extensions().get::<Turn>().cloned();
    let key = idempotency::key(&headers)?.filter(|_| operation.takes_key);
    if operation.takes_files && upload::is_form(&headers) {
        let upload = upload::read(path, request).await?;
        return match key {
            Some(key) => {
                let same = upload::fingerprint(&upload);
                let work = upload::take(memory.clone(), upload);
                idempotency::once(key, same, memory, Success::Stored, held(turn, work)).await
            }
            None => upload::take(memory, upload).await,
        };
    }
    let body = match takes_body(request.method()) {
        true => Some(json(&headers, request).await?),
        false => None,
    };
    let input = input::gather(operation, path, uri.query(), body)?;
    let (operation, watch) = (operation.clone(), watch(&headers));
    match key {
        Some(key) => {
            let same = serde_json::json!([operation.id, &input]).to_string();
            let (claiming, success) = (memory.clone(), operation.success);
            let work = async move { operation.run(memory, input, watch).await };
            idempotency::once(key, same, claiming, success, held(turn, work)).await
        }
        None => operation.run(memory, input, watch).await,
    }
}

/// Does work that may go on when its request is gone, and holds that one's turn
/// until it is done.
async fn held<T>(turn: Option<Turn>, work: impl Future<Output = T>) -> T {
    let outcome = work.await;
    drop(turn);
    outcome
}

fn takes_body(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PATCH
}

/// The object in a body of JSON; no body is an empty one.
async fn json(headers: &HeaderMap, request: Request) -> Result<Object, Problem> {
    let bytes = Bytes::from_request(request, &()).await;
    let bytes = bytes.map_err(|rejection| too_large(&rejection))?;
    if bytes.is_empty() {
        return Ok(Object::new());
    }
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next());
    let is_json = media_type.is_some_and(|name| {
        let name = name.trim().to_ascii_lowercase();
        name == "application/json" || (name.starts_with("application/") && name.ends_with("+json"))
    });
    if !is_json {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(
            Problem::new(status, "unsupported_media_type", "the body must be JSON")
                .hint("send the header `Content-Type: application/json`"),
        );
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid",
            format!("the body is not a JSON object: {error}"),
        )
    })
}

fn too_large(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the body is larger than this server takes",
        )
        .hint("RAG_DOCUMENT_BYTES_MAX says how large a document may be"),
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid",
            "the body did not come whole",
        ),
    }
}

/// Jobs are not waited for, unless the caller prefers to: `Prefer: wait=10`
/// ([RFC 7240](https://www.rfc-editor.org/rfc/rfc7240), section 4.3).
fn watch(headers: &HeaderMap) -> Watch {
    let preferences = headers.get_all("prefer").iter();
    let preferences = preferences.filter_map(|value| value.to_str().ok());
    let seconds = preferences
        .flat_map(|value| value.split(','))
        .find_map(|preference| preference.trim().strip_prefix("wait=")?.trim().parse().ok());
    Watch {
        patience: Patience::For(Duration::from_secs(seconds.unwrap_or(0))),
        ..Watch::nobody()
    }
}

fn respond(answer: Answer) -> Response {
    let mut response = (answer.status, Json(answer.body)).into_response();
    let location = answer.location.and_then(|path| address(&path).parse().ok());
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if answer.is_replayed {
        let replayed = header::HeaderValue::from_static("true");
        response
            .headers_mut()
            .insert("idempotent-replayed", replayed);
    }
    response
}
