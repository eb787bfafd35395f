//! The files in a tarball, one at a time: the whole is never unpacked.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use flate2::bufread::GzDecoder;
use sha1::{Digest as _, Sha1};
use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::{GitHubError, bad_answer};
use crate::bounded::Bounded;

/// The most entries of a tarball.
const ENTRIES_MAX: usize = 200_000;

/// The most bytes that are read through, unpacked.
const BYTES_MAX: u64 = 4 << 30;

/// The most bytes of a name that does not fit into an entry's own header.
const NAME_BYTES_MAX: u64 = 64 << 10;

/// How much is set aside for a file before it is read, at most: a header may lie.
const CAPACITY_MAX: u64 = 1 << 20;

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryFile {
    /// Its path in the repository.
    pub path: String,
    /// The hash Git knows its content by.
    pub blob_sha: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// A tarball on disk, gone when dropped.
#[derive(Debug)]
pub struct Tarball {
    /// Read by one at a time, from the beginning.
    file: Mutex<File>,
    /// The part of the repository that is asked for.
    path: String,
}

impl Tarball {
    pub(super) fn new(file: File, path: &str) -> Self {
        Tarball {
            file: Mutex::new(file),
            path: path.to_owned(),
        }
    }

    /// The files below the repository's path whose path `wanted` accepts, with
    /// at most `file_bytes_max` bytes each; larger ones are told to `too_large`
    /// with their size. Symbolic links and submodules are no files.
    ///
    /// Returns how many files have names that are not UTF-8; they are left out.
    /// An archive that turns out to be damaged is an error after what was read
    /// of it. Blocks.
    pub fn files(
        &self,
        wanted: &dyn Fn(&str) -> bool,
        file_bytes_max: u64,
        each: &mut dyn FnMut(RepositoryFile) -> ControlFlow<()>,
        too_large: &mut dyn FnMut(&str, u64),
    ) -> Result<u64, GitHubError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.rewind().map_err(damaged)?;
        let unpacked = Bounded::new(GzDecoder::new(BufReader::new(&mut *file)), BYTES_MAX);
        let mut archive = Archive::new(unpacked);
        // Raw, since otherwise long names are read whole, however long.
        let entries = archive.entries().map_err(damaged)?.raw(true);
        let mut names = Names::default();
        let mut nameless = 0;
        for (number, entry) in entries.enumerate() {
            if number == ENTRIES_MAX {
                let message = format!("the archive has more than {ENTRIES_MAX} entries");
                return Err(bad_answer(message));
            }
            let mut entry = entry.map_err(damaged)?;
            let Some(name) = names.of_file(&mut entry)? else {
                continue;
            };
            let Some(path) = self.path_in_repository(&name)? else {
                continue;
            };
            let Ok(path) = std::str::from_utf8(path) else {
                nameless += 1;
                continue;
            };
            if !wanted(path) {
                continue;
            }
            if entry.size() > file_bytes_max {
                too_large(path, entry.size());
                continue;
            }
            let content = read(&mut entry, file_bytes_max)?;
            let file = RepositoryFile {
                path: path.to_owned(),
                blob_sha: blob_sha(&content),
                content,
            };
            if each(file).is_break() {
                return Ok(nameless);
            }
        }
        // To its end, where the checksum is: a cut archive must not look whole.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
        Ok(nameless)
    }

    /// A file's path without the folder that all of an archive is in, if it is
    /// below the path that is asked for. Folders have none.
    fn path_in_repository<'a>(&self, name: &'a [u8]) -> Result<Option<&'a [u8]>, GitHubError> {
        let is_odd = |segment: &[u8]| matches!(segment, b".." | b"." | b"");
        let Some(top) = name.iter().position(|&byte| byte == b'/') else {
            return Ok(None);
        };
        let path = &name[top + 1..];
        if path.is_empty() || path.ends_with(b"/") {
            return Ok(None);
        }
        if top == 0 || name.split(|&byte| byte == b'/').any(is_odd) {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(damaged(format!("`{name}` is no path in a repository")));
        }
        let wanted = self.path.as_bytes();
        let is_below = match path.strip_prefix(wanted) {
            Some(rest) => wanted.is_empty() || rest.is_empty() || rest.starts_with(b"/"),
            None => false,
        };
        Ok(is_below.then_some(path))
    }
}

/// Names that are too long for a file's own header stand in an entry before it.
#[derive(Default)]
struct Names {
    /// That of the entry that comes next.
    next: Option<Vec<u8>>,
}

impl Names {
    /// The name of an entry, if it is a file.
    fn of_file(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
    ) -> Result<Option<Vec<u8>>, GitHubError> {
        match entry.header().entry_type() {
            EntryType::XHeader => self.next = pax_path(&read(entry, NAME_BYTES_MAX)?),
            EntryType::GNULongName => {
                let mut name = read(entry, NAME_BYTES_MAX)?;
                let end = name.iter().position(|&byte| byte == 0);
                name.truncate(end.unwrap_or(name.len()));
                self.next = Some(name);
            }
            EntryType::XGlobalHeader | EntryType::GNULongLink => {}
            EntryType::Regular | EntryType::Continuous => {
                let long = self.next.take();
                let name = long.unwrap_or_else(|| entry.header().path_bytes().into_owned());
                return Ok(Some(name));
            }
            _ => self.next = None,
        }
        Ok(None)
    }
}

/// The content of an entry, which must be all there.
fn read(entry: &mut Entry<'_, impl Read>, bytes_max: u64) -> Result<Vec<u8>, GitHubError> {
    let size = entry.size();
    if size > bytes_max {
        return Err(damaged("a name is too long"));
    }
    let capacity = usize::try_from(size.min(CAPACITY_MAX)).expect("it is a small number");
    let mut content = Vec::with_capacity(capacity);
    entry.read_to_end(&mut content).map_err(damaged)?;
    if content.len() as u64 != size {
        return Err(damaged("it ends in the middle of a file"));
    }
    Ok(content)
}

/// The path in a pax header (POSIX.1-2001, pax interchange format).
fn pax_path(records: &[u8]) -> Option<Vec<u8>> {
    PaxExtensions::new(records)
        .filter_map(Result::ok)
        .find(|record| record.key_bytes() == b"path")
        .map(|record| record.value_bytes().to_vec())
}

/// The hash that Git gives to a file of this content.
fn blob_sha(content: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", content.len()));
    hash.update(content);
    hash.finalize()
        .iter()
        .fold(String::with_capacity(40), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes any text");
            text
        })
}

fn damaged(error: impl std::fmt::Display) -> GitHubError {
    bad_answer(format!("the archive is damaged: {error}"))
}
