//! Moving everything between stores: into a file, out of one, or straight from
//! one store to another.
//!
//! ```text
//! store ─read→ Record … ─write→ file ─lines→ Record … ─put→ store
//! ```
//!
//! `record` is what the file is made of, `file` writes and reads it, `read` takes
//! records out of a store and `put` puts them into one. A record that is there
//! already changes nothing, so what was interrupted is simply done again.
//!
//! Vectors that are kept for a change of the embedding model and not searched
//! stay behind.

mod file;
mod put;
mod read;
mod record;

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use self::put::Putting;
use self::record::Record;
use super::{Memory, Progress, Watch};
use crate::api::{Exported, Imported};
use crate::{Error, ErrorKind};

/// How many records wait between who takes them out and who puts them away.
const AHEAD_MAX: usize = 4;

impl Memory {
    /// Writes everything into the file at `path`. It appears when it is
    /// complete; one that is there is replaced only when `replace` says so.
    pub async fn export(
        &self,
        path: &Path,
        replace: bool,
        watch: &Watch,
    ) -> Result<Exported, Error> {
        self.access.require_whole()?;
        if !replace && path.exists() {
            let message = format!("`{}` is there already", path.display());
            return Err(Error::new(ErrorKind::AlreadyExists, message)
                .hint("name another file, or replace it with --force"));
        }
        let (sender, receiver) = mpsc::channel(AHEAD_MAX);
        let to = path.to_owned();
        let writing = tokio::task::spawn_blocking(move || file::write(&to, receiver));
        let reading = read::everything(&*self.store, sender, watch).await;
        let written = joined(writing).await;
        // Where reading failed, writing ended for want of more.
        reading?;
        let exported = written?;
        tracing::info!(
            documents = exported.documents,
            bytes = exported.bytes,
            "exported"
        );
        Ok(exported)
    }

    /// Puts everything in that the file at `path` holds. Nothing is put in of a
    /// file that is not complete and whole.
    pub async fn import(&self, path: &Path, watch: &Watch) -> Result<Imported, Error> {
        self.access.require_whole()?;
        let (checked, cancel) = (path.to_owned(), watch.cancel.clone());
        say(watch, "checking the file");
        let checking = tokio::task::spawn_blocking(move || file::check(&checked, &cancel));
        joined(checking).await?;
        let (sender, receiver) = mpsc::channel(AHEAD_MAX);
        let from: PathBuf = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || file::read(&from, &sender));
        let put = self.put_all(receiver, watch).await;
        let read = joined(reading).await;
        let imported = put?;
        read?;
        tracing::info!(documents = imported.documents_imported, "imported");
        Ok(imported)
    }

    /// Puts everything in that `from` has.
    pub async fn copy_from(&self, from: &Memory, watch: &Watch) -> Result<Imported, Error> {
        self.access.require_whole()?;
        let (sender, receiver) = mpsc::channel(AHEAD_MAX);
        let (read, put) = tokio::join!(
            read::everything(&*from.store, sender, watch),
            self.put_all(receiver, watch)
        );
        let imported = put?;
        read?;
        tracing::info!(documents = imported.documents_imported, "copied");
        Ok(imported)
    }

    async fn put_all(
        &self,
        mut records: mpsc::Receiver<Record>,
        watch: &Watch,
    ) -> Result<Imported, Error> {
        let mut putting = Putting::new(self.store.clone());
        while let Some(record) = records.recv().await {
            if watch.cancel.is_cancelled() {
                return Err(cancelled());
            }
            putting.put(record, watch).await?;
        }
        putting.finish(watch).await
    }
}

/// What a thread that may block came to.
async fn joined<T>(task: tokio::task::JoinHandle<Result<T, Error>>) -> Result<T, Error> {
    let failed = |error| Error::new(ErrorKind::Internal, format!("a task failed: {error}"));
    task.await.map_err(failed)?
}

fn say(watch: &Watch, message: &str) {
    (watch.progress)(Progress {
        done: 0,
        total: 0,
        message: message.to_owned(),
    });
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "it was cancelled")
        .hint("what was put in stays; the same command goes on with the rest")
}
