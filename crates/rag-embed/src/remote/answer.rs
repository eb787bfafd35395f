//! What an endpoint answered: vectors, or why there are none.

use reqwest::StatusCode;
use serde::Deserialize;

use crate::vector::normalise;

/// How much of an endpoint's own words is passed on, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

/// Why an answer that says it succeeded cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("it is not JSON of the expected shape: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("it has {got} vectors for {expected} texts")]
    Count { expected: usize, got: usize },
    #[error("its vectors are numbered wrongly")]
    Order,
    #[error("the vector of text {0} has numbers that are not finite, or no length")]
    NoLength(usize),
    #[error("a vector has {0} dimensions")]
    Dimensions(usize),
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    /// Which text it is for; some endpoints leave it to the order.
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// The vectors for `count` texts in the order of the texts, of unit length.
pub(super) fn vectors(
    body: &[u8],
    count: usize,
    dimensions: usize,
) -> Result<Vec<Vec<f32>>, AnswerError> {
    let Answer { data } = serde_json::from_slice(body)?;
    if data.len() != count {
        return Err(AnswerError::Count {
            expected: count,
            got: data.len(),
        });
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; count];
    for (position, item) in data.into_iter().enumerate() {
        let mut vector = item.embedding;
        if vector.len() != dimensions {
            return Err(AnswerError::Dimensions(vector.len()));
        }
        let index = item.index.unwrap_or(position);
        if !normalise(&mut vector) {
            return Err(AnswerError::NoLength(index));
        }
        match vectors.get_mut(index) {
            Some(empty @ None) => *empty = Some(vector),
            _ => return Err(AnswerError::Order),
        }
    }
    Ok(vectors.into_iter().flatten().collect())
}

/// What kind of refusal an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    BadKey,
    NoQuota,
    RateLimited,
    BadModel,
    TooLong,
    /// Something on their side that may pass.
    Passing,
    /// Anything else: trying again would give the same.
    Final,
}

/// The kind of a refusal, and the endpoint's words for it.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> (Refusal, String) {
    let error = serde_json::from_slice(body).unwrap_or(serde_json::Value::Null);
    // OpenAI nests it; others put the message at the top, or a text for the object.
    let error = error.get("error").unwrap_or(&error);
    let field = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
    let code = field("code").or(field("type")).unwrap_or_default();
    let words = field("message").or(field("detail")).or(error.as_str());
    let words = words.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    let message = match clipped(&words) {
        words if words.is_empty() => format!("status {status}"),
        words => format!("{words} (status {status})"),
    };
    let is = |name: &str| code == name || field("type") == Some(name);
    let lower = words.to_lowercase();
    let too_long = || {
        [
            "maximum context length",
            "context length",
            "too many tokens",
            "input is too long",
        ]
        .iter()
        .any(|phrase| lower.contains(phrase))
    };
    let kind = match status.as_u16() {
        _ if is("insufficient_quota") => Refusal::NoQuota,
        _ if is("invalid_api_key") => Refusal::BadKey,
        _ if is("model_not_found") => Refusal::BadModel,
        401 | 403 => Refusal::BadKey,
        402 => Refusal::NoQuota,
        404 => Refusal::BadModel,
        429 => Refusal::RateLimited,
        400 | 413 | 422 if is("context_length_exceeded") || too_long() => Refusal::TooLong,
        408 | 500..=599 => Refusal::Passing,
        _ => Refusal::Final,
    };
    (kind, message)
}

/// A text in one line and not too long.
fn clipped(text: &str) -> String {
    let words: Vec<_> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .collect();
    let line = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match line.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
