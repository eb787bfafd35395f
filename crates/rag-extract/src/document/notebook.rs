//! Jupyter notebooks (nbformat 4): text and code in order, with what the code
//! printed. Images and other displays are left out.

use std::fmt::Write;

use rag_core::model::MediaType;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::detect::find;
use super::{Format, Reading, title};
use crate::ExtractError;
use crate::decode::decode;

/// How many bytes of a cell's output are kept.
const OUTPUT_BYTES_MAX: usize = 2_000;
/// The longest notebook whose content tells that it is one.
const RECOGNISED_BYTES_MAX: usize = 64 << 20;

#[derive(Deserialize)]
struct Notebook {
    cells: Vec<Cell>,
    #[serde(default)]
    metadata: Properties,
}

#[derive(Deserialize, Default)]
struct Properties {
    #[serde(default)]
    language_info: Language,
    #[serde(default)]
    kernelspec: Kernel,
}

#[derive(Deserialize, Default)]
struct Language {
    name: Option<String>,
}

#[derive(Deserialize, Default)]
struct Kernel {
    language: Option<String>,
}

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    #[serde(default)]
    source: Lines,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    /// What a stream printed.
    #[serde(default)]
    text: Lines,
    /// What a result looks like.
    #[serde(default)]
    data: Displays,
    /// The name and the message of an error.
    ename: Option<String>,
    evalue: Option<String>,
}

#[derive(Deserialize, Default)]
struct Displays {
    #[serde(default, rename = "text/plain")]
    plain: Lines,
    #[serde(default, rename = "text/markdown")]
    markdown: Lines,
    #[serde(rename = "image/png")]
    png: Option<IgnoredAny>,
    #[serde(rename = "image/jpeg")]
    jpeg: Option<IgnoredAny>,
}

/// A text, in one piece or in lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Many(Vec<String>),
}

impl Default for Lines {
    fn default() -> Self {
        Lines::Many(Vec::new())
    }
}

impl Lines {
    fn text(&self) -> String {
        match self {
            Lines::One(text) => text.clone(),
            Lines::Many(lines) => lines.concat(),
        }
    }
}

/// Whether bytes are a notebook, whatever they are called.
pub(super) fn is_notebook(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Outline {
        #[serde(rename = "nbformat")]
        _nbformat: u32,
        #[serde(rename = "cells")]
        _cells: Vec<IgnoredAny>,
    }
    bytes.len() <= RECOGNISED_BYTES_MAX
        && bytes.trim_ascii_start().starts_with(b"{")
        && find(bytes, b"\"nbformat\"").is_some()
        && serde_json::from_slice::<Outline>(bytes).is_ok()
}

/// Reads a notebook.
pub(super) fn read(bytes: Vec<u8>) -> Result<Reading, ExtractError> {
    let text = decode(bytes, None).map_err(|reason| ExtractError::NotText { reason })?;
    let notebook: Notebook =
        serde_json::from_str(&text.text).map_err(|error| ExtractError::Damaged {
            format: Format::Notebook.name(),
            message: error.to_string(),
        })?;
    let language = notebook
        .metadata
        .language_info
        .name
        .or(notebook.metadata.kernelspec.language)
        .filter(|name| {
            name.chars()
                .all(|letter| letter.is_alphanumeric() || "+#-_.".contains(letter))
        })
        .unwrap_or_default();
    let mut markdown = String::with_capacity(text.text.len());
    for cell in &notebook.cells {
        let source = cell.source.text();
        match cell.cell_type.as_str() {
            "code" => fenced(&source, &language, &mut markdown),
            _ if source.trim().is_empty() => {}
            _ => {
                markdown.push_str(without_data(source.trim_end()).as_ref());
                markdown.push_str("\n\n");
            }
        }
        for output in &cell.outputs {
            write_output(output, &mut markdown);
        }
    }
    let title = title::of_markdown(&markdown);
    Ok(Reading::new(markdown, MediaType::Markdown).titled(title))
}

fn write_output(output: &Output, markdown: &mut String) {
    let shown = output.data.markdown.text();
    if !shown.trim().is_empty() {
        markdown.push_str(cut(&without_data(shown.trim_end())));
        markdown.push_str("\n\n");
        return;
    }
    let is_image = output.data.png.is_some() || output.data.jpeg.is_some();
    let mut text = output.text.text();
    if !is_image {
        // Beside an image this is only the name of a class.
        text.push_str(&output.data.plain.text());
    }
    if let Some(name) = &output.ename {
        let message = output.evalue.as_deref().unwrap_or_default();
        text.push_str(&format!("{name}: {message}"));
    }
    let shortened = cut(&text);
    if shortened.len() < text.len() {
        fenced(&format!("{}\n…", shortened.trim_end()), "", markdown);
    } else {
        fenced(&text, "", markdown);
    }
}

/// The beginning of an output.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(OUTPUT_BYTES_MAX)]
}

/// Writes code between fences that it does not have itself.
fn fenced(code: &str, language: &str, markdown: &mut String) {
    if code.trim().is_empty() {
        return;
    }
    let longest = code
        .lines()
        .map(|line| {
            line.trim_start()
                .bytes()
                .take_while(|&byte| byte == b'`')
                .count()
        })
        .max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let code = code.trim_end();
    write!(markdown, "{fence}{language}\n{code}\n{fence}\n\n").expect("a string takes all text");
}

/// A text without the images that are written out in it.
fn without_data(text: &str) -> std::borrow::Cow<'_, str> {
    let mut rest = text;
    let mut kept = String::new();
    while let Some(at) = rest.find("(data:") {
        let end = rest[at..].find(')').map_or(rest.len(), |end| at + end);
        kept.push_str(&rest[..at]);
        kept.push('(');
        rest = &rest[end..];
    }
    if kept.is_empty() {
        return text.into();
    }
    kept.push_str(rest);
    kept.into()
}
