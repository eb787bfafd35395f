//! Taking connections and letting them go: no more than are allowed, those at rest
//! first, and none that has been at rest for long.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use metrics::gauge;
use sqlx::Connection;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use sqlx::postgres::PgConnection;

use super::{AGE_MAX, Connections, LONG_TIMEOUT, PING_TIMEOUT, Rested, TRUSTED_FOR, Taken, locked};
use crate::postgres::error::Failure;
use crate::postgres::schema;

impl Connections {
    /// A connection to a database that has the schema.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Taken, Failure> {
        let taken = self.take_unprepared().await?;
        if self.settings.initialized() {
            return Ok(taken);
        }
        let mut session = self.session(taken.connection, LONG_TIMEOUT);
        self.settings
            .get_or_try_init(|| schema::prepare(&mut session, &self.options, &self.location))
            .await?;
        Ok(Taken {
            connection: session.into_connection(),
            ..taken
        })
    }

    /// Waits for a turn, and for a connection where none is at rest.
    pub(super) async fn take_unprepared(self: &Arc<Self>) -> Result<Taken, Failure> {
        let waited = self.options.acquire_timeout;
        let turn = match timeout(waited, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(turn) => turn.expect("the semaphore is never closed"),
            Err(_) => {
                return Err(Failure::Exhausted {
                    connections_max: self.options.connections_max,
                    waited,
                });
            }
        };
        self.count();
        if let Some(rested) = self.rested().await {
            return Ok(Taken {
                connection: rested.connection,
                made_at: rested.made_at,
                turn,
            });
        }
        Ok(Taken {
            connection: self.connector.connect().await?,
            made_at: Instant::now(),
            turn,
        })
    }

    /// The connection that was used last of those at rest, if it is still there.
    async fn rested(&self) -> Option<Rested> {
        let mut rested = locked(&self.at_rest).pop()?;
        if rested.rests_since.elapsed() < TRUSTED_FOR {
            return Some(rested);
        }
        if let Ok(Ok(())) = timeout(PING_TIMEOUT, rested.connection.ping()).await {
            return Some(rested);
        }
        self.forget_rested();
        None
    }

    /// Keeps a connection for later.
    pub(super) fn let_rest(
        self: &Arc<Self>,
        connection: PgConnection,
        made_at: Instant,
        turn: OwnedSemaphorePermit,
    ) {
        if made_at.elapsed() < AGE_MAX {
            locked(&self.at_rest).push(Rested {
                connection,
                made_at,
                rests_since: Instant::now(),
            });
        }
        drop(turn);
        self.count();
        let mut sweeper = locked(&self.sweeper);
        if sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            let sweep = sweep(Arc::downgrade(self), self.options.idle_timeout);
            *sweeper = Some(tokio::spawn(sweep));
        }
    }

    /// Closes the connections at rest.
    pub(super) fn forget_rested(&self) {
        drop(std::mem::take(&mut *locked(&self.at_rest)));
    }

    /// Closes those that were at rest for longer than `idle_timeout`.
    fn close_idle(&self, idle_timeout: Duration) {
        locked(&self.at_rest).retain(|rested| rested.rests_since.elapsed() < idle_timeout);
        self.count();
    }

    /// Tells the numbers of connections to whoever watches them.
    fn count(&self) {
        let used = self.options.connections_max as usize - self.turns.available_permits();
        let at_rest = locked(&self.at_rest).len();
        #[expect(clippy::cast_precision_loss, reason = "they are at most a thousand")]
        for (state, number) in [("used", used), ("at_rest", at_rest)] {
            gauge!("rag_db_connections", "state" => state).set(number as f64);
        }
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        if let Some(sweeper) = locked(&self.sweeper).take() {
            sweeper.abort();
        }
    }
}

/// Closes connections that nobody uses, for as long as there is a store.
async fn sweep(connections: Weak<Connections>, idle_timeout: Duration) {
    let pause = (idle_timeout / 2).max(Duration::from_millis(10));
    loop {
        tokio::time::sleep(pause).await;
        match connections.upgrade() {
            Some(connections) => connections.close_idle(idle_timeout),
            None => return,
        }
    }
}
