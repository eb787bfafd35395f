//! MCP over standard input and output: one message a line.
//!
//! A line that is no message is answered with a JSON-RPC error and the session
//! goes on. Nothing else is ever written to standard output.

use std::io;

use rmcp::{
    ServerHandler,
    model::{ClientJsonRpcMessage, ErrorData, JsonRpcError, ServerJsonRpcMessage},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufWriter},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    channel::{self, CAPACITY, Service},
    lines::{Line, Lines},
    message,
};

/// The longest line: room for the text of a 20 MiB document, escaped.
const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Serves the process's standard input and output until the input ends, the
/// reader of the output goes away, or `cancel` fires. Answers under way are
/// sent first, for a few seconds.
///
/// When standard input is not a pipe (a terminal, a file), a blocked read may
/// outlive this call: end the process, do not wait for the runtime.
///
/// # Errors
/// Standard input cannot be read, or standard output not written.
pub async fn stdio<H: ServerHandler>(handler: H, cancel: CancellationToken) -> io::Result<()> {
    let (reader, writer) = rmcp::transport::stdio_pipes();
    session(
        Service::new(handler),
        Lines::new(reader, LINE_BYTES_MAX),
        writer,
        cancel,
    )
    .await
}

async fn session<R, W>(
    service: Service,
    lines: Lines<R>,
    writer: W,
    cancel: CancellationToken,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let stop = cancel.child_token();
    let (to_service, incoming) = mpsc::channel(CAPACITY);
    let (to_writer, outgoing) = mpsc::channel(CAPACITY);
    let answers = to_writer.clone();

    let reading = async {
        tokio::select! {
            result = read(lines, to_service, answers) => result,
            () = stop.cancelled() => Ok(()),
        }
    };
    let serving = async {
        channel::serve(service, incoming, to_writer, stop.clone()).await;
        stop.cancel();
    };
    let writing = async {
        let result = write(writer, outgoing).await;
        stop.cancel();
        result
    };
    let (read, (), written) = tokio::join!(reading, serving, writing);
    match written {
        // The client went away, which is how some of them end a session.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => read,
        written => read.and(written),
    }
}

/// Hands each message to the service and answers what is none, until the input
/// or the service ends.
async fn read<R: AsyncRead + Unpin>(
    mut lines: Lines<R>,
    to_service: mpsc::Sender<ClientJsonRpcMessage>,
    answers: mpsc::Sender<ServerJsonRpcMessage>,
) -> io::Result<()> {
    loop {
        let parsed = match lines.next().await? {
            Line::Text(line) if line.trim_ascii().is_empty() => continue,
            Line::Text(line) => message::parse(line),
            Line::TooLong => Err(too_long()),
            Line::End => return Ok(()),
        };
        let is_taken = match parsed {
            Ok(Some(message)) => to_service.send(message).await.is_ok(),
            Ok(None) => true,
            Err(error) => answers
                .send(ServerJsonRpcMessage::Error(error))
                .await
                .is_ok(),
        };
        if !is_taken {
            return Ok(());
        }
    }
}

fn too_long() -> JsonRpcError {
    let text = format!("a message may have {LINE_BYTES_MAX} bytes at most");
    JsonRpcError::new(None, ErrorData::parse_error(text, None))
}

/// Writes each message as a line, and flushes when none is waiting.
async fn write<W: AsyncWrite + Unpin>(
    writer: W,
    mut outgoing: mpsc::Receiver<ServerJsonRpcMessage>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(writer);
    while let Some(message) = outgoing.recv().await {
        let mut line = serde_json::to_vec(&message)?;
        line.push(b'\n');
        writer.write_all(&line).await?;
        if outgoing.is_empty() {
            writer.flush().await?;
        }
    }
    writer.flush().await
}
