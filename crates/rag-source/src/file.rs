//! One file to text.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rag_core::model::{Extracted, MediaType, Metadata};
use serde_json::Value;

use crate::SourceError;
use crate::decode::decode;

/// File name extensions of source code and configuration.
const CODE: &[&str] = &[
    "rs", "py", "js", "mjs", "cjs", "jsx", "ts", "tsx", "go", "java", "kt", "kts", "scala", "c",
    "h", "cc", "cpp", "cxx", "hpp", "hh", "cs", "fs", "swift", "m", "mm", "rb", "php", "pl", "pm",
    "lua", "r", "jl", "hs", "ml", "mli", "ex", "exs", "erl", "clj", "lisp", "scm", "sh", "bash",
    "zsh", "fish", "ps1", "bat", "sql", "proto", "graphql", "css", "scss", "less", "html", "htm",
    "xml", "svg", "vue", "svelte", "json", "jsonl", "yaml", "yml", "toml", "ini", "cfg", "conf",
    "env", "tf", "hcl", "nix", "dart", "zig", "nim", "v", "vhd", "asm", "s", "cmake", "gradle",
];

/// Reads the text file at `path`, which must have been resolved by
/// [`crate::FileRoots`]. Never reads more than `bytes_max` bytes and one.
///
/// Its title is its name; its metadata are `filename`, `file_path` and
/// `file_type` (the extension, or `text`).
pub fn read_file(path: &Path, bytes_max: u64) -> Result<Extracted, SourceError> {
    let unreadable = |error| SourceError::from_io(path, error);
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(SourceError::NotAFile {
            path: path.to_owned(),
        });
    }
    let too_large = |bytes| SourceError::TooLarge {
        path: path.to_owned(),
        bytes,
        bytes_max,
    };
    if metadata.len() > bytes_max {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max {
        return Err(too_large(bytes.len() as u64));
    }
    let decoded = decode(bytes).map_err(|reason| SourceError::NotText {
        path: path.to_owned(),
        reason,
    })?;
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    let extension = extension(path);
    let mut metadata = Metadata::new();
    metadata.insert("filename".to_owned(), Value::from(name.clone()));
    metadata.insert("file_path".to_owned(), Value::from(path.to_string_lossy()));
    metadata.insert(
        "file_type".to_owned(),
        Value::from(extension.as_deref().unwrap_or("text")),
    );
    Ok(Extracted {
        source_uri: Some(file_uri(path)),
        title: name,
        media_type: media_type(extension.as_deref()),
        text: decoded.text,
        metadata,
        warnings: decoded.warning.into_iter().collect(),
    })
}

/// The `file:` URI of an absolute path.
pub fn file_uri(path: &Path) -> String {
    match url::Url::from_file_path(path) {
        Ok(url) => url.into(),
        Err(()) => format!("file:{}", path.display()),
    }
}

/// The extension in lower case, without its dot.
pub(crate) fn extension(path: &Path) -> Option<String> {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
}

fn media_type(extension: Option<&str>) -> MediaType {
    match extension {
        Some("md" | "markdown" | "mdx") => MediaType::Markdown,
        Some(extension) if CODE.contains(&extension) => MediaType::Code,
        _ => MediaType::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_brings_its_name_and_type() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Read Me.MD");
        std::fs::write(&path, "# Hi").unwrap();
        let file = read_file(&path, 100).unwrap();
        assert_eq!(
            (file.title.as_str(), file.media_type),
            ("Read Me.MD", MediaType::Markdown)
        );
        assert_eq!(file.metadata["file_type"], "md");
        assert!(file.source_uri.unwrap().ends_with("/Read%20Me.MD"));
    }

    #[test]
    fn size_and_kind_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("five");
        std::fs::write(&path, "12345").unwrap();
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
    }
}
