//! A double of an outside service: an OpenAI-compatible embedding endpoint on
//! the loopback interface. It answers as the OpenAI API is documented to, or,
//! to begin with, with what a test has scripted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// How many dimensions the double's vectors have.
pub(crate) const DIMENSIONS: usize = 8;

/// An answer out of the ordinary.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: String,
}

impl Scripted {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Scripted {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// What came in with a request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Scripted>>,
    seen: Mutex<Vec<Seen>>,
    chars_max: Option<usize>,
}

/// The running double; it stops when dropped.
pub(crate) struct Endpoint {
    pub(crate) base_url: String,
    shared: Arc<Shared>,
    server: AbortHandle,
}

impl Endpoint {
    /// Starts one that gives `script` first and then ordinary answers.
    pub(crate) async fn start(script: Vec<Scripted>) -> Self {
        Self::start_with(Shared {
            script: Mutex::new(script.into()),
            ..Shared::default()
        })
        .await
    }

    /// Starts one whose model takes no text longer than `chars_max`.
    pub(crate) async fn start_short(chars_max: usize) -> Self {
        Self::start_with(Shared {
            chars_max: Some(chars_max),
            ..Shared::default()
        })
        .await
    }

    async fn start_with(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/v1/embeddings", post(answer))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Endpoint {
            base_url,
            shared,
            server: server.abort_handle(),
        }
    }

    /// The requests so far, in the order they came in.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The vector that the double gives for a text, before it is made a unit vector.
pub(crate) fn vector_of(text: &str) -> Vec<f64> {
    let mut vector = vec![0.5; DIMENSIONS];
    for (index, character) in text.chars().enumerate() {
        vector[index % DIMENSIONS] += f64::from(u32::from(character) % 97);
    }
    vector
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let authorization = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap().into());
    let body: Value = serde_json::from_slice(&body).unwrap();
    shared.seen.lock().unwrap().push(Seen {
        authorization,
        body: body.clone(),
    });
    let scripted = shared.script.lock().unwrap().pop_front();
    if let Some(scripted) = scripted {
        let status = StatusCode::from_u16(scripted.status).unwrap();
        let mut response = (status, scripted.body).into_response();
        for (name, value) in scripted.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        return response;
    }
    let texts: Vec<&str> = body["input"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    if texts.iter().any(|text| {
        shared
            .chars_max
            .is_some_and(|max| text.chars().count() > max)
    }) {
        let error = json!({"error": {
            "message": "This model's maximum context length is 8192 tokens.",
            "type": "invalid_request_error", "code": null,
        }});
        return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
    }
    // In reverse: clients must go by the index.
    let data: Vec<_> = texts
        .iter()
        .enumerate()
        .rev()
        .map(|(index, text)| json!({"index": index, "embedding": vector_of(text)}))
        .collect();
    json!({"object": "list", "data": data})
        .to_string()
        .into_response()
}
