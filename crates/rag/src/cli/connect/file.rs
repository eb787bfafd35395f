//! A client's file: what becomes of its text, and how that reaches the disk.
//! How the text is changed is in `json_file` and `toml_file`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rag_core::model::Timestamp;

use super::client::Format;
use super::entry::Entry;
use super::{json_file, toml_file};

/// The most backups of one file that are made in one second.
const BACKUPS_PER_SECOND_MAX: u32 = 100;

/// What becomes of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// It had this entry already.
    Same,
    /// It had no entry of that name, and needs none.
    Absent,
    /// The entry is new.
    Added(String),
    /// Another entry of that name stood there.
    Replaced(String),
    /// The entry is gone.
    Removed(String),
}

/// Why a text is not changed.
#[derive(Debug)]
pub(super) struct Unusable(pub(super) String);

/// Where an entry stands in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    /// How the file is written.
    pub(super) format: Format,
    /// The list of servers.
    pub(super) section: &'a str,
    /// The entry's name in it.
    pub(super) name: &'a str,
}

impl Spot<'_> {
    /// `text` with `entry` in this spot.
    pub(super) fn set(&self, text: &str, entry: &Entry) -> Result<Edit, Unusable> {
        match self.format {
            Format::Json => json_file::set(text, self.section, self.name, entry),
            Format::Toml => toml_file::set(text, self.section, self.name, entry),
        }
    }

    /// `text` without the entry in this spot.
    pub(super) fn remove(&self, text: &str) -> Result<Edit, Unusable> {
        match self.format {
            Format::Json => json_file::remove(text, self.section, self.name),
            Format::Toml => toml_file::remove(text, self.section, self.name),
        }
    }

    /// A file that has nothing but `entry`, to be read by people.
    pub(super) fn snippet(&self, entry: &Entry) -> String {
        match self.set("", entry) {
            Ok(Edit::Added(text)) => text.trim_end().to_owned(),
            _ => String::new(),
        }
    }
}

/// `new` with the line ends of `text`.
pub(super) fn with_line_ends_of(text: &str, new: &str) -> String {
    match text.contains("\r\n") {
        true => new.replace("\r\n", "\n").replace('\n', "\r\n"),
        false => new.to_owned(),
    }
}

/// The bytes of a file; none when there is no such file.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// Puts `text` into a file, whole or not at all. What stood there is kept
/// beside it; gives where.
pub(super) fn write(path: &Path, text: &str, now: Timestamp) -> io::Result<Option<PathBuf>> {
    let path = behind_link(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let backup = match path.exists() {
        true => Some(back_up(&path, now)?),
        false => None,
    };
    let unfinished = beside(&path, &format!(".{}.unfinished", std::process::id()));
    let written = write_new(&unfinished, &path, text).and_then(|()| fs::rename(&unfinished, &path));
    if written.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&unfinished);
    }
    written.map(|()| backup)
}

/// The file itself where `path` is a link to it, as those who keep their
/// settings in a repository have: the link stays.
fn behind_link(path: &Path) -> PathBuf {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
        }
        _ => path.to_owned(),
    }
}

/// Copies a file to one beside it that does not exist yet.
fn back_up(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    for number in 1..=BACKUPS_PER_SECOND_MAX {
        let backup = match number {
            1 => beside(path, &format!(".bak-{time}")),
            _ => beside(path, &format!(".bak-{time}-{number}")),
        };
        if !backup.exists() {
            fs::copy(path, &backup)?;
            return Ok(backup);
        }
    }
    let message = "too many backups of it were made in this second";
    Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
}

/// Writes a file that does not exist yet, with the permissions of another. A
/// file without a model is its owner's alone, since it may hold a token.
fn write_new(path: &Path, model: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = fs::metadata(model) {
        file.set_permissions(metadata.permissions())?;
    }
    file.sync_all()
}

/// The path with something appended to its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_stood_there_is_kept_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/f.json");
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(read(&path).unwrap(), b"");
        assert_eq!(write(&path, "one", now).unwrap(), None);
        let first = write(&path, "two", now).unwrap().unwrap();
        let second = write(&path, "three", now).unwrap().unwrap();
        assert_eq!(read(&path).unwrap(), b"three");
        assert_eq!(read(&first).unwrap(), b"one");
        assert_eq!(read(&second).unwrap(), b"two");
        assert_eq!(
            names(&folder.path().join("deep")),
            [
                "f.json",
                "f.json.bak-19700101T000000Z",
                "f.json.bak-19700101T000000Z-2"
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real"), folder.path().join("link"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        write(&file, "one", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        write(&link, "two", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(
            (read(&file).unwrap(), mode(&file)),
            (b"two".to_vec(), 0o640)
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
