//! Any document: tells its format by its content and reads it.
//!
//! A format is a file of its own below; each gives a [`Reading`], and what all
//! have in common happens here: the title's fallback and the bound on the text.
//! Opening archives is left to [`crate::read_archive`].

mod detect;
mod guard;
mod notebook;
mod office;
mod pdf;
mod table;
mod text;
mod title;
mod web;

use rag_core::model::{Extracted, MediaType, Metadata};

use crate::{About, ExtractError, Limits};

pub use detect::{Format, begins_as_text, detect};

/// What a format's reader found.
struct Reading {
    /// The document's own title, if it has one.
    title: Option<String>,
    text: String,
    media_type: MediaType,
    metadata: Metadata,
    warnings: Vec<String>,
}

impl Reading {
    fn new(text: String, media_type: MediaType) -> Self {
        Reading {
            title: None,
            text,
            media_type,
            metadata: Metadata::new(),
            warnings: Vec::new(),
        }
    }

    fn titled(self, title: Option<String>) -> Self {
        Reading { title, ..self }
    }
}

/// Reads a document. Its source URI is the caller's to give; its title is the
/// document's own where it has one, else the name in `about`, else empty.
///
/// Metadata, where they apply: `page_offsets` (for each page, the character at
/// which it begins in the text), `page_count`, `language`, `description`.
///
/// Text of any kind may come out blank; other formats without text are
/// [`ExtractError::Blank`]. PDF and Office files are parsed on a thread of
/// their own, which is given up on after two minutes; it cannot be killed, so
/// once four of them hang, no more are begun ([`ExtractError::Busy`]).
pub fn extract_document(
    bytes: Vec<u8>,
    about: &About<'_>,
    limits: &Limits,
) -> Result<Extracted, ExtractError> {
    let format = detect(&bytes, about)?;
    let limits = *limits;
    let reading = match format {
        Format::Archive => return Err(ExtractError::Archive),
        Format::Html => web::read(&bytes, about, &limits)?,
        Format::Notebook => notebook::read(bytes)?,
        Format::Pdf => guard::guarded(format, move || pdf::read(&bytes, &limits))?,
        Format::Text
        | Format::Markdown
        | Format::RestructuredText
        | Format::Code
        | Format::Table => text::read(bytes, format, about, &limits)?,
        Format::Doc
        | Format::Docx
        | Format::Ppt
        | Format::Pptx
        | Format::Xls
        | Format::Xlsx
        | Format::Odt
        | Format::Odp
        | Format::Ods
        | Format::Rtf
        | Format::Epub => guard::guarded(format, move || office::read(&bytes, format, &limits))?,
    };
    if reading.text.len() as u64 > limits.text_bytes_max {
        return Err(too_much_text(&limits));
    }
    if !format.is_text() && reading.text.trim().is_empty() {
        return Err(ExtractError::Blank { hint: None });
    }
    let name = || about.name.unwrap_or_default().to_owned();
    Ok(Extracted {
        source_uri: None,
        title: reading.title.unwrap_or_else(name),
        media_type: reading.media_type,
        text: reading.text,
        metadata: reading.metadata,
        warnings: reading.warnings,
    })
}

/// The error for more text than `limits` allow.
fn too_much_text(limits: &Limits) -> ExtractError {
    ExtractError::TooLarge {
        limit: format!("{} bytes of text", limits.text_bytes_max),
    }
}
