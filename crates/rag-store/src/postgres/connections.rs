//! Connections to the database, transactions on them, and trying again.
//!
//! Every call of the contract is one transaction, opened by one message that
//! also makes its settings, so that a pooler may give each transaction another
//! session. What is done in it is the business of the other modules.

mod taking;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rag_core::port::StoreError;
use sqlx::postgres::PgConnection;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::connecting::Connector;
use super::error::Failure;
use super::options::{Address, PostgresOptions};
use super::retry::Attempts;
use super::schema::{self, Migrated};
use super::session::Session;

/// A connection that has been open for longer is closed when it is let go: what
/// its session remembers only grows.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);

/// A connection that was at rest for longer is asked whether it is still there.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long an answer to that may take.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long statements may take that go through a whole collection, or build an
/// index.
const LONG_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// A session that waits for us for so long in a transaction is ended by the
/// server, with its locks: we are gone.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);

/// How many candidates a search of an index of vectors looks at, at the most. Where
/// that was not enough, all vectors that pass are compared.
const CANDIDATES_SCANNED_MAX: u32 = 40_000;

/// No table is read whole where an index will do.
const BY_INDEX: &str = "SET LOCAL enable_seqscan = off;";

/// The way to the database, shared by every call.
pub(super) struct Connections {
    connector: Connector,
    location: String,
    options: PostgresOptions,
    turns: Arc<Semaphore>,
    /// Those nobody uses, used last at the end.
    at_rest: Mutex<Vec<Rested>>,
    /// What transactions set, once the schema was seen to be there.
    settings: OnceCell<String>,
    sweeper: Mutex<Option<JoinHandle<()>>>,
}

/// A connection that nobody uses.
struct Rested {
    connection: PgConnection,
    made_at: Instant,
    rests_since: Instant,
}

/// A connection that a call uses, and its turn.
struct Taken {
    connection: PgConnection,
    made_at: Instant,
    turn: OwnedSemaphorePermit,
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reading one state of the database.
    Read,
    /// The same, to find words.
    Matching,
    /// The same, to find the nearest vectors by an index that keeps so many
    /// candidates.
    Nearest {
        /// How many those are.
        candidates: usize,
    },
    /// Writing.
    Write,
    /// Writing what one other at the most may write at a time: whoever has the
    /// lock of this number.
    WriteAlone(i64),
    /// Writing much, with statements that may take long.
    WriteMuch,
}

impl Kind {
    fn writes(self) -> bool {
        matches!(self, Kind::Write | Kind::WriteAlone(_) | Kind::WriteMuch)
    }

    /// What is set for it beside the rest.
    fn settings(self) -> String {
        match self {
            Kind::Read => String::new(),
            // The planner takes every word for one that many chunks have.
            Kind::Matching => BY_INDEX.to_owned(),
            // A session keeps the plans for the references of new rows. One from when
            // there were few documents would read all of them for every chunk.
            Kind::Write | Kind::WriteAlone(_) | Kind::WriteMuch => BY_INDEX.to_owned(),
            // A plan that suits all filters suits none. Of some thousand vectors
            // the planner would rather sort all; only the index of vectors gives
            // them in order. Where too few of the candidates pass, the search goes on.
            Kind::Nearest { candidates } => format!(
                "SET LOCAL plan_cache_mode = force_custom_plan; \
                 SET LOCAL enable_sort = off; \
                 SET LOCAL hnsw.ef_search = {candidates}; \
                 SET LOCAL hnsw.iterative_scan = relaxed_order; \
                 SET LOCAL hnsw.max_scan_tuples = {CANDIDATES_SCANNED_MAX};"
            ),
        }
    }
}

/// Work in a session under way. It is made of what a call is about, which may be
/// borrowed, as often as the call is tried.
type Working<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// What became of a transaction.
enum Fate {
    Kept,
    Undone,
    Unknown,
}

