//! tar files, and what is under gzip.

use std::io::Read;
use std::ops::ControlFlow;

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType, PaxExtensions};

use super::{ArchiveMember, Budget, MEMBER_BYTES_MAX, content_of, damaged, path, too_large_member};
use crate::ExtractError;

/// The size of a header, which is also the unit that content is padded to.
const BLOCK_BYTES: u64 = 512;
/// The most bytes of a long name or of extended attributes.
const EXTENSION_BYTES_MAX: u64 = 64 << 10;

/// Hands out the files of a tar file.
pub(super) fn read(
    bytes: &[u8],
    budget: &mut Budget,
    each: &mut dyn FnMut(ArchiveMember) -> ControlFlow<()>,
) -> Result<(), ExtractError> {
    read_members(bytes, budget, each)
}

/// Hands out the files of a tar file under gzip, or the one file there is.
pub(super) fn read_gzip(
    bytes: &[u8],
    budget: &mut Budget,
    each: &mut dyn FnMut(ArchiveMember) -> ControlFlow<()>,
) -> Result<(), ExtractError> {
    let mut head = Vec::new();
    // What is damaged further on is found when that is read.
    let _ = MultiGzDecoder::new(bytes)
        .take(BLOCK_BYTES)
        .read_to_end(&mut head);
    if head.get(257..262) == Some(b"ustar") {
        return read_members(MultiGzDecoder::new(bytes), budget, each);
    }
    let mut unpacked = MultiGzDecoder::new(bytes);
    let named = unpacked.header().and_then(|header| header.filename());
    let path = named.and_then(path::tidy).unwrap_or_default();
    let content = content_of(&mut unpacked, "gzip", budget)?;
    let _ = each(ArchiveMember { path, content });
    Ok(())
}

fn read_members(
    reader: impl Read,
    budget: &mut Budget,
    each: &mut dyn FnMut(ArchiveMember) -> ControlFlow<()>,
) -> Result<(), ExtractError> {
    // Members that are passed over are unpacked as well, so the bound is on
    // what is read, a little above what the files may have.
    let mut archive = Archive::new(reader.take(budget.bytes.saturating_mul(2)));
    let entries = archive.entries().map_err(|error| damaged("tar", &error))?;
    // Extensions are read here rather than by the library, which would hold
    // one of any size in memory.
    let mut long_name: Option<Vec<u8>> = None;
    for entry in entries.raw(true) {
        budget.member()?;
        let mut entry = entry.map_err(|error| damaged("tar", &error))?;
        match entry.header().entry_type() {
            EntryType::GNULongName => {
                let name = extension(&mut entry)?;
                let end = name.iter().position(|&byte| byte == 0);
                long_name = Some(name[..end.unwrap_or(name.len())].to_vec());
                continue;
            }
            EntryType::XHeader => {
                let records = extension(&mut entry)?;
                long_name = pax_path(&records).or(long_name);
                continue;
            }
            EntryType::Regular | EntryType::Continuous => {}
            _ => {
                long_name = None;
                continue;
            }
        }
        let name = long_name
            .take()
            .unwrap_or_else(|| entry.path_bytes().into_owned());
        let Some(path) = path::tidy(&name) else {
            continue;
        };
        let content = if entry.size() > MEMBER_BYTES_MAX {
            budget.unpacked(entry.size())?;
            Err(too_large_member())
        } else {
            let size = entry.size();
            let content = content_of(&mut entry, "tar", budget)?;
            // Where the archive is cut off, the reader ends without an error.
            content.and_then(|content| match content.len() as u64 == size {
                true => Ok(content),
                false => Err(damaged("tar", &"the archive ends in this file")),
            })
        };
        if each(ArchiveMember { path, content }).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// The content of a header that extends the next one.
fn extension(entry: &mut impl Read) -> Result<Vec<u8>, ExtractError> {
    let mut content = Vec::new();
    entry
        .take(EXTENSION_BYTES_MAX)
        .read_to_end(&mut content)
        .map_err(|error| damaged("tar", &error))?;
    Ok(content)
}

/// The path in the records of an extended header (POSIX.1-2001, `pax`).
fn pax_path(records: &[u8]) -> Option<Vec<u8>> {
    PaxExtensions::new(records)
        .flatten()
        .find(|record| record.key_bytes() == b"path")
        .map(|record| record.value_bytes().to_vec())
}
