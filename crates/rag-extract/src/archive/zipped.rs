//! zip files.

use std::io::Cursor;
use std::ops::ControlFlow;

use zip::ZipArchive;
use zip::result::ZipError;

use super::{
    ArchiveMember, Budget, MEMBER_BYTES_MAX, content_of, damaged, package, path, too_large_member,
};
use crate::ExtractError;

/// Hands out the files of a zip file.
pub(super) fn read(
    bytes: &[u8],
    budget: &mut Budget,
    each: &mut dyn FnMut(ArchiveMember) -> ControlFlow<()>,
) -> Result<(), ExtractError> {
    let mut zip = package::directory(bytes)?;
    for index in 0..zip.len() {
        budget.member()?;
        let Some(path) = path_of(&mut zip, index) else {
            continue;
        };
        let content = read_member(&mut zip, index, budget)?;
        if each(ArchiveMember { path, content }).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// The path of a member that is a file.
fn path_of(zip: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Option<String> {
    let member = zip.by_index_raw(index).ok()?;
    if !member.is_file() {
        return None;
    }
    let raw = member.name_raw();
    match std::str::from_utf8(raw) {
        Ok(_) => path::tidy(raw),
        // Without the flag for UTF-8 a name is in code page 437 (APPNOTE.TXT,
        // appendix D), which the reader has decoded.
        Err(_) if !member.name().contains('\u{fffd}') => path::tidy(member.name().as_bytes()),
        Err(_) => path::tidy(raw),
    }
}

fn read_member(
    zip: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    budget: &mut Budget,
) -> Result<Result<Vec<u8>, ExtractError>, ExtractError> {
    let mut member = match zip.by_index(index) {
        Ok(member) => member,
        Err(error) => return Ok(Err(unreadable(&error))),
    };
    if member.size() > MEMBER_BYTES_MAX {
        return Ok(Err(too_large_member()));
    }
    content_of(&mut member, "zip", budget)
}

fn unreadable(error: &ZipError) -> ExtractError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            ExtractError::Encrypted
        }
        ZipError::CompressionMethodNotSupported(_) => ExtractError::Unsupported {
            what: "compressed in a rare way",
        },
        error => damaged("zip", error),
    }
}
