//! Text of any kind: kept as it is, apart from tables of values.

use rag_core::model::MediaType;

use super::{Format, Reading, table, title, too_much_text};
use crate::decode::{charset_of, decode};
use crate::{About, ExtractError, Limits};

/// Reads a text.
pub(super) fn read(
    bytes: Vec<u8>,
    format: Format,
    about: &About<'_>,
    limits: &Limits,
) -> Result<Reading, ExtractError> {
    if bytes.len() as u64 > limits.text_bytes_max.saturating_mul(2) {
        return Err(too_much_text(limits));
    }
    let charset = about.content_type.and_then(charset_of);
    let decoded = decode(bytes, charset).map_err(|reason| ExtractError::NotText { reason })?;
    let mut warnings = Vec::from_iter(decoded.warning);
    let text = decoded.text;
    let (title, text, media_type) = match format {
        Format::Markdown => (title::of_markdown(&text), text, MediaType::Markdown),
        Format::RestructuredText => (title::of_restructured(&text), text, MediaType::Plain),
        Format::Code => (None, text, MediaType::Code),
        Format::Table => match table::of_values(&text, limits.text_bytes_max) {
            Ok(markdown) => (None, markdown, MediaType::Markdown),
            Err(reason) => {
                warnings.extend(reason.map(|reason| format!("kept as plain text, since {reason}")));
                (None, text, MediaType::Plain)
            }
        },
        _ => (None, text, MediaType::Plain),
    };
    Ok(Reading {
        warnings,
        ..Reading::new(text, media_type).titled(title)
    })
}
