//! What bytes are: by what they begin with and contain first, by a file's name
//! and a server's word second.

mod magic;
mod name;

use crate::archive::package::{self, Package};
use crate::{About, ExtractError};

use super::notebook::is_notebook;

/// How much of the beginning tells what bytes are. PDF readers look for the
/// header in the first 1,024 bytes (ISO 32000-1, annex H.3, note 13).
const HEAD_BYTES: usize = 1_024;
/// How far from its end a PDF says where its table of objects is.
const TAIL_BYTES: usize = 2_048;
/// What every OLE compound file begins with ([MS-CFB], 2.2).
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Plain text of any kind.
    Text,
    /// Markdown.
    Markdown,
    /// reStructuredText, which is kept as plain text.
    RestructuredText,
    /// Program code, configuration and data: JSON, YAML, TOML, XML.
    Code,
    /// Rows of values: CSV, TSV.
    Table,
    /// HTML and XHTML.
    Html,
    /// A Jupyter notebook.
    Notebook,
    /// PDF.
    Pdf,
    /// Word 97 to 2003 (`.doc`).
    Doc,
    /// Word (`.docx`).
    Docx,
    /// PowerPoint 97 to 2003 (`.ppt`).
    Ppt,
    /// PowerPoint (`.pptx`).
    Pptx,
    /// Excel 97 to 2003 (`.xls`).
    Xls,
    /// Excel (`.xlsx`, `.xlsb`).
    Xlsx,
    /// An OpenDocument text (`.odt`).
    Odt,
    /// An OpenDocument presentation (`.odp`).
    Odp,
    /// An OpenDocument spreadsheet (`.ods`).
    Ods,
    /// Rich text (`.rtf`).
    Rtf,
    /// An EPUB book.
    Epub,
    /// zip, tar, tar.gz, gz: files in a file.
    Archive,
}

impl Format {
    /// Its name, such as `Word` or `PDF`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Markdown => "Markdown",
            Format::RestructuredText => "reStructuredText",
            Format::Code => "code",
            Format::Table => "CSV",
            Format::Html => "HTML",
            Format::Notebook => "Jupyter notebook",
            Format::Pdf => "PDF",
            Format::Doc => "Word 97",
            Format::Docx => "Word",
            Format::Ppt => "PowerPoint 97",
            Format::Pptx => "PowerPoint",
            Format::Xls => "Excel 97",
            Format::Xlsx => "Excel",
            Format::Odt => "OpenDocument text",
            Format::Odp => "OpenDocument presentation",
            Format::Ods => "OpenDocument spreadsheet",
            Format::Rtf => "RTF",
            Format::Epub => "EPUB",
            Format::Archive => "archive",
        }
    }

    /// The usual extension of its files without the dot, such as `pdf`; `text`
    /// for what has no format.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Text | Format::Code => "text",
            Format::Markdown => "md",
            Format::RestructuredText => "rst",
            Format::Table => "csv",
            Format::Html => "html",
            Format::Notebook => "ipynb",
            Format::Pdf => "pdf",
            Format::Doc => "doc",
            Format::Docx => "docx",
            Format::Ppt => "ppt",
            Format::Pptx => "pptx",
            Format::Xls => "xls",
            Format::Xlsx => "xlsx",
            Format::Odt => "odt",
            Format::Odp => "odp",
            Format::Ods => "ods",
            Format::Rtf => "rtf",
            Format::Epub => "epub",
            Format::Archive => "zip",
        }
    }

    /// Whether its bytes are the text, so that its size is the text's and its
    /// title is its file's name.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Format::Text
                | Format::Markdown
                | Format::RestructuredText
                | Format::Code
                | Format::Table
        )
    }
}

/// The format of bytes, by their content first and `about` second.
pub fn detect(bytes: &[u8], about: &About<'_>) -> Result<Format, ExtractError> {
    let named = name::format_of(about);
    if let Some(format) = by_content(bytes, named)? {
        return Ok(format);
    }
    // A name that promises another format than the content has is no promise.
    let format = named.filter(|format| format.is_text() || *format == Format::Html);
    match format {
        Some(format) => Ok(format),
        None if named == Some(Format::Notebook) => Ok(Format::Notebook),
        None => Ok(Format::Text),
    }
}

