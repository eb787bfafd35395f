//! Traces by OTLP over HTTP, in the binary form, as the
//! [specification](https://opentelemetry.io/docs/specs/otlp/#otlphttp) has it.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::config::TracesConfig;

/// How long one export may take.
const EXPORT_MAX: Duration = Duration::from_secs(10);
/// How long the end of the process waits for the last one.
const LAST_EXPORT_MAX: Duration = Duration::from_millis(400);

/// The spans that are sent: our own.
const TARGETS: [&str; 6] = [
    "rag",
    "rag_mcp",
    "rag_memory",
    "rag_core",
    "rag_store",
    "rag_web",
];

/// What sends traces; dropping it sends what is left.
pub(crate) struct Traces(SdkTracerProvider);

impl Drop for Traces {
    fn drop(&mut self) {
        // A collector that is gone keeps nobody here.
        let _ = self.0.shutdown_with_timeout(LAST_EXPORT_MAX);
    }
}

/// Starts sending spans to a collector, in the background.
pub(super) fn start<S>(
    config: &TracesConfig,
) -> anyhow::Result<(Box<dyn Layer<S> + Send + Sync>, Traces)>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let endpoint = config.endpoint.as_str().trim_end_matches('/');
    let headers = config.headers.iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.reveal().to_owned()));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_headers(headers.collect())
        .with_timeout(EXPORT_MAX)
        .with_http_client(Client::new()?)
        .build()?;
    let about = Resource::builder().with_service_name("rag-memory").build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(about)
        .build();
    let ours = TARGETS.map(|target| (target, LevelFilter::INFO));
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("rag-memory"))
        .with_filter(Targets::new().with_targets(ours));
    Ok((Box::new(layer), Traces(provider)))
}

/// Sends requests on the program's own runtime: spans are exported by a thread
/// that has none.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

impl Client {
    fn new() -> anyhow::Result<Self> {
        Ok(Client {
            client: rag::http::client(EXPORT_MAX).build()?,
            runtime: Handle::try_current()?,
        })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        let exchange = async move {
            let answer = client.execute(request).await?;
            let status = answer.status();
            let body = answer.bytes().await?;
            Ok::<_, HttpError>((status, body))
        };
        let (status, body) = self.runtime.spawn(exchange).await??;
        let answer = Response::builder().status(status).body(body)?;
        Ok(answer)
    }
}
