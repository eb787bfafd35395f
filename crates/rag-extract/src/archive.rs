//! Archives: files in a file. zip, tar, tar.gz, and a single file under gzip.
//!
//! Nothing is written anywhere, so a path in an archive leads nowhere; those
//! that try to are left out all the same, since they would name a file
//! elsewhere. Opening the archives in an archive is left to the caller.

pub(crate) mod package;
mod path;
mod tarball;
mod zipped;

use std::io::Read;
use std::ops::ControlFlow;

use crate::{ExtractError, Limits};

/// The most files, directories and links an archive may have.
pub(crate) const MEMBERS_MAX: usize = 20_000;
/// The most bytes a file in an archive may have.
pub(crate) const MEMBER_BYTES_MAX: u64 = 100 << 20;
/// The most bytes that are unpacked from one archive.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveMember {
    /// Its path there, with `/` between its parts, none of them `.` or `..`.
    /// Bytes that are no UTF-8 appear as `%` and two hexadecimal digits.
    pub path: String,
    /// Its content, or why it cannot be had.
    pub content: Result<Vec<u8>, ExtractError>,
}

/// Hands each file of an archive to `each`, in their order, until that breaks
/// off. Directories, links and devices are left out, and so are paths that are
/// absolute or lead upwards; archives in it are files.
///
/// A file that is encrypted, damaged or larger than 100 MiB is handed out as
/// that error. More than 20,000 members or 1 GiB in all end it with
/// [`ExtractError::TooLarge`], after the files before were handed out.
/// `limits` are for what its files become, and bound nothing here.
pub fn read_archive(
    bytes: &[u8],
    limits: &Limits,
    each: &mut dyn FnMut(ArchiveMember) -> ControlFlow<()>,
) -> Result<(), ExtractError> {
    let _ = limits;
    let mut budget = Budget::default();
    if bytes.starts_with(b"PK") {
        zipped::read(bytes, &mut budget, each)
    } else if bytes.starts_with(b"\x1f\x8b") {
        tarball::read_gzip(bytes, &mut budget, each)
    } else {
        tarball::read(bytes, &mut budget, each)
    }
}

/// What an archive may still take.
struct Budget {
    members: usize,
    bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            members: MEMBERS_MAX,
            bytes: UNPACKED_BYTES_MAX,
        }
    }
}

impl Budget {
    /// Takes one member of it.
    fn member(&mut self) -> Result<(), ExtractError> {
        match self.members.checked_sub(1) {
            Some(left) => {
                self.members = left;
                Ok(())
            }
            None => Err(ExtractError::TooLarge {
                limit: format!("{MEMBERS_MAX} files"),
            }),
        }
    }

    /// Takes what was unpacked of it.
    fn unpacked(&mut self, bytes: u64) -> Result<(), ExtractError> {
        match self.bytes.checked_sub(bytes) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => Err(ExtractError::TooLarge {
                limit: format!("{UNPACKED_BYTES_MAX} bytes unpacked"),
            }),
        }
    }
}

/// Reads a member's content: all of it, or an error of its own.
fn content_of(
    member: &mut impl Read,
    format: &'static str,
    budget: &mut Budget,
) -> Result<Result<Vec<u8>, ExtractError>, ExtractError> {
    let mut content = Vec::new();
    let read = member.take(MEMBER_BYTES_MAX + 1).read_to_end(&mut content);
    budget.unpacked(content.len() as u64)?;
    Ok(match read {
        Err(error) => Err(damaged(format, &error)),
        Ok(_) if content.len() as u64 > MEMBER_BYTES_MAX => Err(too_large_member()),
        Ok(_) => Ok(content),
    })
}

fn too_large_member() -> ExtractError {
    ExtractError::TooLarge {
        limit: format!("{MEMBER_BYTES_MAX} bytes"),
    }
}

fn damaged(format: &'static str, error: &dyn std::fmt::Display) -> ExtractError {
    ExtractError::Damaged {
        format,
        message: error.to_string(),
    }
}
