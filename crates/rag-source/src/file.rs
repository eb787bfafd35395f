//! One file to text.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rag_core::model::{Extracted, Timestamp};
use rag_extract::{About, ExtractError, Limits, begins_as_text, detect, extract_document};
use serde_json::Value;

use crate::SourceError;

/// The most bytes that a file may have on disk whose text is taken out of it: a
/// PDF, a presentation, an archive.
pub const FILE_BYTES_MAX: u64 = 100 << 20;
/// How much of a file's beginning tells whether it is such a file.
const HEAD_BYTES: u64 = 1_024;

/// Reads the file at `path`, which must have been resolved by
/// [`crate::FileRoots`], whatever its format is.
///
/// At most `bytes_max` bytes of text come out. A file that is a text itself
/// may have no more, any other [`FILE_BYTES_MAX`]. An archive is the error
/// [`ExtractError::Archive`]: [`crate::read_archive_file`] reads it.
///
/// Its title is the document's own for formats that have one, and the file's
/// name for texts. Its metadata are `filename`, `file_path`, `file_type` (the
/// extension, or else its format's, or `text`), `file_size` (bytes on disk),
/// `modified_at` (RFC 3339, UTC), and what [`extract_document`] adds.
pub fn read_file(path: &Path, bytes_max: u64) -> Result<Extracted, SourceError> {
    let (bytes, metadata) = read_bytes(path, bytes_max)?;
    let name = name_of(path);
    let url = url::Url::from_file_path(path).ok();
    let about = About {
        name: Some(&name),
        content_type: None,
        url: url.as_ref(),
    };
    let mut file = document(bytes, &about, bytes_max).map_err(|source| SourceError::Extract {
        path: path.to_owned(),
        source,
    })?;
    file.source_uri = Some(file_uri(path));
    let own = [
        ("filename", Value::from(name.clone())),
        ("file_path", Value::from(path.to_string_lossy())),
        ("file_size", Value::from(metadata.len())),
    ];
    let modified =
        modified_at(&metadata).map(|time| ("modified_at", Value::from(time.to_string())));
    for (key, value) in own.into_iter().chain(modified) {
        file.metadata.insert(key.to_owned(), value);
    }
    Ok(file)
}

/// Takes the text out of bytes that somebody sent as the file `name`. Its source is
/// `upload:///<name>`: the same name sent again is the same document.
pub fn read_upload(
    bytes: Vec<u8>,
    name: &str,
    content_type: Option<&str>,
    bytes_max: u64,
) -> Result<Extracted, ExtractError> {
    let size = bytes.len();
    let about = About {
        name: Some(name),
        content_type,
        url: None,
    };
    let mut file = document(bytes, &about, bytes_max)?;
    let mut uri = url::Url::parse("upload:///").expect("it is a URI");
    if let Ok(mut path) = uri.path_segments_mut() {
        path.clear().push(name);
    }
    file.source_uri = Some(uri.into());
    for (key, value) in [
        ("filename", Value::from(name)),
        ("file_size", Value::from(size)),
    ] {
        file.metadata.insert(key.to_owned(), value);
    }
    Ok(file)
}

/// When a file was last changed, to the nanosecond, if the system tells.
pub fn modified_at(metadata: &fs::Metadata) -> Option<Timestamp> {
    metadata.modified().ok()?.try_into().ok()
}

/// The `file:` URI of an absolute path. Bytes that are no UTF-8 are escaped as
/// they are, so that each file has an URI of its own.
pub fn file_uri(path: &Path) -> String {
    match url::Url::from_file_path(path) {
        Ok(url) => url.into(),
        Err(()) => format!("file:{}", path.display()),
    }
}

/// Takes the text out of a file's bytes, with `file_type` as its metadata.
/// Texts are called by their name.
pub(crate) fn document(
    bytes: Vec<u8>,
    about: &About<'_>,
    bytes_max: u64,
) -> Result<Extracted, ExtractError> {
    let format = detect(&bytes, about)?;
    let limits = Limits {
        text_bytes_max: bytes_max,
        ..Limits::default()
    };
    let mut document = extract_document(bytes, about, &limits)?;
    if format.is_text() {
        document.title = about.name.unwrap_or_default().to_owned();
    }
    let named = about.name.and_then(|name| extension(Path::new(name)));
    let file_type = named.unwrap_or_else(|| format.extension().to_owned());
    document
        .metadata
        .insert("file_type".to_owned(), Value::from(file_type));
    Ok(document)
}

