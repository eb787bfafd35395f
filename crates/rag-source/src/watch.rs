//! Tells when something changed below a directory. What changed, and what
//! becomes of it, is left to the caller, who lists the directory again: events
//! come late, twice or not at all, a listing is always true.

use std::io;
use std::path::Path;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::SourceError;

/// Eyes on a directory, until dropped.
#[derive(Debug)]
pub struct DirectoryWatch {
    _watcher: RecommendedWatcher,
}

/// Calls `changed` whenever something below `directory` was made, written,
/// renamed or removed, and when events were lost so that something may have
/// been. Reading is no change. The calls come from a thread of their own, one
/// for each event: be quick.
///
/// # Errors
/// The directory is not there, or the system refuses to watch it.
pub fn watch_directory(
    directory: &Path,
    changed: impl Fn() + Send + 'static,
) -> Result<DirectoryWatch, SourceError> {
    let failed = |error: notify::Error| unreadable(directory, error);
    let on_event = move |event: notify::Result<Event>| {
        // An error is told as a change: the listing that follows finds out.
        if event.map_or(true, |event| is_change(&event)) {
            changed();
        }
    };
    let mut watcher = notify::recommended_watcher(on_event).map_err(failed)?;
    watcher
        .watch(directory, RecursiveMode::Recursive)
        .map_err(failed)?;
    Ok(DirectoryWatch { _watcher: watcher })
}

fn is_change(event: &Event) -> bool {
    event.need_rescan() || !matches!(event.kind, EventKind::Access(_))
}

fn unreadable(directory: &Path, error: notify::Error) -> SourceError {
    let path = directory.to_owned();
    match error.kind {
        notify::ErrorKind::PathNotFound => SourceError::NotFound { path },
        notify::ErrorKind::Io(source) if source.kind() == io::ErrorKind::NotFound => {
            SourceError::NotFound { path }
        }
        notify::ErrorKind::Io(source) => SourceError::Unreadable { path, source },
        kind => SourceError::Unreadable {
            path,
            source: io::Error::other(notify::Error::new(kind)),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
    use std::time::Duration;

    use super::*;

    /// Waits for a change, then until there are no more for a moment.
    fn seen(changes: &Receiver<()>) -> bool {
        let first = changes.recv_timeout(Duration::from_secs(10)).is_ok();
        while changes.recv_timeout(Duration::from_millis(50)).is_ok() {}
        first
    }

    #[test]
    fn changes_are_told_and_reading_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (sender, changes) = channel();
        let watch = watch_directory(&root, move || sender.send(()).unwrap_or_default()).unwrap();
        let file = root.join("a.md");
        fs::write(&file, "one").unwrap();
        assert!(seen(&changes), "a new file");
        fs::read(&file).unwrap();
        assert_eq!(
            changes.recv_timeout(Duration::from_millis(100)),
            Err(RecvTimeoutError::Timeout),
            "reading"
        );
        fs::write(root.join("a.tmp"), "two").unwrap();
        fs::rename(root.join("a.tmp"), &file).unwrap();
        assert!(seen(&changes), "an editor that writes by rename");
        fs::create_dir(root.join("deep")).unwrap();
        assert!(seen(&changes), "a new folder");
        fs::write(root.join("deep/b.md"), "three").unwrap();
        assert!(seen(&changes), "a file in it");
        fs::remove_file(&file).unwrap();
        assert!(seen(&changes), "a file that goes");
        drop(watch);
        fs::write(&file, "four").unwrap();
        assert_eq!(
            changes.recv_timeout(Duration::from_millis(100)),
            Err(RecvTimeoutError::Disconnected)
        );
    }

    #[test]
    fn what_is_not_there_cannot_be_watched() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let error = watch_directory(&missing, || {}).unwrap_err();
        assert!(matches!(error, SourceError::NotFound { .. }), "{error}");
    }
}
