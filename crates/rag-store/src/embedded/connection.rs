//! Connections to the file: one that writes, a few that read, and the way
//! onto the threads where blocking is allowed.
//!
//! What is done on a connection is the business of the other modules.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use rag_core::port::StoreError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::Semaphore;

use super::error::Failure;
use super::file::StoreFile;
use super::index::Index;
use super::schema;

/// How long a call waits for another process to finish writing. The longest
/// write, deleting a collection of 100,000 chunks, takes about ten seconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How many calls may read at once; more wait their turn.
const READERS_MAX: usize = 4;

/// Larger than SQLite's own 4,096: five vectors of 384 dimensions fill a page,
/// where two would leave a quarter of the smaller one empty.
const PAGE_SIZE_BYTES: u32 = 8_192;

/// What the connection that writes keeps of the file in memory, as SQLite
/// wants it: in KiB, negative.
const CACHE_KIB: i32 = -4_096;

/// A write-ahead log that a large transaction has grown is cut to this.
const LOG_SIZE_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// Statements that a connection keeps compiled.
const STATEMENTS_KEPT: usize = 64;

/// An open file, shared by every call.
pub(super) struct Connections {
    file: StoreFile,
    writer: Mutex<Connection>,
    /// Those at rest, used last at the end.
    readers: Mutex<Vec<Reader>>,
    index: RwLock<Index>,
    write_turn: Arc<Semaphore>,
    read_turns: Arc<Semaphore>,
}

/// A connection that reads.
struct Reader {
    connection: Connection,
    part: Part,
}

/// The part of the file that a connection reads. Each keeps to one, so that
/// its pages are still in memory the next time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The vectors.
    Vectors,
    /// The full-text index.
    Words,
    /// Everything else.
    Rows,
}

impl Part {
    /// What a connection keeps of it in memory, as SQLite wants it: in KiB,
    /// negative.
    fn cache_kib(self) -> i32 {
        match self {
            Part::Vectors => -1_024,
            Part::Words => -4_096,
            Part::Rows => -2_048,
        }
    }
}

impl Reader {
    fn open(file: &StoreFile, part: Part) -> Result<Self, Failure> {
        let connection = connect(file)?;
        connection.pragma_update(None, "cache_size", part.cache_kib())?;
        Ok(Reader { connection, part })
    }
}

impl Connections {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = StoreFile::open(path)?;
        let writer = open_newest(&file)
            .map_err(|failure| failure.told(&file.location(), "open the database"))?;
        Ok(Connections {
            file,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            index: RwLock::default(),
            write_turn: Arc::new(Semaphore::new(1)),
            read_turns: Arc::new(Semaphore::new(READERS_MAX)),
        })
    }

    pub(super) fn file(&self) -> &StoreFile {
        &self.file
    }

    /// Does `work` in a transaction that sees one state of the file.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        action: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let work = move |connection: &Connection, _: &RwLock<Index>| {
            let transaction = connection.unchecked_transaction()?;
            work(&transaction)
        };
        self.search(Part::Rows, action, work).await
    }

    /// Does `work`, which mostly reads `part` and sees to its own transaction,
    /// beside the index.
    pub(super) async fn search<T: Send + 'static>(
        self: &Arc<Self>,
        part: Part,
        action: &'static str,
        work: impl FnOnce(&Connection, &RwLock<Index>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = Arc::clone(self);
        blocking(action, &self.read_turns, move || {
            this.file.check()?;
            let told = |failure: Failure| failure.told(&this.file.location(), action);
            let reader = match this.reader_at_rest(part) {
                Some(reader) => reader,
                None => Reader::open(&this.file, part).map_err(told)?,
            };
            let outcome = work(&reader.connection, &this.index).map_err(told);
            this.let_rest(reader);
            outcome
        })
        .await
    }

    /// The reader of `part` that was used last of those at rest.
    fn reader_at_rest(&self, part: Part) -> Option<Reader> {
        let mut readers = locked(&self.readers);
        let reader = readers.iter().rposition(|reader| reader.part == part)?;
        Some(readers.remove(reader))
    }

    /// Keeps `reader` for later; where there are enough, that which has been at
    /// rest the longest is closed.
    fn let_rest(&self, reader: Reader) {
        let mut readers = locked(&self.readers);
        readers.push(reader);
        let closed = (readers.len() > READERS_MAX).then(|| readers.remove(0));
        drop(readers);
        drop(closed);
    }

    /// Does `work` in a transaction that is kept when it succeeds and undone
    /// when it fails.
    pub(super) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        action: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = Arc::clone(self);
        blocking(action, &self.write_turn, move || {
            let told = |failure: Failure| failure.told(&this.file.location(), action);
            this.file.check()?;
            let mut connection = locked(&this.writer);
            let transaction = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(|error| told(error.into()))?;
            let done = work(&transaction).map_err(told)?;
            // Nothing may be acknowledged that went into a file without a name.
            this.file.check()?;
            transaction.commit().map_err(|error| told(error.into()))?;
            Ok(done)
        })
        .await
    }
}

/// Waits for one of `turns` and does `work` on a thread that may block. The
/// turn belongs to the work: who stops waiting does not let others in early.
async fn blocking<T: Send + 'static>(
    action: &'static str,
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let turn = Arc::clone(turns)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let span = tracing::Span::current();
    let work = move || {
        let done = span.in_scope(work);
        drop(turn);
        done
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(StoreError::Unavailable {
                action: action.to_owned(),
                source: Box::new(error),
            })
        })
}

/// A transaction is undone when its guard is dropped, also by a panic, so what
/// a poisoned lock guards is sound.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_newest(file: &StoreFile) -> Result<Connection, Failure> {
    let mut connection = connect(file)?;
    schema::migrate(&mut connection, &file.location())?;
    Ok(connection)
}

fn connect(file: &StoreFile) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file.path(), flags)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Before anything is written: the file may not be ours to change.
    schema::version(&connection, &file.location())?;
    // Only a file that is still empty takes the page size.
    connection.pragma_update(None, "page_size", PAGE_SIZE_BYTES)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    use_write_ahead_log(&connection)?;
    // In NORMAL a power cut may undo what was acknowledged; FULL may not.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_SIZE_BYTES_MAX)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Switches the file to a write-ahead log; a no-op for all but a new file.
///
/// SQLite does not wait for a lock here, so that two processes that open a
/// new file at the same time would fail each other.
fn use_write_ahead_log(connection: &Connection) -> Result<(), Failure> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        let switched = connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
        match switched {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            switched => return Ok(switched?),
        }
    }
}
