//! Events of the browser, as they come.
//!
//! They are not read into the protocol's types: those change with every version
//! of Chromium, and few fields are needed.

use chromiumoxide::types::{EventMessage, Method, MethodId};
use serde::Deserialize;
use serde_json::Value;

/// Something that happened in the browser.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    /// What happened: `Page.loadEventFired`.
    pub(crate) method: String,
    #[serde(rename = "sessionId")]
    session: Option<String>,
    #[serde(default)]
    params: Value,
}

impl Event {
    /// Whom it concerns: the session it is of; or the target that a new target
    /// was opened by.
    pub(crate) fn addressee(&self) -> Option<&str> {
        self.session
            .as_deref()
            .or_else(|| self.text("/targetInfo/openerId"))
    }

    /// The text at a JSON pointer (RFC 6901).
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.params.pointer(pointer)?.as_str()
    }

    /// The number at a JSON pointer, when it is a small one.
    pub(crate) fn number(&self, pointer: &str) -> Option<u16> {
        let number = self.params.pointer(pointer)?.as_u64()?;
        number.try_into().ok()
    }
}

impl Method for Event {
    fn identifier(&self) -> MethodId {
        self.method.clone().into()
    }
}

impl EventMessage for Event {
    fn session_id(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

#[cfg(test)]
impl Event {
    /// An event of a session.
    pub(crate) fn new(method: &str, params: Value) -> Self {
        Event {
            method: method.to_owned(),
            session: None,
            params,
        }
    }
}
