//! Arguments that need more than clap to understand.

use std::io::Read;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use rag_memory::api::Object;
use rag_memory::{Error, ErrorKind};
use serde::de::DeserializeOwned;

/// The most bytes that are read from standard input.
const STDIN_BYTES_MAX: u64 = 1 << 30;

/// Understands the names that the choices of a wire type have.
pub(super) fn named<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names)
        .try_map(|name| serde_json::from_value::<T>(serde_json::Value::String(name)))
}

/// The JSON object in the argument `name`.
pub(super) fn json_object(name: &str, text: &str) -> Result<Object, Error> {
    serde_json::from_str(text).map_err(|error| {
        Error::invalid(format!("`{name}` is not a JSON object: {error}"))
            .hint(format!("{name} '{{\"key\": \"value\"}}'"))
    })
}

/// The text given, or standard input for `-`.
pub(super) fn text_or_stdin(text: String) -> anyhow::Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(STDIN_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > STDIN_BYTES_MAX {
        let message = format!("standard input has more than {STDIN_BYTES_MAX} bytes");
        return Err(Error::new(ErrorKind::TooLarge, message).into());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        Error::invalid(format!(
            "standard input is not UTF-8: see its byte {position}"
        ))
        .hint("put it into a file; `rag ingest file` reads other encodings, too")
    })?;
    Ok(text)
}
