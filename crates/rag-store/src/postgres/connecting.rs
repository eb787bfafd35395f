//! Making connections, and finding out what is at their other end.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Row};
use tokio::time::timeout;

use super::error::Failure;
use super::options::Address;

/// A setting that is made for a connection when it is opened. A server has it
/// for as long as the connection lasts; through a pooler that shares sessions
/// it is refused, or does not arrive.
const PROBE: &str = "rag_memory.own_session";

/// Makes connections to one database.
pub(super) struct Connector {
    connect: PgConnectOptions,
    within: Duration,
    /// One of the three below.
    sessions: AtomicU8,
}

/// It was not tried yet whether connections have sessions of their own.
const UNKNOWN: u8 = 0;
/// Each connection has a session of its own.
const OWN: u8 = 1;
/// Each transaction gets whichever session is free.
const SHARED: u8 = 2;

impl Connector {
    pub(super) fn new(address: Address, within: Duration) -> Self {
        let sessions = if address.is_pooled { SHARED } else { UNKNOWN };
        Connector {
            connect: address.connect,
            within,
            sessions: AtomicU8::new(sessions),
        }
    }

    /// Whether the server keeps statements from one transaction to the next.
    ///
    /// It matters more than their cost: through a pooler that shares sessions, a
    /// statement's name may mean another client's statement. So they are only
    /// used where it is certain that nobody is in between.
    pub(super) fn keeps_statements(&self) -> bool {
        self.sessions.load(Ordering::Relaxed) == OWN
    }

    /// To be called when the server had lost a statement all the same.
    pub(super) fn stop_keeping_statements(&self) {
        self.sessions.store(SHARED, Ordering::Relaxed);
    }

    /// A new connection, as Tokio's current runtime has it.
    pub(super) async fn connect(&self) -> Result<PgConnection, Failure> {
        let work = async {
            match self.sessions.load(Ordering::Relaxed) {
                UNKNOWN => self.connect_and_find_out().await,
                _ => connect(&self.connect).await,
            }
        };
        match timeout(self.within, work).await {
            Ok(connection) => connection,
            Err(_) => Err(Failure::Silent(self.within)),
        }
    }

    async fn connect_and_find_out(&self) -> Result<PgConnection, Failure> {
        // A statement that is prepared and used in two steps would ask two sessions.
        let found = format!("SELECT (current_setting('{PROBE}', true) = 'on')::text");
        let probing = self.connect.clone().options([(PROBE, "on")]);
        let (connection, sessions) = match connect(&probing).await {
            Ok(mut connection) => {
                let row = sqlx::raw_sql(AssertSqlSafe(found))
                    .fetch_one(&mut connection)
                    .await?;
                let found: Option<String> = row.try_get(0)?;
                let is_own = found.as_deref() == Some("true");
                (connection, if is_own { OWN } else { SHARED })
            }
            // A server's refusal may be about the setting.
            Err(Failure::Unreachable(sqlx::Error::Database(_))) => {
                (connect(&self.connect).await?, SHARED)
            }
            Err(failure) => return Err(failure),
        };
        let was = self.sessions.swap(sessions, Ordering::Relaxed);
        if sessions == SHARED && was == UNKNOWN {
            tracing::info!("the database is behind a pooler: statements are not kept prepared");
        }
        Ok(connection)
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Failure> {
    PgConnection::connect_with(options)
        .await
        .map_err(Failure::Unreachable)
}
