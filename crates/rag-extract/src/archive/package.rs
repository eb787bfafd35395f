//! zip files that are documents: what they are, whether it is safe to unpack
//! them, and their parts.

use std::io::{Cursor, Read, Write};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::{MEMBERS_MAX, damaged};
use crate::ExtractError;

/// The most bytes a document may unpack to.
const UNPACKED_BYTES_MAX: u64 = 512 << 20;
/// A part that is larger than this may not be compressed better than any text
/// is: what is, is a bomb.
const PART_BYTES_TRUSTED: u64 = 1 << 20;
/// How many times smaller a large part may be packed. XML of a spreadsheet
/// with one value everywhere comes to about a hundred.
const RATIO_MAX: u64 = 300;
/// How many times its number of members a zip file may have the signature of
/// one: those of zip files within it count as well.
const SIGNATURES_MAX: usize = 5 * MEMBERS_MAX;
/// The longest name of a media type.
const MIMETYPE_BYTES_MAX: u64 = 128;

/// What a zip file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    PowerPoint,
    Excel,
    Visio,
    OpenDocumentText,
    OpenDocumentPresentation,
    OpenDocumentSpreadsheet,
    Epub,
    Other,
}

/// The directory of a zip file, if reading it takes no more than a file may.
pub(super) fn directory(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, ExtractError> {
    let too_many = || ExtractError::TooLarge {
        limit: format!("{MEMBERS_MAX} files"),
    };
    // The reader takes some hundred bytes for each entry before it can be asked.
    let entries = bytes.windows(4).filter(|four| four == b"PK\x01\x02");
    if entries.take(SIGNATURES_MAX + 1).count() > SIGNATURES_MAX {
        return Err(too_many());
    }
    let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged("zip", &error))?;
    match zip.len() {
        0..=MEMBERS_MAX => Ok(zip),
        _ => Err(too_many()),
    }
}

/// A zip file as a set of named parts.
pub(crate) struct Package<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Package<'a> {
    /// Reads the directory.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, ExtractError> {
        directory(bytes).map(|zip| Package { zip })
    }

    /// What it is: by its content types (ECMA-376 part 2, 10.1.2.2) or by its
    /// `mimetype` (OpenDocument 1.2 part 3, 3.3; OCF 3.3, 4.3).
    pub(crate) fn kind(&mut self) -> Kind {
        let has = |folder: &str| self.zip.file_names().any(|name| name.starts_with(folder));
        if has("[Content_Types].xml") {
            let kinds = [
                ("word/", Kind::Word),
                ("ppt/", Kind::PowerPoint),
                ("xl/", Kind::Excel),
                ("visio/", Kind::Visio),
            ];
            let known = kinds.into_iter().find(|(folder, _)| has(folder));
            return known.map_or(Kind::Other, |(_, kind)| kind);
        }
        let mimetype = self.part("mimetype", MIMETYPE_BYTES_MAX);
        let mimetype = mimetype.unwrap_or_default();
        match mimetype.trim_ascii() {
            b"application/epub+zip" => Kind::Epub,
            name => match name.strip_prefix(b"application/vnd.oasis.opendocument.") {
                Some(b"text" | b"text-template") => Kind::OpenDocumentText,
                Some(b"presentation" | b"presentation-template") => Kind::OpenDocumentPresentation,
                Some(b"spreadsheet" | b"spreadsheet-template") => Kind::OpenDocumentSpreadsheet,
                _ => Kind::Other,
            },
        }
    }

    /// Refuses what would unpack to more than any document has. Sizes are what
    /// the directory tells, and parsers trust them: so each part is unpacked
    /// once, to see that it is no larger.
    pub(crate) fn check_unpacked(&mut self) -> Result<(), ExtractError> {
        let mut unpacked: u64 = 0;
        for index in 0..self.zip.len() {
            let Ok(part) = self.zip.by_index_raw(index) else {
                continue;
            };
            let (size, packed) = (part.size(), part.compressed_size().max(1));
            if size > PART_BYTES_TRUSTED && size / packed > RATIO_MAX {
                return Err(ExtractError::TooLarge {
                    limit: format!("{RATIO_MAX} times its size when it is unpacked"),
                });
            }
            unpacked = unpacked.saturating_add(size);
        }
        if unpacked > UNPACKED_BYTES_MAX {
            return Err(too_large());
        }
        for index in 0..self.zip.len() {
            // What cannot be read cannot be too large.
            if let Ok(part) = self.zip.by_index(index) {
                check_size(part)?;
            }
        }
        Ok(())
    }

    /// The names of the parts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.zip.file_names()
    }

    /// The content of a part, unless it is missing, damaged or larger than that.
    pub(crate) fn part(&mut self, name: &str, bytes_max: u64) -> Option<Vec<u8>> {
        let part = self.zip.by_name(name).ok()?;
        let bytes_max = bytes_max.min(part.size());
        let mut content = Vec::new();
        part.take(bytes_max + 1).read_to_end(&mut content).ok()?;
        (content.len() as u64 <= bytes_max).then_some(content)
    }

    /// The same package with some parts replaced and some left out, unless what
    /// it keeps is more than any document has.
    pub(crate) fn rewritten(
        &mut self,
        mut replace: impl FnMut(&mut Self, &str) -> Part,
    ) -> Result<Vec<u8>, ExtractError> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let stored = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        let failed = |error: &dyn std::fmt::Display| damaged("zip", error);
        let mut kept: u64 = 0;
        let names: Vec<String> = self.names().map(str::to_owned).collect();
        for name in names {
            match replace(self, &name) {
                Part::Kept => {
                    let index = self.zip.index_for_name(&name).unwrap_or(usize::MAX);
                    let part = self
                        .zip
                        .by_index_raw(index)
                        .map_err(|error| failed(&error))?;
                    kept = kept.saturating_add(part.compressed_size());
                    writer.raw_copy_file(part).map_err(|error| failed(&error))?;
                }
                Part::LeftOut => {}
                Part::Replaced(content) => {
                    kept = kept.saturating_add(content.len() as u64);
                    writer
                        .start_file(name, stored)
                        .map_err(|error| failed(&error))?;
                    writer.write_all(&content).map_err(|error| failed(&error))?;
                }
            }
            if kept > UNPACKED_BYTES_MAX {
                return Err(too_large());
            }
        }
        let written = writer.finish().map_err(|error| failed(&error))?;
        Ok(written.into_inner())
    }
}

fn too_large() -> ExtractError {
    ExtractError::TooLarge {
        limit: format!("{UNPACKED_BYTES_MAX} bytes unpacked"),
    }
}

/// Unpacks a part, and refuses it when there is more than it is said to have.
fn check_size(part: ZipFile<'_, Cursor<&[u8]>>) -> Result<(), ExtractError> {
    let size = part.size();
    let mut part = part.take(size.saturating_add(1));
    // The parser tells what is damaged, where it needs that part at all.
    let _ = std::io::copy(&mut part, &mut std::io::sink());
    match part.limit() {
        0 => Err(damaged("zip", &"a part has more bytes than it is said to")),
        _ => Ok(()),
    }
}

/// What becomes of a part when a package is rewritten.
pub(crate) enum Part {
    Kept,
    LeftOut,
    Replaced(Vec<u8>),
}
