//! Text in: reads files and finds them in directories, for as long as the
//! operator allows it. What becomes of the text is left to `rag-core`.

mod decode;
mod directory;
mod error;
mod file;
mod roots;

pub use directory::{DirectoryListing, FILES_MAX, list_files};
pub use error::SourceError;
pub use file::{file_uri, read_file};
pub use roots::FileRoots;
