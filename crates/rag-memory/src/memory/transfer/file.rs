//! An export's file: its records as lines of JSON, compressed as one gzip stream
//! (RFC 1952), so that `zcat` shows it. Blocks: runs on threads that may.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::cancelled;
use super::record::{End, FORMAT, Header, Record, VERSION};
use crate::api::Exported;
use crate::{Error, ErrorKind};

/// The most bytes of a line: a document with its vectors, which are a few times
/// as large as its text.
const LINE_BYTES_MAX: u64 = 4 << 30;

/// Writes `records` into the file at `path`, which is there only when it is whole:
/// when they came to their end.
pub(super) fn write(path: &Path, mut records: mpsc::Receiver<Record>) -> Result<Exported, Error> {
    let part = part_of(path);
    let guard = Part(&part);
    let wrong = |error: io::Error| unwritable(path, &error);
    let file = create(&part).map_err(wrong)?;
    let encoder = GzEncoder::new(BufWriter::new(file), Compression::fast());
    let mut lines = Lines {
        out: encoder,
        hasher: Sha256::new(),
        count: 0,
    };
    let mut exported = Exported {
        path: path.display().to_string(),
        bytes: 0,
        collections: 0,
        documents: 0,
        chunks: 0,
        jobs: 0,
    };
    while let Some(record) = records.blocking_recv() {
        match &record {
            Record::Collection(_) => exported.collections += 1,
            Record::Document(document) => {
                exported.documents += 1;
                exported.chunks += document.chunks.len() as u64;
            }
            Record::Job(_) => exported.jobs += 1,
            Record::Header(_) => {}
            Record::End(_) => {
                let file = lines.end().map_err(wrong)?;
                file.sync_all().map_err(wrong)?;
                exported.bytes = file.metadata().map_err(wrong)?.len();
                std::fs::rename(&part, path).map_err(wrong)?;
                std::mem::forget(guard);
                return Ok(exported);
            }
        }
        lines.write(&record).map_err(wrong)?;
    }
    Err(cancelled())
}

/// Removes what was written of a file that did not become whole.
struct Part<'path>(&'path Path);

impl Drop for Part<'_> {
    fn drop(&mut self) {
        // What cannot be removed is told by whatever made it so.
        let _ = std::fs::remove_file(self.0);
    }
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// Documents may be private: the file is for its owner alone.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

struct Lines {
    out: GzEncoder<BufWriter<File>>,
    hasher: Sha256,
    count: u64,
}

impl Lines {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.hasher.update(&line);
        self.count += 1;
        self.out.write_all(&line)
    }

    fn end(mut self) -> io::Result<File> {
        let end = Record::End(End {
            records: self.count,
            sha256: hex(self.hasher.clone()),
        });
        self.write(&end)?;
        Ok(self.out.finish()?.into_inner()?)
    }
}

fn hex(hasher: Sha256) -> String {
    let bytes = hasher.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the file at `path` to its end: whether it is an export that this
/// program knows, complete and unchanged.
pub(super) fn check(path: &Path, cancel: &CancellationToken) -> Result<(), Error> {
    let mut reader = open(path)?;
    let mut hasher = Sha256::new();
    let (mut count, mut line) = (0, Vec::new());
    while next(path, &mut reader, &mut line)? {
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        if count == 0 {
            header(path, &line)?;
        }
        if line.starts_with(br#"{"record":"end""#) {
            let Record::End(end) = record(path, count, &line)? else {
                return Err(damaged(path, "the last record is none"));
            };
            return match end.records == count && end.sha256 == hex(hasher) {
                true => Ok(()),
                false => Err(damaged(path, "its checksum is another")),
            };
        }
        hasher.update(&line);
        count += 1;
    }
    let message = format!(
        "`{}` ends after {count} records: it is cut off",
        path.display()
    );
    Err(Error::invalid(message).hint("copy it again, or export again"))
}

/// Sends the records of a file that was checked.
pub(super) fn read(path: &Path, records: &mpsc::Sender<Record>) -> Result<(), Error> {
    let mut reader = open(path)?;
    let (mut count, mut line) = (0, Vec::new());
    while next(path, &mut reader, &mut line)? {
        // Nobody takes them any more: the other side knows why.
        if records.blocking_send(record(path, count, &line)?).is_err() {
            return Ok(());
        }
        count += 1;
    }
    Ok(())
}

type Reader = BufReader<MultiGzDecoder<BufReader<File>>>;

fn open(path: &Path) -> Result<Reader, Error> {
    let file = File::open(path).map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, format!("cannot read `{}`: {error}", path.display()))
    })?;
    Ok(BufReader::new(MultiGzDecoder::new(BufReader::new(file))))
}

/// The next line, if there is one.
fn next(path: &Path, reader: &mut Reader, line: &mut Vec<u8>) -> Result<bool, Error> {
    line.clear();
    let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line);
    match read {
        Ok(0) => Ok(false),
        Ok(_) => Ok(true),
        Err(error) => {
            let message = format!("`{}` cannot be unpacked: {error}", path.display());
            Err(Error::invalid(message).hint(
                "it must be a file that `rag export` wrote; if it is, copy it again or export again",
            ))
        }
    }
}

fn record(path: &Path, count: u64, line: &[u8]) -> Result<Record, Error> {
    serde_json::from_slice(line)
        .map_err(|error| damaged(path, &format!("record {count} is none ({error})")))
}

fn header(path: &Path, line: &[u8]) -> Result<(), Error> {
    match serde_json::from_slice(line) {
        Ok(Record::Header(Header {
            format, version, ..
        })) if format == FORMAT => match version {
            0..=VERSION => Ok(()),
            _ => {
                let message = format!(
                    "`{}` has version {version} of the format, this program knows {VERSION}",
                    path.display()
                );
                Err(Error::invalid(message).hint("use a newer version of rag"))
            }
        },
        _ => {
            let message = format!("`{}` is no export of rag", path.display());
            Err(Error::invalid(message).hint("`rag export FILE` makes one"))
        }
    }
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::invalid(format!("`{}` is damaged: {what}", path.display()))
        .hint("copy it again, or export again; nothing was put in")
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("cannot write `{}`: {error}", path.display()))
        .hint("its folder must be there, writable, and have room")
}
