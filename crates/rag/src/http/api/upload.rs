//! Files that callers send, as forms: `multipart/form-data`
//! ([RFC 7578](https://www.rfc-editor.org/rfc/rfc7578)) with a part `file`, and if
//! need be `metadata`, a JSON object, and `mode`.

use axum::{
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, StatusCode, header},
};
use rag_memory::Memory;
use rag_memory::api::{IngestMode, IngestUpload, Object};
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::operation::{Answer, Success, in_full, invalid};
use crate::http::problem::Problem;

/// The most parts of a form that are looked at.
const PARTS_MAX: usize = 10;

/// Whether a request's body is a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| {
        let value = value.as_bytes();
        let form = b"multipart/form-data";
        value.len() >= form.len() && value[..form.len()].eq_ignore_ascii_case(form)
    })
}

/// The file of a form, for the collection of the path.
pub(super) async fn read(
    path: &[(String, String)],
    request: Request,
) -> Result<IngestUpload, Problem> {
    let collection = path.iter().find(|(name, _)| name == "collection");
    let collection = collection.map(|(_, value)| value.clone());
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|rejection| invalid(rejection.body_text()))?;
    let mut file = None;
    let mut metadata = Object::new();
    let mut mode = IngestMode::default();
    for _ in 0..PARTS_MAX {
        let part = form.next_field().await.map_err(|error| broken(&error))?;
        let Some(part) = part else {
            let (filename, content_type, bytes) = file.ok_or_else(|| {
                invalid("the form has no part `file`").hint("curl -F file=@handbook.pdf …")
            })?;
            return Ok(IngestUpload {
                filename,
                content_type,
                bytes,
                collection_name: collection.unwrap_or_default(),
                metadata,
                mode,
            });
        };
        match part.name().unwrap_or_default() {
            "file" if file.is_none() => file = Some(file_of(part).await?),
            "file" => {
                let problem = invalid("the form has two parts `file`");
                return Err(problem.hint("send one file a request"));
            }
            "metadata" => metadata = value_of("metadata", "a JSON object", part).await?,
            "mode" => {
                let quoted = format!("\"{}\"", text_of(part).await?.trim());
                mode = parsed("mode", "`ingest` or `reingest`", &quoted)?;
            }
            name => {
                let known = "there are `file`, `metadata` and `mode`";
                return Err(invalid(format!("there is no part `{name}`: {known}")));
            }
        }
    }
    Err(invalid(format!("the form has more than {PARTS_MAX} parts")))
}

/// Puts a file in.
pub(super) async fn take(memory: Memory, upload: IngestUpload) -> Result<Answer, Problem> {
    let ingested = memory.ingest_upload(upload).await;
    let ingested = ingested.map_err(|error| Problem::from(&error))?;
    Ok(Success::Stored.answer(in_full(&ingested)))
}

/// What tells an upload apart from others.
pub(super) fn fingerprint(upload: &IngestUpload) -> String {
    let IngestUpload {
        filename,
        content_type,
        bytes,
        collection_name,
        metadata,
        mode,
    } = upload;
    let hash = Sha256::digest(bytes);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    json!([
        filename,
        content_type,
        hash,
        collection_name,
        metadata,
        mode
    ])
    .to_string()
}

async fn file_of(part: Field<'_>) -> Result<(String, Option<String>, Vec<u8>), Problem> {
    let name = part.file_name().map(str::to_owned);
    let name = name.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| invalid("the part `file` has no file name"))?;
    let content_type = part.content_type().map(str::to_owned);
    let bytes = part.bytes().await.map_err(|error| broken(&error))?;
    Ok((name, content_type, bytes.into()))
}

async fn text_of(part: Field<'_>) -> Result<String, Problem> {
    part.text().await.map_err(|error| broken(&error))
}

async fn value_of<T: DeserializeOwned>(
    name: &str,
    expected: &str,
    part: Field<'_>,
) -> Result<T, Problem> {
    parsed(name, expected, &text_of(part).await?)
}

fn parsed<T: DeserializeOwned>(name: &str, expected: &str, text: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|_| invalid(format!("the part `{name}` must be {expected}")))
}

fn broken(error: &MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the form is larger than this server takes",
        )
        .hint("RAG_DOCUMENT_BYTES_MAX says how large a document may be"),
        _ => invalid(format!("the form cannot be read: {}", error.body_text())),
    }
}
