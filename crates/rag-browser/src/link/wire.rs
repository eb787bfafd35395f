//! What carries the messages of the DevTools protocol: two pipes to a browser
//! that we started, or a WebSocket to one that somebody else did.

use async_tungstenite::WebSocketStream;
use async_tungstenite::tokio::{ConnectStream, connect_async_with_config};
use async_tungstenite::tungstenite::{self, protocol::WebSocketConfig};
use chromiumoxide::types::{CallId, Message, MethodCall, MethodId};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::codec::FramedRead;

use super::Event;
use super::codec::Messages;

/// The longest message of a browser, in bytes. The largest that we ask for is
/// the text of a page, in JSON.
///
/// A longer one is lost on a pipe, and ends the connection on a WebSocket, which
/// cannot pass over it.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Why a message was not sent or received.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// The pipe broke.
    #[error(transparent)]
    Pipe(#[from] std::io::Error),
    /// The WebSocket broke, or carries a message that is too long.
    #[error(transparent)]
    Socket(#[from] Box<tungstenite::Error>),
    /// A command that is no JSON.
    #[error("a command cannot be written")]
    Json(#[from] serde_json::Error),
}

/// A way to a browser.
pub(crate) struct Wire {
    kind: Kind,
    next_id: usize,
}

enum Kind {
    /// Messages that end in a zero byte, over the browser's pipes.
    Pipe {
        writes: Box<dyn AsyncWrite + Send + Unpin>,
        reads: FramedRead<Box<dyn AsyncRead + Send + Unpin>, Messages>,
    },
    Socket(Box<WebSocketStream<ConnectStream>>),
}

impl Wire {
    /// The pipes of a browser's process.
    pub(crate) fn pipe(
        writes: impl AsyncWrite + Send + Unpin + 'static,
        reads: impl AsyncRead + Send + Unpin + 'static,
    ) -> Self {
        let reads: Box<dyn AsyncRead + Send + Unpin> = Box::new(reads);
        let kind = Kind::Pipe {
            writes: Box::new(writes),
            reads: FramedRead::new(reads, Messages::new(MESSAGE_BYTES_MAX)),
        };
        Wire { kind, next_id: 0 }
    }

    /// The WebSocket at `address`.
    pub(crate) async fn socket(address: &str) -> Result<Self, WireError> {
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let connecting = connect_async_with_config(address, Some(limits));
        let (socket, _) = connecting.await.map_err(Box::new)?;
        let kind = Kind::Socket(Box::new(socket));
        Ok(Wire { kind, next_id: 0 })
    }

    /// Sends a command, and gives the number that its answer will have.
    pub(crate) async fn send(
        &mut self,
        method: MethodId,
        session_id: Option<String>,
        params: Value,
    ) -> Result<CallId, WireError> {
        let id = CallId::new(self.next_id);
        self.next_id += 1;
        let mut message = serde_json::to_string(&MethodCall {
            id,
            method,
            session_id,
            params,
        })?;
        match &mut self.kind {
            Kind::Pipe { writes, .. } => {
                message.push('\0');
                writes.write_all(message.as_bytes()).await?;
                writes.flush().await?;
            }
            Kind::Socket(socket) => {
                let sent = socket.send(tungstenite::Message::text(message)).await;
                sent.map_err(Box::new)?;
            }
        }
        Ok(id)
    }

    /// The next answer or event; none when the browser hangs up. What cannot be
    /// read is lost: a page may have a part in what it says. Nothing else is
    /// when the future is dropped before it is ready.
    pub(crate) async fn receive(&mut self) -> Option<Result<Message<Event>, WireError>> {
        loop {
            let read = match &mut self.kind {
                Kind::Pipe { reads, .. } => match reads.next().await? {
                    Ok(bytes) => serde_json::from_slice(&bytes),
                    Err(error) => return Some(Err(error.into())),
                },
                Kind::Socket(socket) => match socket.next().await? {
                    Ok(tungstenite::Message::Text(text)) => serde_json::from_str(&text),
                    Ok(tungstenite::Message::Close(_)) => return None,
                    Ok(_) => continue,
                    Err(error) => return Some(Err(Box::new(error).into())),
                },
            };
            match read {
                Ok(message) => return Some(Ok(message)),
                Err(error) => tracing::debug!(%error, "a message of the browser was lost"),
            }
        }
    }
}