impl Connections {
    /// Does not connect yet.
    pub(super) fn new(options: PostgresOptions) -> Result<Self, StoreError> {
        let address = Address::parse(&options)?;
        let connections_max = usize::try_from(options.connections_max).unwrap_or(usize::MAX);
        Ok(Connections {
            location: address.location.clone(),
            connector: Connector::new(address, options.acquire_timeout),
            turns: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))),
            at_rest: Mutex::default(),
            settings: OnceCell::new(),
            sweeper: Mutex::default(),
            options,
        })
    }

    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// Does `work`, with what the call is `about`, in a transaction that sees one
    /// state of the database.
    pub(super) async fn read<A: Sync, T>(
        self: &Arc<Self>,
        action: &str,
        about: A,
        work: impl for<'a> Fn(&'a mut Session, &'a A) -> Working<'a, T>,
    ) -> Result<T, StoreError> {
        self.call(Kind::Read, action, about, work).await
    }

    /// Does `work` in a transaction that is kept when it succeeds and undone
    /// when it fails.
    pub(super) async fn write<A: Sync, T>(
        self: &Arc<Self>,
        action: &str,
        about: A,
        work: impl for<'a> Fn(&'a mut Session, &'a A) -> Working<'a, T>,
    ) -> Result<T, StoreError> {
        self.call(Kind::Write, action, about, work).await
    }

    /// Does `work` in a transaction, again while it fails for what passes.
    ///
    /// However often it is tried, a write is done once. What broke before its
    /// commit was asked for was not done. Where the answer to the commit was
    /// lost, the server is asked what became of it, so that nothing needs to be
    /// recognised as one's own afterwards.
    pub(super) async fn call<A: Sync, T>(
        self: &Arc<Self>,
        kind: Kind,
        action: &str,
        about: A,
        work: impl for<'a> Fn(&'a mut Session, &'a A) -> Working<'a, T>,
    ) -> Result<T, StoreError> {
        let mut attempts = Attempts::new(self.options.retry_for);
        loop {
            match self.attempt(kind, &about, &work).await {
                Ok(done) => return Ok(done),
                Err(failure) if attempts.next(&failure).await => {
                    tracing::debug!(?failure, "trying again to {action}");
                }
                Err(failure) => return Err(failure.told(&self.location, action)),
            }
        }
    }

    async fn attempt<A: Sync, T>(
        self: &Arc<Self>,
        kind: Kind,
        about: &A,
        work: &impl for<'a> Fn(&'a mut Session, &'a A) -> Working<'a, T>,
    ) -> Result<T, Failure> {
        let Taken {
            connection,
            made_at,
            turn,
        } = self.take().await?;
        let mut session = self.session(connection, self.time_limit(kind));
        let (transaction, done) = match self.begin(&mut session, kind).await {
            Ok(transaction) => (transaction, work(&mut session, about).await),
            Err(failure) => (None, Err(failure)),
        };
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = match &done {
            Err(failure) if failure.is_lost() || failure.tells_of_pooler() => None,
            _ => Some(session.batch(end.to_owned()).await),
        };
        match (done, ended) {
            (done, Some(Ok(()))) => {
                self.let_rest(session.into_connection(), made_at, turn);
                done
            }
            (Ok(value), Some(Err(failure))) if failure.is_lost() => {
                self.forget_rested();
                drop((session, turn));
                let fate = match transaction {
                    Some(transaction) => self.fate(&transaction).await,
                    None => Fate::Kept,
                };
                match fate {
                    Fate::Kept => Ok(value),
                    Fate::Undone => Err(failure),
                    Fate::Unknown => Err(Failure::Unknown(Box::new(failure))),
                }
            }
            (Ok(_), Some(Err(failure))) => Err(failure),
            (done, _) => {
                if done.as_ref().is_err_and(Failure::tells_of_pooler) {
                    self.connector.stop_keeping_statements();
                }
                // Those at rest were most likely lost for the same reason.
                self.forget_rested();
                done
            }
        }
    }

    /// Opens a transaction, and gives the number of one that writes.
    async fn begin(&self, session: &mut Session, kind: Kind) -> Result<Option<String>, Failure> {
        let settings = self.settings.get().map_or("", String::as_str);
        let limit = self.time_limit(kind).as_millis();
        let idle_limit = IDLE_IN_TRANSACTION_TIMEOUT.as_millis();
        let mode = match kind.writes() {
            false => "REPEATABLE READ, READ ONLY",
            true => "READ COMMITTED, READ WRITE",
        };
        let mut text = format!(
            "BEGIN ISOLATION LEVEL {mode}; SET LOCAL statement_timeout = {limit}; \
             SET LOCAL idle_in_transaction_session_timeout = {idle_limit}; \
             SET LOCAL jit = off; {settings}{}",
            kind.settings()
        );
        if !kind.writes() {
            session.batch(text).await?;
            return Ok(None);
        }
        text.push_str("SELECT pg_current_xact_id()::text;");
        if let Kind::WriteAlone(lock) = kind {
            text.push_str(&format!("SELECT pg_advisory_xact_lock({lock});"));
        }
        session.batch_value(text).await.map(Some)
    }

    fn time_limit(&self, kind: Kind) -> Duration {
        match kind {
            Kind::WriteMuch => self.options.statement_timeout.max(LONG_TIMEOUT),
            _ => self.options.statement_timeout,
        }
    }

    fn session(&self, connection: PgConnection, time_limit: Duration) -> Session {
        Session::new(connection, self.connector.keeps_statements(), time_limit)
    }

    /// What became of a transaction the answer to whose commit was lost.
    ///
    /// This is as good as the server's memory: a standby that took over without
    /// having seen the transaction may have given its number to another.
    async fn fate(self: &Arc<Self>, transaction: &str) -> Fate {
        let mut attempts = Attempts::new(self.options.retry_for);
        loop {
            match self.status_of(transaction).await.as_deref() {
                Ok("committed") => return Fate::Kept,
                Ok("aborted") => return Fate::Undone,
                // The session may still be about to find out that we are gone.
                Ok("in progress") => {}
                // Too old to be known.
                Ok(_) => return Fate::Unknown,
                Err(failure) if failure.is_transient() => {}
                // A number of the future: a standby took over that had not seen it.
                Err(Failure::Sql(_)) => return Fate::Undone,
                Err(_) => return Fate::Unknown,
            }
            if !attempts.wait().await {
                return Fate::Unknown;
            }
        }
    }

    async fn status_of(self: &Arc<Self>, transaction: &str) -> Result<String, Failure> {
        let Taken {
            connection,
            made_at,
            turn,
        } = self.take().await?;
        let mut session = self.session(connection, self.options.statement_timeout);
        let status = session
            .batch_value(format!(
                "SELECT coalesce(pg_xact_status('{transaction}'::xid8), 'unknown')"
            ))
            .await?;
        self.let_rest(session.into_connection(), made_at, turn);
        Ok(status)
    }

    /// Brings the database to the newest schema.
    pub(super) async fn migrate(self: &Arc<Self>) -> Result<Migrated, StoreError> {
        let mut attempts = Attempts::new(self.options.retry_for);
        loop {
            let failure = match self.try_to_migrate().await {
                Ok(migrated) => return Ok(migrated),
                Err(failure) => failure,
            };
            if !attempts.next(&failure).await {
                return Err(failure.told(&self.location, "migrate"));
            }
        }
    }

    async fn try_to_migrate(self: &Arc<Self>) -> Result<Migrated, Failure> {
        let Taken {
            connection,
            made_at,
            turn,
        } = self.take_unprepared().await?;
        let mut session = self.session(connection, LONG_TIMEOUT);
        let migrated = schema::migrate(&mut session, &self.options.schema, &self.location).await?;
        self.let_rest(session.into_connection(), made_at, turn);
        Ok(migrated)
    }
}

/// What these locks guard is changed in one step, so that a panic leaves it sound.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
