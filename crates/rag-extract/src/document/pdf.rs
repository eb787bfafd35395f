//! PDF: the text of its pages as Markdown, and where each page begins.
//!
//! Scans have no text. They are left out and counted, unless the scanner left
//! the text it recognised behind them. Recognising text is left to others.

mod furniture;
mod loading;
mod pages;
mod streams;

use std::collections::BTreeSet;

use pdf_inspector::{PdfError, PdfOptions, PdfProcessResult, process_pdf_mem_with_options};
use rag_core::model::{MediaType, Metadata};
use serde_json::Value;

use super::{Format, Reading, title};
use crate::{ExtractError, Limits};

/// How many pages that consist of a table are looked at by themselves.
const LOOKED_AT_MAX: usize = 16;
/// Letters that a hidden text must have to be one.
const HIDDEN_LETTERS_MIN: usize = 20;

/// Reads a PDF.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Reading, ExtractError> {
    let bytes = &streams::bounded(bytes)?;
    let options = options().pages(1..=limits.pages_max);
    let found = process_pdf_mem_with_options(bytes, options).map_err(failed)?;
    if found.page_count > limits.pages_max {
        return Err(ExtractError::TooLarge {
            limit: format!("{} pages", limits.pages_max),
        });
    }
    let mut metadata = Metadata::new();
    metadata.insert("page_count".to_owned(), Value::from(found.page_count));
    let markdown = found.markdown.as_deref().unwrap_or_default();
    let mut pages = pages::split(markdown, found.page_count);
    if !markdown.trim().is_empty() {
        find_tables(bytes, &found, &mut pages);
    }
    furniture::remove(&mut pages);
    let own_title = found.title.as_deref().and_then(title::sensible);
    if pages.iter().all(|page| page.trim().is_empty()) {
        let mut reading = hidden_text(bytes, &found)?;
        reading.metadata = metadata;
        return Ok(reading.titled(own_title));
    }
    let (text, offsets) = pages::join(&pages);
    metadata.insert("page_offsets".to_owned(), Value::from(offsets));
    let title = own_title.or_else(|| title::of_markdown(&text));
    let mut warnings = Vec::from_iter(left_out(&pages));
    if found.has_encoding_issues {
        warnings.push(
            "some of its text may be garbled, since its fonts do not say which letters they show"
                .to_owned(),
        );
    }
    Ok(Reading {
        title,
        text,
        media_type: MediaType::Markdown,
        metadata,
        warnings,
    })
}

/// Plain Markdown: emphasis says little, and headers and footers that repeat
/// are told more carefully by [`furniture`].
fn options() -> PdfOptions {
    let mut options = PdfOptions::new();
    options.markdown.detect_bold = false;
    options.markdown.detect_italic = false;
    options.markdown.detect_underline = false;
    options.markdown.strip_headers_footers = false;
    options.markdown.include_page_numbers = true;
    options
}

/// A page that is nothing but a table gets no mark of its own, and follows the
/// page before it. Such pages are read once more to see where they begin.
fn find_tables(bytes: &[u8], found: &PdfProcessResult, pages: &mut [String]) {
    let scans: BTreeSet<u32> = found.pages_needing_ocr.iter().copied().collect();
    let candidates: Vec<u32> = (2u32..)
        .zip(&pages[1.min(pages.len())..])
        .filter(|(number, page)| page.is_empty() && !scans.contains(number))
        .map(|(number, _)| number)
        .take(LOOKED_AT_MAX)
        .collect();
    for number in candidates {
        let alone = process_pdf_mem_with_options(bytes, options().pages([number]));
        let alone = alone.ok().and_then(|alone| alone.markdown);
        if let Some(alone) = alone {
            pages::part(pages, number as usize - 1, &alone);
        }
    }
}

/// Which pages have no text, as a sentence.
fn left_out(pages: &[String]) -> Option<String> {
    let blank: Vec<usize> = (1..)
        .zip(pages)
        .filter(|(_, page)| page.trim().is_empty())
        .map(|(number, _)| number)
        .collect();
    let pages_of = |count: usize| if count == 1 { "page" } else { "pages" };
    (!blank.is_empty()).then(|| {
        format!(
            "{} of {} pages without text left out ({} {}); scans need OCR first",
            blank.len(),
            pages.len(),
            pages_of(blank.len()),
            pages::ranges(&blank),
        )
    })
}

/// What a scanner recognised and put behind the images of its pages.
fn hidden_text(bytes: &[u8], found: &PdfProcessResult) -> Result<Reading, ExtractError> {
    let text = pdf_inspector::extractor::extract_text_mem(bytes).unwrap_or_default();
    let letters = text.chars().filter(|letter| letter.is_alphanumeric());
    if letters.take(HIDDEN_LETTERS_MIN).count() < HIDDEN_LETTERS_MIN {
        let mut reasons = found
            .ocr_reasons_by_page
            .iter()
            .flat_map(|page| &page.reasons);
        let has_images = reasons.any(|reason| reason != pdf_inspector::OCR_REASON_NO_TEXT);
        return Err(ExtractError::Blank {
            hint: has_images.then_some("it consists of images; OCR it first"),
        });
    }
    Ok(Reading {
        warnings: vec![
            "its pages are images: this is the text recognised behind them, not told apart by \
             page"
                .to_owned(),
        ],
        ..Reading::new(text, MediaType::Plain)
    })
}

/// The error for more bytes than there may be in a part.
fn too_large(bytes_max: u64, part: &str) -> ExtractError {
    ExtractError::TooLarge {
        limit: format!("{bytes_max} bytes in {part}"),
    }
}

fn failed(error: PdfError) -> ExtractError {
    match error {
        PdfError::Encrypted => ExtractError::Encrypted,
        error => ExtractError::Damaged {
            format: Format::Pdf.name(),
            message: error.to_string(),
        },
    }
}
