//! The store's file as the file system sees it: made with tight permissions,
//! and watched, because SQLite would go on writing into a file that someone
//! removed, and everything written there would be lost.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use rag_core::port::StoreError;

/// The file of an open store.
#[derive(Debug)]
pub(super) struct StoreFile {
    path: PathBuf,
    identity: Identity,
}

/// Tells a file from another that has taken its name.
type Identity = (u64, u64);

impl StoreFile {
    /// The file at `path`, made when it is not there, with its folders.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|error| not_writable(path, &error))?;
        if let Some(folder) = path.parent() {
            create_folder(folder).map_err(|error| not_writable(&path, &error))?;
        }
        create_file(&path).map_err(|error| not_writable(&path, &error))?;
        let metadata = fs::metadata(&path).map_err(|error| not_writable(&path, &error))?;
        if metadata.is_dir() {
            return Err(not_writable(
                &path,
                &io::Error::from(io::ErrorKind::IsADirectory),
            ));
        }
        Ok(StoreFile {
            identity: identity(&metadata),
            path,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as it is shown.
    pub(super) fn location(&self) -> String {
        self.path.display().to_string()
    }

    /// Fails when the file that was opened no longer has its name.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let source = match fs::metadata(&self.path) {
            Ok(metadata) if identity(&metadata) == self.identity => return Ok(()),
            Ok(_) => io::Error::other("another file has taken its place; restart to use that one"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                io::Error::new(error.kind(), "its file was removed while it was in use")
            }
            Err(error) => error,
        };
        let action = format!("use the store at {}", self.location());
        Err(StoreError::Unavailable {
            action,
            source: Box::new(source),
        })
    }

    /// The size of the file and its write-ahead log.
    pub(super) fn size_bytes(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        size(&self.path) + size(Path::new(&log))
    }
}

fn not_writable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::NotWritable {
        location: path.display().to_string(),
        message: error.to_string(),
    }
}

#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Makes the file, for its owner alone. SQLite gives its log the same mode.
fn create_file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A store on a read-only medium can still be read.
        Err(_) if path.exists() => Ok(()),
        made => made.map(drop),
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> Identity {
    let since_epoch = metadata
        .created()
        .ok()
        .and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    since_epoch.map_or((0, 0), |age| (age.as_secs(), u64::from(age.subsec_nanos())))
}
