//! A page in the browser: opens it, answers what it demands.

use chromiumoxide::cdp::browser_protocol::browser::BrowserContextId;
use chromiumoxide::cdp::browser_protocol::network::{ErrorReason, ResourceType};
use chromiumoxide::cdp::browser_protocol::page::FrameId;
use chromiumoxide::cdp::browser_protocol::target::{
    AttachToTargetParams, CloseTargetParams, CreateTargetParams,
};
use chromiumoxide::cdp::browser_protocol::{emulation, fetch, inspector, network, page};
use chromiumoxide::types::Command;
use rag_web::Rendered;
use tokio::sync::{mpsc, watch};

use super::shown::Shown;
use super::state::{Demand, PageState};
use super::{PageError, Task, words};
use crate::link::{Event, Link, LinkError};

/// What is not loaded: nothing of it becomes text.
const NOT_LOADED: [ResourceType; 4] = [
    ResourceType::Image,
    ResourceType::Font,
    ResourceType::Media,
    ResourceType::Ping,
];

/// WebRTC and WebTransport connect past every proxy. A browser of ours does not
/// let them, one that somebody else started might.
const NO_UDP: &str = "for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', \
     'RTCDataChannel', 'WebTransport']) { delete globalThis[name]; }";

/// A page in the browser.
pub(super) struct Tab<'a> {
    handle: Handle<'a>,
    events: mpsc::Receiver<Event>,
}

/// How to have something done in a page.
pub(super) struct Handle<'a> {
    link: &'a Link,
    session: String,
    /// The main frame. Chromium gives it the name of the target.
    pub(super) frame: FrameId,
}

impl Handle<'_> {
    /// Has the page do something, and gives the answer.
    pub(super) async fn execute<C: Command>(&self, command: C) -> Result<C::Response, LinkError> {
        self.link.execute(Some(&self.session), command).await
    }
}

impl<'a> Tab<'a> {
    /// An empty page in a context, ready to be used.
    pub(super) async fn open(
        link: &'a Link,
        context: &BrowserContextId,
        user_agent: &str,
    ) -> Result<Self, PageError> {
        let mut create = CreateTargetParams::new("about:blank");
        create.browser_context_id = Some(context.clone());
        let target = link.execute(None, create).await?.target_id;
        let mut attach = AttachToTargetParams::new(target.clone());
        attach.flatten = Some(true);
        let session: String = link.execute(None, attach).await?.session_id.into();
        let target: String = target.into();
        let events = link.listen([session.clone(), target.clone()]).await?;
        let handle = Handle {
            link,
            session,
            frame: target.into(),
        };
        prepare(&handle, user_agent).await?;
        Ok(Tab { handle, events })
    }

    /// Shows a page, and takes its text when it has settled.
    pub(super) async fn render(&mut self, task: &Task<'_>) -> Result<Rendered, PageError> {
        let (sender, state) = watch::channel(PageState::default());
        let mut crash = state.clone();
        let shown = Shown {
            handle: &self.handle,
            state,
            task,
        };
        tokio::select! {
            outcome = shown.render() => outcome,
            // What the page is asked after that is never answered.
            Ok(_) = crash.wait_for(|state| state.crashed) => {
                Err(PageError::Failed(words::CRASHED.to_owned()))
            }
            ended = attend(&self.handle, &mut self.events, sender) => Err(ended),
        }
    }

    /// Ends the process of the page, even one that a script keeps busy, which
    /// would not close it.
    pub(super) fn kill(&self) {
        let Handle { link, session, .. } = &self.handle;
        link.hint(Some(session), &page::CrashParams::default());
    }
}

async fn prepare(page: &Handle<'_>, user_agent: &str) -> Result<(), LinkError> {
    page.execute(page::EnableParams::default()).await?;
    page.execute(inspector::EnableParams::default()).await?;
    // The browser would keep what it loads for those who ask; we do not.
    let network = network::EnableParams {
        max_total_buffer_size: Some(0),
        ..network::EnableParams::default()
    };
    page.execute(network).await?;
    page.execute(network::SetBypassServiceWorkerParams::new(true))
        .await?;
    let patterns = NOT_LOADED.map(|kind| fetch::RequestPattern {
        url_pattern: None,
        resource_type: Some(kind),
        request_stage: None,
    });
    let interception = fetch::EnableParams {
        patterns: Some(patterns.to_vec()),
        handle_auth_requests: None,
    };
    page.execute(interception).await?;
    page.execute(page::AddScriptToEvaluateOnNewDocumentParams::new(NO_UDP))
        .await?;
    page.execute(emulation::SetUserAgentOverrideParams::new(user_agent))
        .await?;
    Ok(())
}

/// Learns of events and answers those that demand it, until there are no more.
/// Gives why.
async fn attend(
    page: &Handle<'_>,
    events: &mut mpsc::Receiver<Event>,
    state: watch::Sender<PageState>,
) -> PageError {
    match answer(page, events, &state).await {
        Err(error) => error.into(),
        Ok(()) if page.link.has_ended() => PageError::BrowserEnded,
        Ok(()) => PageError::Failed("it makes more events than can be read".to_owned()),
    }
}

async fn answer(
    page: &Handle<'_>,
    events: &mut mpsc::Receiver<Event>,
    state: &watch::Sender<PageState>,
) -> Result<(), LinkError> {
    let (link, session) = (page.link, Some(page.session.as_str()));
    while let Some(event) = events.recv().await {
        let mut demand = None;
        state.send_modify(|state| demand = state.apply(&event, page.frame.as_ref()));
        match demand {
            None => {}
            Some(Demand::Dialog) => {
                let dismiss = page::HandleJavaScriptDialogParams::new(false);
                link.tell(session, &dismiss).await?;
            }
            Some(Demand::Request(id)) => {
                let fail = fetch::FailRequestParams::new(id, ErrorReason::BlockedByClient);
                link.tell(session, &fail).await?;
            }
            Some(Demand::Window(id)) => link.tell(None, &CloseTargetParams::new(id)).await?,
        }
    }
    Ok(())
}