/// All bytes of a file, if they are no more than one of its kind may have.
pub(crate) fn read_bytes(
    path: &Path,
    bytes_max: u64,
) -> Result<(Vec<u8>, fs::Metadata), SourceError> {
    let unreadable = |error| SourceError::from_io(path, error);
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(SourceError::NotAFile {
            path: path.to_owned(),
        });
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut read = |bytes: &mut Vec<u8>, count| {
        let mut part = Read::by_ref(&mut file).take(count);
        part.read_to_end(bytes).map_err(unreadable)
    };
    read(&mut bytes, HEAD_BYTES)?;
    let bytes_max = match begins_as_text(&bytes) {
        true => bytes_max,
        false => bytes_max.max(FILE_BYTES_MAX),
    };
    let too_large = |bytes| SourceError::TooLarge {
        path: path.to_owned(),
        bytes,
        bytes_max,
    };
    if metadata.len() > bytes_max {
        return Err(too_large(metadata.len()));
    }
    let left = bytes_max.saturating_sub(bytes.len() as u64);
    read(&mut bytes, left.saturating_add(1))?;
    match bytes.len() as u64 {
        read if read > bytes_max => Err(too_large(read)),
        _ => Ok((bytes, metadata)),
    }
}

/// The last part of a path, for people.
pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The extension in lower case, without its dot.
pub(crate) fn extension(path: &Path) -> Option<String> {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rag_core::model::MediaType;

    #[test]
    fn a_file_brings_its_name_and_type() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Read Me.MD");
        fs::write(&path, "# Hi").unwrap();
        let file = read_file(&path, 100).unwrap();
        assert_eq!(
            (file.title.as_str(), file.media_type),
            ("Read Me.MD", MediaType::Markdown)
        );
        assert_eq!(file.metadata["file_type"], "md");
        assert_eq!(file.metadata["file_size"], 4);
        let modified: Timestamp = serde_json::from_value(file.metadata["modified_at"].clone())
            .map(|text: String| text.parse().unwrap())
            .unwrap();
        assert_eq!(Some(modified), modified_at(&path.metadata().unwrap()));
        assert!(file.source_uri.unwrap().ends_with("/Read%20Me.MD"));
    }

    #[test]
    fn formats_with_a_title_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tides.ipynb");
        let book =
            r##"{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "# Tides"}]}"##;
        fs::write(&path, book).unwrap();
        let file = read_file(&path, 100).unwrap();
        assert_eq!(
            (file.title.as_str(), file.text.trim()),
            ("Tides", "# Tides")
        );
        assert_eq!(file.metadata["filename"], "tides.ipynb");
    }

    #[test]
    fn size_and_kind_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("five");
        fs::write(&path, "12345").unwrap();
        assert!(read_file(&path, 5).is_ok());
        assert!(matches!(
            read_file(&path, 4),
            Err(SourceError::TooLarge { bytes: 5, .. })
        ));
        assert!(matches!(
            read_file(folder.path(), 9),
            Err(SourceError::NotAFile { .. })
        ));
        let missing = folder.path().join("missing");
        assert!(matches!(
            read_file(&missing, 9),
            Err(SourceError::NotFound { .. })
        ));
        // What text is taken out of may be larger than the text.
        let rich = folder.path().join("a.rtf");
        fs::write(
            &rich,
            format!("{{\\rtf1 {}hi\\par}}", "{\\*\\x long}".repeat(200)),
        )
        .unwrap();
        assert_eq!(read_file(&rich, 100).unwrap().text.trim(), "hi");
    }

    #[test]
    fn what_is_no_document_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for (content, expected) in [
            (
                &b"a\0b"[..],
                "cannot take text out of `a`: it is not text: it has a NUL character at byte 1",
            ),
            (
                b"\x89PNG\r\n\x1a\n",
                "it is a PNG image, which has no text to read",
            ),
            (
                b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                "it is an archive",
            ),
        ] {
            let path = folder.path().join("a");
            fs::write(&path, content).unwrap();
            let error = read_file(&path, 100).unwrap_err();
            let source = std::error::Error::source(&error).unwrap();
            let message = format!("{error}: {source}").replace(&path.display().to_string(), "a");
            assert!(message.ends_with(expected), "{message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf_8_stay_apart() {
        use std::os::unix::ffi::OsStrExt;

        let path = |name: &[u8]| Path::new("/a").join(std::ffi::OsStr::from_bytes(name));
        assert_eq!(file_uri(&path(b"caf\xe9.md")), "file:///a/caf%E9.md");
        assert_eq!(name_of(&path(b"caf\xe9.md")), "caf\u{fffd}.md");
    }
}
