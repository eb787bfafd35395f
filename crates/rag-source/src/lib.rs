//! Text in: reads files and archives and finds them in directories, for as long
//! as the operator allows it. What is in a file is left to `rag-extract`, and
//! what becomes of its text to `rag-core`.

mod archive;
mod directory;
mod error;
mod file;
mod roots;
mod watch;

pub use archive::{ArchivedFile, read_archive_file};
pub use directory::{DirectoryListing, FILES_MAX, ListOptions, ListedFile, list_files};
pub use error::SourceError;
pub use file::{FILE_BYTES_MAX, file_uri, modified_at, read_file, read_upload};
pub use rag_extract::ExtractError;
pub use roots::FileRoots;
pub use watch::{DirectoryWatch, watch_directory};
