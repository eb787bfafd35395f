//! Cancelling a call over `/mcp` by the notification that clients of the older
//! revisions send. Without sessions nothing else ties it to the call, so it is
//! matched by who sends it and by the request's id, and does nothing unless
//! exactly one call under way fits: two programs of one user count alike.
//!
//! It leaves stopping the work to the server, which stops when the answer's
//! receiver is gone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use rmcp::model::RequestId;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::caller::Caller;

type Key = (Caller, RequestId);

/// The tool calls under way.
#[derive(Default)]
pub(super) struct Calls {
    under_way: Mutex<HashMap<Key, Vec<Arc<CancellationToken>>>>,
}

/// A call's place among those under way, until it is dropped.
pub(super) struct Call {
    calls: Arc<Calls>,
    key: Key,
    stop: Arc<CancellationToken>,
}

/// The parts of a message that matter here.
#[derive(Deserialize)]
struct Head {
    method: String,
    id: Option<RequestId>,
    params: Option<Params>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    request_id: Option<RequestId>,
}

impl Calls {
    /// Enters the tool call in `message`, or cancels the one it says to cancel.
    pub(super) fn note(self: &Arc<Self>, caller: Caller, message: &[u8]) -> Option<Call> {
        let head: Head = serde_json::from_slice(message).ok()?;
        match head.method.as_str() {
            "tools/call" => Some(self.enter((caller, head.id?))),
            "notifications/cancelled" => {
                self.cancel(&(caller, head.params?.request_id?));
                None
            }
            _ => None,
        }
    }

    fn enter(self: &Arc<Self>, key: Key) -> Call {
        let stop = Arc::new(CancellationToken::new());
        self.lock()
            .entry(key.clone())
            .or_default()
            .push(Arc::clone(&stop));
        Call {
            calls: Arc::clone(self),
            key,
            stop,
        }
    }

    fn cancel(&self, key: &Key) {
        if let Some([stop]) = self.lock().get(key).map(Vec::as_slice) {
            stop.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<Arc<CancellationToken>>>> {
        self.under_way
            .lock()
            .expect("nothing panics while it is held")
    }
}

impl Call {
    /// Fires when the client cancels the call.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut under_way = self.calls.lock();
        if let Some(calls) = under_way.get_mut(&self.key) {
            calls.retain(|stop| !Arc::ptr_eq(stop, &self.stop));
            if calls.is_empty() {
                under_way.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"x"}}"#;
    const CANCEL: &[u8] =
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#;

    #[test]
    fn a_call_is_cancelled_by_its_caller_and_id_alone() {
        let calls = Arc::new(Calls::default());
        let call = calls.note(Caller::Unknown, CALL).unwrap();
        calls.note(Caller::Credential([0; 32]), CANCEL);
        let other = String::from_utf8_lossy(CANCEL).replace('5', "6");
        calls.note(Caller::Unknown, other.as_bytes());
        assert!(!call.stop().is_cancelled());
        calls.note(Caller::Unknown, CANCEL);
        assert!(call.stop().is_cancelled());
        drop(call);
        assert!(calls.lock().is_empty());
    }

    #[test]
    fn what_could_be_either_of_two_calls_is_neither() {
        let calls = Arc::new(Calls::default());
        let first = calls.note(Caller::Unknown, CALL).unwrap();
        let second = calls.note(Caller::Unknown, CALL).unwrap();
        calls.note(Caller::Unknown, CANCEL);
        assert!(!first.stop().is_cancelled() && !second.stop().is_cancelled());
        drop(first);
        calls.note(Caller::Unknown, CANCEL);
        assert!(second.stop().is_cancelled());
    }
}
