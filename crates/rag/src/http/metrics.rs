//! `/metrics`: what the server does, in numbers, in the format that
//! [Prometheus](https://prometheus.io/docs/instrumenting/exposition_formats/) reads.
//!
//! What is counted is counted where it happens, by the `metrics` crate's macros;
//! here it is gathered and told.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::{
    Extension,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rag_memory::Access;

use super::auth;
use super::limits::{self, Limits};
use super::problem::Problem;

/// The upper bounds of the parts that durations are counted by, in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 60.0,
];
/// How often samples are put together; they take memory until then.
const UPKEEP: Duration = Duration::from_secs(5);
/// The media type of the answer.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where everything in this process is counted. The first call begins counting.
pub fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .expect("there are buckets")
            .build_recorder();
        let handle = recorder.handle();
        // A process has one: a program that counts by another keeps that.
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::debug!("this process counts elsewhere already");
        }
        describe();
        handle
    })
}

/// Puts samples together now and then, for as long as it is polled.
pub async fn upkeep() {
    loop {
        tokio::time::sleep(UPKEEP).await;
        recorder().run_upkeep();
    }
}

/// `GET /metrics`, for those who may see everything.
pub(super) async fn report(
    State(limits): State<Arc<Limits>>,
    Extension(access): Extension<Access>,
) -> Response {
    if let Err(error) = access.require_whole() {
        return auth::insufficient(Problem::from(&error).into_response());
    }
    limits::observe(&limits);
    if let Some(bytes) = resident_bytes() {
        #[expect(clippy::cast_precision_loss, reason = "nobody has 8 PiB")]
        gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], recorder().render()).into_response()
}

/// The memory that the process has, where the system tells: `/proc/self/statm`
/// counts pages, of 4 KiB on the machines that this is built for.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

fn describe() {
    for (name, help) in [
        (
            "rag_http_requests_total",
            "Requests answered, by method, route and status",
        ),
        (
            "rag_http_refused_total",
            "Requests refused for being too many or too long",
        ),
        (
            "rag_tool_calls_total",
            "Calls of MCP tools, by tool and outcome",
        ),
        ("rag_searches_total", "Searches, by outcome"),
        (
            "rag_embedded_texts_total",
            "Texts turned into vectors, by outcome",
        ),
        (
            "rag_jobs_ended_total",
            "Jobs that this process ended or let go, by state",
        ),
    ] {
        describe_counter!(name, help);
    }
    for (name, help) in [
        (
            "rag_http_request_duration_seconds",
            "Time to the head of the answer",
        ),
        ("rag_tool_call_duration_seconds", "Time of a tool call"),
        ("rag_search_duration_seconds", "Time of a search"),
        ("rag_embedding_duration_seconds", "Time of a batch of texts"),
    ] {
        describe_histogram!(name, Unit::Seconds, help);
    }
    for (name, help) in [
        (
            "rag_http_requests",
            "Requests now, by what is done with them",
        ),
        (
            "rag_sse_sessions",
            "Sessions of the older SSE transport that are open",
        ),
        ("rag_jobs", "Jobs that this process works on"),
        ("rag_db_connections", "Connections to PostgreSQL, by state"),
        (
            "process_resident_memory_bytes",
            "Memory that the process has",
        ),
    ] {
        describe_gauge!(name, help);
    }
}
