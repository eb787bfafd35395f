//! One request and its answer.

use std::time::{Duration, SystemTime};

use rag_core::port::EmbedError;
use reqwest::header::{AUTHORIZATION, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use serde::Serialize;
use tokio::sync::OnceCell;

use super::answer::{self, AnswerError, Refusal};
use super::options::{Settings, is_loopback};
use super::retry;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one request may take, its answer included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What one number of a vector may take in an answer, in bytes; JSON writers
/// need up to 25.
const NUMBER_BYTES_MAX: usize = 32;

/// What an answer may have beside its numbers, and a refusal in all, in bytes.
const OTHER_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Exchange {
    settings: Settings,
    /// Made at the first request: reading the system's certificates takes time.
    client: OnceCell<Client>,
}

/// Why a request gave no vectors.
pub(super) enum Failure {
    /// Trying again may help, after the time the endpoint asked for, if any.
    Passing {
        error: EmbedError,
        retry_after: Option<Duration>,
    },
    /// A text is longer than the model takes.
    TooLong(EmbedError),
    /// Trying again would give the same.
    Final(EmbedError),
}

impl Failure {
    pub(super) fn into_error(self) -> EmbedError {
        match self {
            Failure::Passing { error, .. } | Failure::TooLong(error) | Failure::Final(error) => {
                error
            }
        }
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

impl Exchange {
    pub(super) fn new(settings: Settings) -> Self {
        Exchange {
            settings,
            client: OnceCell::new(),
        }
    }

    /// Asks for the vectors of `texts` once, in at most `left`.
    pub(super) async fn run(
        &self,
        texts: &[&str],
        left: Duration,
    ) -> Result<Vec<Vec<f32>>, Failure> {
        let settings = &self.settings;
        let client = self.client.get_or_try_init(async || client(settings)).await;
        let client = client.map_err(|error| Failure::Final(self.unavailable("reach", error)))?;
        let mut request = client
            .post(settings.url.clone())
            .timeout(left.min(REQUEST_TIMEOUT));
        if let Some(key) = &settings.key {
            request = request.header(AUTHORIZATION, key.header.clone());
        }
        let request = request.json(&Request {
            model: &settings.model,
            input: texts,
            dimensions: settings.dimensions_asked,
        });
        let response = request.send().await.map_err(|error| Failure::Passing {
            error: self.unavailable("reach", error.without_url()),
            retry_after: None,
        })?;
        if response.status().is_success() {
            self.vectors(response, texts.len()).await
        } else {
            Err(self.refused(response).await)
        }
    }

    async fn vectors(&self, response: Response, count: usize) -> Result<Vec<Vec<f32>>, Failure> {
        let expected = self.settings.dimensions;
        let bytes_max = OTHER_BYTES_MAX + count * expected * NUMBER_BYTES_MAX;
        let (body, whole) = read(response, bytes_max)
            .await
            .map_err(|error| Failure::Passing {
                error: self.unavailable("read the answer of", error.without_url()),
                retry_after: None,
            })?;
        if !whole {
            let reason = format!("it is longer than the {bytes_max} bytes it may have");
            return Err(Failure::Final(
                self.unavailable("read the answer of", reason),
            ));
        }
        answer::vectors(&body, count, expected).map_err(|error| {
            Failure::Final(match error {
                AnswerError::Dimensions(got) => EmbedError::WrongDimensions {
                    model: self.settings.model.clone(),
                    expected,
                    got,
                },
                error => self.unavailable("use the answer of", error),
            })
        })
    }

    async fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry::retry_after(value, SystemTime::now()));
        // A refusal whose words cannot be read is still a refusal.
        let (body, _) = read(response, OTHER_BYTES_MAX).await.unwrap_or_default();
        let (refusal, message) = answer::refusal(status, &body);
        let message = match &self.settings.key {
            Some(key) => key.redact(&message),
            None => message,
        };
        let endpoint = self.settings.endpoint.clone();
        let model = self.settings.model.clone();
        match refusal {
            Refusal::BadKey => Failure::Final(EmbedError::BadKey { endpoint, message }),
            Refusal::NoQuota => Failure::Final(EmbedError::NoQuota { endpoint, message }),
            Refusal::BadModel => {
                let message = format!("{endpoint} does not know it: {message}");
                Failure::Final(EmbedError::BadModel { model, message })
            }
            Refusal::RateLimited => Failure::Passing {
                error: EmbedError::RateLimited {
                    endpoint,
                    message,
                    retry_after,
                },
                retry_after,
            },
            Refusal::TooLong => Failure::TooLong(self.unavailable("get a vector from", message)),
            Refusal::Passing => {
                let error = self.unavailable("get vectors from", message);
                Failure::Passing { error, retry_after }
            }
            Refusal::Final => Failure::Final(self.unavailable("get vectors from", message)),
        }
    }

    fn unavailable(
        &self,
        action: &str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> EmbedError {
        let action = format!("{action} the embedding endpoint {}", self.settings.endpoint);
        EmbedError::Unavailable {
            action,
            source: source.into(),
        }
    }
}

fn client(settings: &Settings) -> Result<Client, reqwest::Error> {
    // Fails when a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("rag-memory/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirect would carry the key to wherever it points.
        .redirect(redirect::Policy::none());
    if is_loopback(&settings.url) {
        builder = builder.no_proxy();
    }
    if settings.url.scheme() == "http" {
        // No encryption, so machines without certificates can do it too.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// The body up to `bytes_max`, and whether that is all of it.
async fn read(mut response: Response, bytes_max: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = bytes_max - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, true))
}
