//! The documents of an archive on disk, and of the archives in it.

use std::ops::ControlFlow;
use std::path::Path;

use rag_core::model::Extracted;
use rag_extract::{About, ExtractError, Limits, read_archive};
use serde_json::Value;

use crate::SourceError;
use crate::file::{document, file_uri, read_bytes};

/// How many archives may be around a document.
const DEPTH_MAX: usize = 2;
/// The most files that are read of an archive and those in it together.
const FILES_MAX: usize = 20_000;
/// The most bytes of all of them.
const BYTES_MAX: u64 = 1 << 30;

/// A file of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedFile {
    /// Its path in the archive, such as `docs/a.md`; in an archive within the
    /// archive, `inner.zip/docs/a.md`.
    pub archive_path: String,
    /// Its URI: the archive's, and the path as the fragment.
    pub source_uri: String,
    /// Its text, or why there is none. Metadata: `filename`, `file_path` (the
    /// archive's), `file_type`, `file_size` (unpacked), `archive_path`, and
    /// what the document itself has.
    pub outcome: Result<Extracted, ExtractError>,
}

/// Hands each file of the archive at `path` to `each`, in their order, until
/// that breaks off. `path` must have been resolved by [`crate::FileRoots`].
/// At most `bytes_max` bytes of text come out of each file. Archives in the
/// archive are opened as well, those in these are not.
///
/// An error is for the archive as a whole: that it is none, is damaged, or has
/// more than is unpacked. What came before was handed out.
pub fn read_archive_file(
    path: &Path,
    bytes_max: u64,
    each: &mut dyn FnMut(ArchivedFile) -> ControlFlow<()>,
) -> Result<(), SourceError> {
    let (bytes, _) = read_bytes(path, bytes_max)?;
    let mut opened = Opened {
        uri: file_uri(path),
        path,
        bytes_max,
        files_left: FILES_MAX,
        bytes_left: BYTES_MAX,
        each,
    };
    opened
        .hand_out(&bytes, "", 1)
        .map(drop)
        .map_err(|source| SourceError::Extract {
            path: path.to_owned(),
            source,
        })
}

/// An archive that is being read.
struct Opened<'a> {
    uri: String,
    path: &'a Path,
    bytes_max: u64,
    files_left: usize,
    bytes_left: u64,
    each: &'a mut dyn FnMut(ArchivedFile) -> ControlFlow<()>,
}

impl Opened<'_> {
    /// Hands out the files of one archive, which is at `folder` and in as many
    /// archives as `depth` says.
    fn hand_out(
        &mut self,
        bytes: &[u8],
        folder: &str,
        depth: usize,
    ) -> Result<ControlFlow<()>, ExtractError> {
        let mut ended = Ok(ControlFlow::Continue(()));
        let outcome = read_archive(bytes, &Limits::default(), &mut |member| {
            let name = match member.path.is_empty() {
                // What is alone under gzip need not have a name.
                true => name_without_gz(self.path),
                false => member.path,
            };
            ended = self.file(format!("{folder}{name}"), member.content, depth);
            match ended {
                Ok(flow) => flow,
                Err(_) => ControlFlow::Break(()),
            }
        });
        outcome.and(ended)
    }

    fn file(
        &mut self,
        archive_path: String,
        content: Result<Vec<u8>, ExtractError>,
        depth: usize,
    ) -> Result<ControlFlow<()>, ExtractError> {
        self.take(content.as_ref().map_or(0, Vec::len) as u64)?;
        let name = archive_path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let about = About {
            name: Some(&name),
            ..About::default()
        };
        let content = match content {
            Ok(content) if is_archive(&content, &about) && depth < DEPTH_MAX => {
                return match self.hand_out(&content, &format!("{archive_path}/"), depth + 1) {
                    Err(error) if !self.is_spent() => Ok(self.give(archive_path, Err(error))),
                    other => other,
                };
            }
            content => content,
        };
        let outcome = content.and_then(|content| {
            let size = content.len();
            let mut file = document(content, &about, self.bytes_max)?;
            let own = [
                ("filename", Value::from(name.as_str())),
                ("file_path", Value::from(self.path.to_string_lossy())),
                ("file_size", Value::from(size)),
                ("archive_path", Value::from(archive_path.as_str())),
            ];
            for (key, value) in own {
                file.metadata.insert(key.to_owned(), value);
            }
            Ok(file)
        });
        Ok(self.give(archive_path, outcome))
    }

    fn give(
        &mut self,
        archive_path: String,
        outcome: Result<Extracted, ExtractError>,
    ) -> ControlFlow<()> {
        let source_uri = format!("{}#{}", self.uri, escaped(&archive_path));
        let outcome = outcome.map(|file| Extracted {
            source_uri: Some(source_uri.clone()),
            ..file
        });
        (self.each)(ArchivedFile {
            archive_path,
            source_uri,
            outcome,
        })
    }

    /// Takes a file of what may be read in all.
    fn take(&mut self, bytes: u64) -> Result<(), ExtractError> {
        let too_large = |limit| ExtractError::TooLarge { limit };
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        if self.files_left == 0 {
            return Err(too_large(format!("{FILES_MAX} files")));
        }
        self.files_left -= 1;
        if self.bytes_left == 0 {
            return Err(too_large(format!("{BYTES_MAX} bytes unpacked")));
        }
        Ok(())
    }

    fn is_spent(&self) -> bool {
        self.files_left == 0 || self.bytes_left == 0
    }
}

