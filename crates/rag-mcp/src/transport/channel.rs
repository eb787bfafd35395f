//! Serves one connection whose messages come and go through two channels: what
//! standard input and output and legacy SSE have in common.
//!
//! It leaves reading and writing bytes to them.

use std::{borrow::Cow, future::ready, panic::AssertUnwindSafe};

use futures_util::{FutureExt, StreamExt, stream};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        ClientJsonRpcMessage, ClientNotification, ClientRequest, ProtocolVersion, ServerConfig,
        ServerJsonRpcMessage, ServerResult,
    },
    service::{
        DynService, NotificationContext, RequestContext, ServerInitializeError, ServiceExt,
        serve_server_with_ct,
    },
};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, PollSender};

/// A server, whichever it is. A request on which it panics gets an error for
/// an answer; without that, its client would wait for ever.
pub(super) struct Service(Box<dyn DynService<RoleServer>>);

impl Service {
    /// The server whose requests `handler` answers.
    pub(super) fn new<H: ServerHandler>(handler: H) -> Self {
        Self(handler.into_dyn())
    }
}

impl rmcp::Service<RoleServer> for Service {
    async fn handle_request(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let answer = self.0.as_ref().handle_request(request, context);
        // What a handler keeps between requests must bear a panic anyway.
        AssertUnwindSafe(answer)
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                let text = "the server failed on this request; its log says more";
                Err(ErrorData::internal_error(text, None))
            })
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0
            .as_ref()
            .handle_notification(notification, context)
            .await
    }

    fn get_info(&self) -> ServerConfig {
        self.0.as_ref().get_info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.0.as_ref().supported_protocol_versions()
    }
}

/// How many messages may wait in each direction; a peer that does not read
/// slows down the one that writes.
pub(super) const CAPACITY: usize = 64;

/// Serves until `incoming` ends or `cancel` fires. Answers under way are sent
/// first, for a few seconds; then `outgoing` is closed.
pub(super) async fn serve(
    service: Service,
    mut incoming: mpsc::Receiver<ClientJsonRpcMessage>,
    outgoing: mpsc::Sender<ServerJsonRpcMessage>,
    cancel: CancellationToken,
) {
    // A stray notification before the handshake would end the connection.
    let incoming = stream::poll_fn(move |context| incoming.poll_recv(context))
        .skip_while(|message| ready(!matches!(message, ClientJsonRpcMessage::Request(_))));
    let transport = (PollSender::new(outgoing), incoming);
    // The service cancels the token it is given when it ends, so it gets its own.
    match serve_server_with_ct(service, transport, cancel.child_token()).await {
        Ok(running) => {
            if let Err(error) = running.waiting().await {
                tracing::error!(%error, "an MCP connection ended abnormally");
            }
        }
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {}
        Err(error) => tracing::warn!(%error, "an MCP client did not complete the handshake"),
    }
}
