//! Word, PowerPoint, Excel, OpenDocument, RTF and EPUB, by `anydoc`.
//!
//! Sheets and slides become sections with headings that a hit can cite:
//! `## Wages`, `## Slide 3: Oil`. Images are left out but for their text.

mod markdown;
mod properties;
mod sheets;
mod slides;

use anydoc::ConvertError;
use rag_core::model::{MediaType, Metadata};
use serde_json::Value;

use super::{Format, Reading, title};
use crate::archive::package::Package;
use crate::{ExtractError, Limits};

/// Reads a document of one of these formats.
pub(super) fn read(bytes: &[u8], format: Format, limits: &Limits) -> Result<Reading, ExtractError> {
    let mut properties = properties::Properties::default();
    if bytes.starts_with(b"PK") {
        let mut package = Package::open(bytes)?;
        package.check_unpacked()?;
        properties = properties::read(&mut package, format);
    } else if format == Format::Rtf {
        properties.title = properties::title_of_rtf(bytes);
    }
    let (text, first) = match format {
        Format::Xls | Format::Xlsx | Format::Ods => {
            (sheets::read(bytes, format, &properties, limits)?, None)
        }
        Format::Ppt => (to_markdown(bytes, format)?, None),
        Format::Pptx | Format::Odp => slides::read(bytes, format, limits)?,
        _ => {
            let text = to_markdown(bytes, format)?;
            let first = title::of_markdown(&text);
            (text, first)
        }
    };
    let own = properties.title.as_deref().and_then(title::sensible);
    let mut metadata = Metadata::new();
    if let Some(language) = properties.language {
        metadata.insert("language".to_owned(), Value::from(language));
    }
    Ok(Reading {
        metadata,
        ..Reading::new(text, MediaType::Markdown).titled(own.or(first))
    })
}

/// The whole document as Markdown.
fn to_markdown(bytes: &[u8], format: Format) -> Result<String, ExtractError> {
    anydoc::to_markdown_bytes(bytes, theirs(format))
        .map(|text| markdown::tidy(&text))
        .map_err(|error| failed(error, format))
}

/// What the parser calls it. The rest is not read by it.
fn theirs(format: Format) -> Option<anydoc::Format> {
    Some(match format {
        Format::Doc => anydoc::Format::Doc,
        Format::Docx => anydoc::Format::Docx,
        Format::Ppt => anydoc::Format::Ppt,
        Format::Pptx => anydoc::Format::Pptx,
        Format::Xls | Format::Xlsx => anydoc::Format::Excel,
        Format::Odt => anydoc::Format::Odt,
        Format::Odp => anydoc::Format::Odp,
        Format::Ods => anydoc::Format::Ods,
        Format::Rtf => anydoc::Format::Rtf,
        Format::Epub => anydoc::Format::Epub,
        _ => return None,
    })
}

fn failed(error: ConvertError, format: Format) -> ExtractError {
    let format = format.name();
    match error {
        ConvertError::Encrypted => ExtractError::Encrypted,
        ConvertError::ResourceLimit { detail, .. } => ExtractError::TooLarge {
            limit: format!("its parser takes ({detail})"),
        },
        error => ExtractError::Damaged {
            format,
            message: error.to_string(),
        },
    }
}
