//! The open sessions of legacy SSE: a bounded table from an unguessable id to
//! the channel into the session, usable only by whoever opened it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use metrics::gauge;
use rmcp::{model::ClientJsonRpcMessage, transport::common::server_side_http::session_id};
use tokio::{
    sync::{Notify, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::caller::Caller;

/// The open sessions.
pub(super) struct Sessions {
    open: Mutex<HashMap<Arc<str>, Session>>,
    sessions_max: usize,
}

/// One open session, seen from a request that posts to it.
#[derive(Clone)]
pub(super) struct Session {
    caller: Caller,
    /// Takes what the client posts.
    pub(super) incoming: mpsc::Sender<ClientJsonRpcMessage>,
    /// Ends the session.
    pub(super) stop: CancellationToken,
    used: Arc<Notify>,
}

impl Session {
    /// A session for `caller`, not yet in the table.
    pub(super) fn new(
        caller: Caller,
        incoming: mpsc::Sender<ClientJsonRpcMessage>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            caller,
            incoming,
            stop,
            used: Arc::default(),
        }
    }

    /// Returns once the client has posted nothing for `idle_max`.
    pub(super) async fn idle(&self, idle_max: Duration) {
        while timeout(idle_max, self.used.notified()).await.is_ok() {}
    }
}

impl Sessions {
    /// A table for `sessions_max` sessions.
    pub(super) fn new(sessions_max: usize) -> Self {
        Self {
            open: Mutex::default(),
            sessions_max,
        }
    }

    /// Enters a session, which stays until the entry is dropped. `None` when
    /// the table is full.
    pub(super) fn enter(self: &Arc<Self>, session: Session) -> Option<Entry> {
        let mut open = self.lock();
        if open.len() >= self.sessions_max {
            return None;
        }
        let id = session_id();
        open.insert(Arc::clone(&id), session);
        gauge!("rag_sse_sessions").increment(1);
        Some(Entry {
            sessions: Arc::clone(self),
            id,
        })
    }

    /// The session of that id, if `caller` opened it; notes that it is in use.
    pub(super) fn find(&self, id: &str, caller: &Caller) -> Option<Session> {
        let session = self
            .lock()
            .get(id)
            .filter(|session| session.caller == *caller)?
            .clone();
        session.used.notify_one();
        Some(session)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Session>> {
        self.open.lock().expect("nothing panics while it is held")
    }
}

/// A session's place in the table; dropping it removes and ends the session.
pub(super) struct Entry {
    sessions: Arc<Sessions>,
    id: Arc<str>,
}

impl Entry {
    /// The session's id: a random UUID.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let removed = self.sessions.lock().remove(&self.id);
        if let Some(session) = removed {
            session.stop.cancel();
            gauge!("rag_sse_sessions").decrement(1);
        }
    }
}
