//! What is known of a page while it loads: pure, made of the browser's events.

use std::collections::HashSet;

use crate::link::Event;

/// How many requests under way are counted.
const REQUESTS_MAX: usize = 10_000;

/// What is known of a page.
#[derive(Debug, Default)]
pub(super) struct PageState {
    /// A document that was asked for is there, or the browser's page that says
    /// why it is not.
    pub(super) committed: bool,
    /// The document and what it needs to be shown are loaded.
    pub(super) loaded: bool,
    /// The browser shows its own page instead: the document cannot be had.
    pub(super) unreachable: bool,
    /// The process of the page is gone.
    pub(super) crashed: bool,
    /// Where the newest document was asked for.
    pub(super) document_url: Option<String>,
    /// The status of the newest document.
    pub(super) status: Option<u16>,
    /// Why the newest document cannot be had: `net::ERR_…`.
    pub(super) error: Option<String>,
    /// The request for it.
    document_request: Option<String>,
    requests: HashSet<String>,
}

/// What an event demands at once, or else the page stands still.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// A dialog waits for its answer.
    Dialog,
    /// A request waits to be let through, and is of a kind that is not loaded.
    Request(String),
    /// The page opened another.
    Window(String),
}

impl PageState {
    /// Whether anything is being loaded that may change the page.
    pub(super) fn is_loading(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Learns of an event. `frame` is the page's main frame.
    pub(super) fn apply(&mut self, event: &Event, frame: &str) -> Option<Demand> {
        let of_document =
            event.text("/type") == Some("Document") && event.text("/frameId") == Some(frame);
        match event.method.as_str() {
            "Page.frameNavigated" if event.text("/frame/id") == Some(frame) => {
                self.committed = true;
                self.loaded = false;
                self.unreachable = event.text("/frame/unreachableUrl").is_some();
                // What the document before this one asked for does not matter any more.
                self.requests.clear();
            }
            "Page.loadEventFired" => self.loaded = true,
            "Network.requestWillBeSent" => {
                if of_document {
                    self.document_request = event.text("/requestId").map(str::to_owned);
                    self.document_url = event.text("/request/url").map(str::to_owned);
                    self.error = None;
                }
                // An open stream of events is no load.
                let counts = event.text("/type") != Some("EventSource");
                if counts && self.requests.len() < REQUESTS_MAX {
                    self.requests
                        .extend(event.text("/requestId").map(str::to_owned));
                }
            }
            "Network.responseReceived" if of_document => {
                self.status = event.number("/response/status");
            }
            "Network.loadingFinished" => self.finish(event),
            "Network.loadingFailed" => {
                // What a frame asks for is a document too, but not the page's.
                let failed = event.text("/requestId");
                if failed.is_some() && failed == self.document_request.as_deref() {
                    self.error = event.text("/errorText").map(str::to_owned);
                }
                self.finish(event);
            }
            "Inspector.targetCrashed" => self.crashed = true,
            "Page.javascriptDialogOpening" => return Some(Demand::Dialog),
            "Fetch.requestPaused" => {
                return event
                    .text("/requestId")
                    .map(|id| Demand::Request(id.to_owned()));
            }
            "Target.targetCreated" if event.text("/targetInfo/type") == Some("page") => {
                let id = event.text("/targetInfo/targetId");
                return id.map(|id| Demand::Window(id.to_owned()));
            }
            _ => {}
        }
        None
    }

    fn finish(&mut self, event: &Event) {
        if let Some(id) = event.text("/requestId") {
            self.requests.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn after(events: &[Event]) -> PageState {
        let mut state = PageState::default();
        for event in events {
            assert_eq!(state.apply(event, "main"), None, "{event:?}");
        }
        state
    }

    fn asks(id: &str, url: &str) -> Event {
        let params = json!({"requestId": id, "frameId": "main", "type": "Document",
            "request": {"url": url}});
        Event::new("Network.requestWillBeSent", params)
    }

    fn commits(frame: &serde_json::Value) -> Event {
        Event::new("Page.frameNavigated", json!({ "frame": frame }))
    }

    #[test]
    fn a_document_that_arrives() {
        let answers = json!({"requestId": "1", "frameId": "main", "type": "Document",
            "response": {"status": 404}});
        let mut events = vec![
            asks("1", "http://a.example/"),
            asks("1", "http://b.example/"),
            Event::new("Network.responseReceived", answers),
            commits(&json!({"id": "main", "url": "http://b.example/"})),
            Event::new(
                "Network.requestWillBeSent",
                json!({"requestId": "2", "type": "Fetch"}),
            ),
            Event::new(
                "Network.requestWillBeSent",
                json!({"requestId": "3", "type": "EventSource"}),
            ),
        ];
        let state = after(&events);
        assert!(state.committed && !state.loaded && !state.unreachable && state.is_loading());
        assert_eq!(state.status, Some(404));
        assert_eq!(state.document_url.as_deref(), Some("http://b.example/"));
        events.push(Event::new("Page.loadEventFired", json!({})));
        events.push(Event::new(
            "Network.loadingFinished",
            json!({"requestId": "2"}),
        ));
        let state = after(&events);
        assert!(state.loaded && !state.is_loading());
    }

    #[test]
    fn a_document_that_cannot_be_had() {
        let failed = json!({"requestId": "1", "type": "Document", "errorText": "net::ERR_X"});
        let state = after(&[
            asks("1", "http://a.example/"),
            Event::new("Network.loadingFailed", failed),
            commits(&json!({"id": "main", "unreachableUrl": "http://a.example/"})),
        ]);
        assert!(state.committed && state.unreachable);
        assert_eq!(state.error.as_deref(), Some("net::ERR_X"));
    }

    #[test]
    fn a_frame_that_cannot_be_had_is_not_the_page() {
        let asks_in_frame = json!({"requestId": "2", "frameId": "inner", "type": "Document",
            "request": {"url": "http://b.example/"}});
        let failed = json!({"requestId": "2", "type": "Document", "errorText": "net::ERR_X"});
        let state = after(&[
            asks("1", "http://a.example/"),
            Event::new("Network.requestWillBeSent", asks_in_frame),
            Event::new("Network.loadingFailed", failed),
        ]);
        assert_eq!(state.error, None);
        assert_eq!(state.document_url.as_deref(), Some("http://a.example/"));
    }

    #[test]
    fn another_document_is_another_load_and_frames_are_not_the_page() {
        let load = || Event::new("Page.loadEventFired", json!({}));
        let state = after(&[load(), commits(&json!({"id": "main"}))]);
        assert!(!state.loaded);
        let state = after(&[load(), commits(&json!({"id": "inner"}))]);
        assert!(state.loaded && !state.committed);
    }

    #[test]
    fn some_events_demand_an_answer() {
        let window = |kind: &str| json!({"targetInfo": {"targetId": "t", "type": kind}});
        for (method, params, expected) in [
            (
                "Page.javascriptDialogOpening",
                json!({}),
                Some(Demand::Dialog),
            ),
            (
                "Fetch.requestPaused",
                json!({"requestId": "7"}),
                Some(Demand::Request("7".into())),
            ),
            (
                "Target.targetCreated",
                window("page"),
                Some(Demand::Window("t".into())),
            ),
            ("Target.targetCreated", window("worker"), None),
        ] {
            let mut state = PageState::default();
            assert_eq!(
                state.apply(&Event::new(method, params), "main"),
                expected,
                "{method}"
            );
        }
    }
}
