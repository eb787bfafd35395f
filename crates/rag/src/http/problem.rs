//! How an answer says that something went wrong: the problem details of
//! [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457), as JSON.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rag_memory::{Error, ErrorKind};
use serde::Serialize;

/// The media type of problem details.
pub(super) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// How long to wait before the same is tried again, in seconds.
const RETRY_AFTER_S: u32 = 5;

/// What went wrong with a request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    /// What kind of problem it is has no page of its own: `title` and `kind` say it.
    #[serde(rename = "type")]
    kind_address: &'static str,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    kind: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem of a kind that programs can branch on, such as `not_found`.
    pub(super) fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Problem {
            kind_address: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            kind: kind.to_owned(),
            detail: detail.into(),
            hint: None,
        }
    }

    /// The same with a remedy.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let kind = error.kind();
        let status = StatusCode::from_u16(kind.http_status()).expect("the table has statuses");
        let mut problem = Problem::new(status, kind.name(), error.message());
        problem.hint = error.remedy().map(str::to_owned);
        if kind == ErrorKind::Cancelled {
            problem.title = "Cancelled";
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        let passes = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        if passes.contains(&status) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        response
    }
}