/// Whether a file that begins with `head` is a text as it is, as far as its
/// first kilobyte tells.
pub fn begins_as_text(head: &[u8]) -> bool {
    magic::unsupported(head).is_none()
        && !head.starts_with(b"PK")
        && !head.starts_with(b"\x1f\x8b")
        && !head.starts_with(OLE)
        && !head.starts_with(b"{\\rtf")
        && !is_tar(head)
        && find(&head[..head.len().min(HEAD_BYTES)], b"%PDF-").is_none()
}

fn by_content(bytes: &[u8], named: Option<Format>) -> Result<Option<Format>, ExtractError> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return in_zip(bytes, named).map(Some);
    }
    if bytes.starts_with(OLE) {
        return in_ole(bytes).map(Some);
    }
    if is_pdf(bytes, head, named) {
        return Ok(Some(Format::Pdf));
    }
    if bytes.starts_with(b"{\\rtf") {
        return Ok(Some(Format::Rtf));
    }
    if bytes.starts_with(b"\x1f\x8b") || is_tar(head) {
        return Ok(Some(Format::Archive));
    }
    if let Some(what) = magic::unsupported(head) {
        return Err(ExtractError::Unsupported { what });
    }
    if is_notebook(bytes) {
        return Ok(Some(Format::Notebook));
    }
    // Templates and sources that begin like a page are what their name says.
    let other = named.is_some_and(|format| format.is_text() && format != Format::Text);
    if !other && begins_as_html(head) {
        return Ok(Some(Format::Html));
    }
    Ok(None)
}

fn is_pdf(bytes: &[u8], head: &[u8], named: Option<Format>) -> bool {
    match find(head, b"%PDF-") {
        Some(0) => true,
        // A text may speak of the header; a PDF also has an end.
        Some(_) => {
            let tail = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
            !named.is_some_and(Format::is_text) && find(tail, b"startxref").is_some()
        }
        None => false,
    }
}

/// POSIX.1-1988 and later (`ustar`), and GNU tar, which writes the same there.
fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// The formats that are zip files, by what is in them.
fn in_zip(bytes: &[u8], named: Option<Format>) -> Result<Format, ExtractError> {
    let mut package = match Package::open(bytes) {
        Ok(package) => package,
        // What a damaged zip file was to be, only its name still tells.
        Err(ExtractError::Damaged { message, .. }) => {
            return Err(ExtractError::Damaged {
                format: named.map_or("zip", Format::name),
                message,
            });
        }
        Err(error) => return Err(error),
    };
    Ok(match package.kind() {
        package::Kind::Word => Format::Docx,
        package::Kind::PowerPoint => Format::Pptx,
        package::Kind::Excel => Format::Xlsx,
        package::Kind::Visio => {
            return Err(ExtractError::Unsupported {
                what: "a Visio drawing",
            });
        }
        package::Kind::OpenDocumentText => Format::Odt,
        package::Kind::OpenDocumentPresentation => Format::Odp,
        package::Kind::OpenDocumentSpreadsheet => Format::Ods,
        package::Kind::Epub => Format::Epub,
        package::Kind::Other => Format::Archive,
    })
}

/// The formats that are OLE compound files, by the streams at their root.
fn in_ole(bytes: &[u8]) -> Result<Format, ExtractError> {
    let found = std::panic::catch_unwind(|| anydoc::Format::from_bytes(bytes));
    match found.ok().flatten() {
        Some(anydoc::Format::Doc) => Ok(Format::Doc),
        Some(anydoc::Format::Ppt) => Ok(Format::Ppt),
        Some(anydoc::Format::Excel) => Ok(Format::Xls),
        _ if find(bytes, &utf16("EncryptedPackage")).is_some() => Err(ExtractError::Encrypted),
        _ => Err(ExtractError::Unsupported {
            what: "an OLE compound file",
        }),
    }
}

/// A name as it stands in the directory of an OLE compound file.
fn utf16(name: &str) -> Vec<u8> {
    name.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A document type or the first tag of a page, after white space, comments and
/// an XML declaration.
fn begins_as_html(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'?', ..] => b"?>",
            _ => break,
        };
        match find(rest, end) {
            Some(at) => rest = &rest[at + end.len()..],
            None => return false,
        }
    }
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|tag| {
            let begins = rest.get(..tag.len());
            let next = rest.get(tag.len());
            begins.is_some_and(|begins| begins.eq_ignore_ascii_case(tag.as_bytes()))
                && next.is_none_or(|next| next.is_ascii_whitespace() || b">/".contains(next))
        })
}

/// Where `needle` first is.
pub(super) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}