fn is_archive(content: &[u8], about: &About<'_>) -> bool {
    rag_extract::detect(content, about) == Ok(rag_extract::Format::Archive)
}

/// What `gunzip` would call the file.
fn name_without_gz(path: &Path) -> String {
    let name = crate::file::name_of(path);
    name.strip_suffix(".gz").unwrap_or(&name).to_owned()
}

/// A path as the fragment of a URI (RFC 3986, 3.5).
fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(char::from(byte));
            }
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in files {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn archives_in_an_archive_are_opened_to_a_depth() {
        let third = zip_of(&[("c.md", b"# C")]);
        let second = zip_of(&[("b.md", b"# B"), ("third.zip", &third)]);
        let first = zip_of(&[
            ("docs/a #1.md", b"# A"),
            ("second.zip", &second),
            ("broken.zip", b"PK\x03\x04 and no more"),
            ("logo.png", b"\x89PNG\r\n\x1a\n"),
            ("last.md", b"# Last"),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("first.zip");
        std::fs::write(&path, first).unwrap();
        let mut found = Vec::new();
        read_archive_file(&path, 1_000, &mut |file| {
            found.push(file);
            ControlFlow::Continue(())
        })
        .unwrap();
        let told: Vec<(&str, String)> = found
            .iter()
            .map(|file| {
                let outcome = match &file.outcome {
                    Ok(document) => document.text.clone(),
                    Err(error) => error.to_string(),
                };
                (file.archive_path.as_str(), outcome)
            })
            .collect();
        assert_eq!(told[0], ("docs/a #1.md", "# A".to_owned()));
        assert_eq!(told[1], ("second.zip/b.md", "# B".to_owned()));
        assert_eq!(
            told[2],
            ("second.zip/third.zip", "it is an archive".to_owned())
        );
        assert_eq!(told[3].0, "broken.zip");
        assert!(told[3].1.starts_with("it is a damaged"), "{}", told[3].1);
        assert_eq!(told[4].1, "it is a PNG image, which has no text to read");
        assert_eq!(told[5].0, "last.md");

        let first = found[0].outcome.as_ref().unwrap();
        assert_eq!(first.title, "a #1.md");
        assert_eq!(first.metadata["archive_path"], "docs/a #1.md");
        assert_eq!(first.metadata["file_size"], 3);
        let uri = first.source_uri.as_deref().unwrap();
        assert!(uri.ends_with("/first.zip#docs/a%20%231.md"), "{uri}");
        assert_eq!(uri, found[0].source_uri);

        let mut count = 0;
        let stopped = read_archive_file(&path, 1_000, &mut |file| {
            count += 1;
            match file.archive_path.starts_with("second.zip/") {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        assert!(stopped.is_ok());
        assert_eq!(count, 2);
    }
}
