//! One connection of the browser to its proxy: a request that is passed on, or
//! a tunnel.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Shared, head};

/// The longest head of a message, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// How long the browser may take to send the head of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long connecting to an origin may take, over all of its addresses.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an origin may take for the head of its answer, and how long a
/// connection may be silent. Pages have a shorter deadline of their own.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How many interim answers may precede the answer.
const INTERIM_ANSWERS_MAX: usize = 8;

/// How much is read at a time, in bytes.
const BUFFER_BYTES: usize = 16 << 10;

/// Serves one connection to its end. What goes wrong concerns the page only,
/// which sees a broken connection.
pub(super) async fn serve(client: TcpStream, shared: Arc<Shared>) {
    if let Err(error) = exchange(client, &shared).await {
        tracing::debug!(%error, "a connection of the browser broke");
    }
}

async fn exchange(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let (head, body) = read_head(&mut client, REQUEST_TIMEOUT).await?;
    let request = match head::request(&head) {
        Ok(request) => request,
        Err(bad) => return answer(&mut client, "400 Bad Request", &bad.to_string()).await,
    };
    let (host, port) = (request.host.as_str(), request.port);
    let addresses = match shared.reach.vet_host(host, port).await {
        Ok(addresses) => addresses,
        Err(refused) => {
            let why = refused.to_string();
            shared.note(host, port, Some(&why));
            return answer(&mut client, "403 Forbidden", &why).await;
        }
    };
    let mut origin = match connect(&addresses).await {
        Ok(origin) => origin,
        Err(error) => {
            let why = format!("`{host}:{port}` cannot be reached: {error}");
            shared.note(host, port, Some(&why));
            return answer(&mut client, "502 Bad Gateway", &why).await;
        }
    };
    shared.note(host, port, None);
    let forwards = request.forward.is_some();
    match request.forward {
        None => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?,
        Some(head) => origin.write_all(&head).await?,
    }
    shared.spend(head.len() + body.len())?;
    origin.write_all(&body).await?;
    relay(client, origin, forwards, shared).await
}

/// A connection to the first of the vetted addresses that accepts one.
async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let connecting = TcpStream::connect(addresses);
    timeout(CONNECT_TIMEOUT, connecting).await?
}

/// Passes bytes on in both directions until the origin is done, or one side
/// breaks or falls silent.
async fn relay(
    mut client: TcpStream,
    mut origin: TcpStream,
    rewrites_head: bool,
    shared: &Shared,
) -> io::Result<()> {
    let (mut client_reads, mut client_writes) = client.split();
    let (mut origin_reads, mut origin_writes) = origin.split();
    let up = async {
        pump(&mut client_reads, &mut origin_writes, shared).await?;
        // The client has sent everything; the answer may still be coming.
        std::future::pending().await
    };
    let down = async {
        if rewrites_head {
            pass_answer_head(&mut origin_reads, &mut client_writes, shared).await?;
        }
        pump(&mut origin_reads, &mut client_writes, shared).await
    };
    tokio::select! {
        ended = down => ended,
        ended = up => ended,
    }
}

/// Passes on the head of an answer, with what came of its body, after the
/// interim ones before it.
async fn pass_answer_head(
    origin: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
) -> io::Result<()> {
    let mut unread = Vec::new();
    for _ in 0..=INTERIM_ANSWERS_MAX {
        let (head, body) = continue_head(origin, unread, IDLE_TIMEOUT).await?;
        shared.spend(head.len())?;
        let (rewritten, interim) = head::response(&head).map_err(io::Error::other)?;
        client.write_all(&rewritten).await?;
        if !interim {
            shared.spend(body.len())?;
            return client.write_all(&body).await;
        }
        unread = body;
    }
    Err(io::Error::other(
        "the origin sends interim answers without end",
    ))
}

async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = timeout(IDLE_TIMEOUT, from.read(&mut buffer)).await??;
        if count == 0 {
            return to.shutdown().await;
        }
        shared.spend(count)?;
        timeout(IDLE_TIMEOUT, to.write_all(&buffer[..count])).await??;
    }
}

async fn read_head(
    from: &mut (impl AsyncRead + Unpin),
    limit: Duration,
) -> io::Result<(Vec<u8>, Vec<u8>)> {
    continue_head(from, Vec::new(), limit).await
}

/// The head of a message, with its empty line, and what was read after it.
/// `bytes` is what was read before.
async fn continue_head(
    from: &mut (impl AsyncRead + Unpin),
    mut bytes: Vec<u8>,
    limit: Duration,
) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let read = async {
        let mut searched = 0;
        loop {
            if let Some(end) = end_of_head(&bytes, searched) {
                let body = bytes.split_off(end);
                return Ok((bytes, body));
            }
            if bytes.len() >= HEAD_BYTES_MAX {
                return Err(io::Error::other("the head of a message is too long"));
            }
            searched = bytes.len().saturating_sub(3);
            if from.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    };
    timeout(limit, read).await?
}

fn end_of_head(bytes: &[u8], searched: usize) -> Option<usize> {
    let end = b"\r\n\r\n";
    let found = bytes[searched..]
        .windows(end.len())
        .position(|window| window == end)?;
    Some(searched + found + end.len())
}

/// Answers in the proxy's own name and closes.
async fn answer(client: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let length = text.len();
    let message = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{text}"
    );
    client.write_all(message.as_bytes()).await?;
    client.shutdown().await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rag_web::Guard;
    use testsite::{Answer, Site, Target};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::super::{Proxy, Reach};

    /// What the proxy answers to a request, to the end.
    async fn ask(proxy: &Proxy, request: &str) -> String {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A proxy that hangs up on too long a head may do so by a reset.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn requests_and_tunnels_reach_what_the_guard_allows_and_nothing_else() {
        let (site, target) = (Site::start().await, Target::start().await);
        site.put("/", Answer::text("the answer"));
        let guard = Guard::new(&[site.host(), "127.0.0.1:1".to_owned()]).unwrap();
        let reach = Reach::of_page(&Arc::new(guard), &site.url("/")).await;
        let proxy = Proxy::start(reach.unwrap()).await.unwrap();
        let (own, private) = (site.host(), format!("127.0.0.1:{}", target.port()));
        let get = "GET / HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n";
        let long = "x".repeat(super::HEAD_BYTES_MAX);
        for (request, status, contains) in [
            (
                format!("GET http://{own}/ HTTP/1.1\r\n\r\n"),
                "200 OK",
                "the answer",
            ),
            (
                format!("CONNECT {own} HTTP/1.1\r\n\r\n{get}"),
                "200 OK",
                "the answer",
            ),
            (
                format!("GET http://{private}/ HTTP/1.1\r\n\r\n"),
                "403 ",
                "private",
            ),
            (
                format!("CONNECT {private} HTTP/1.1\r\n\r\n{get}"),
                "403 ",
                "private",
            ),
            (
                "CONNECT localhost:80 HTTP/1.1\r\n\r\n".to_owned(),
                "403 ",
                "private",
            ),
            (
                "CONNECT 0x7f.1:80 HTTP/1.1\r\n\r\n".to_owned(),
                "403 ",
                "private",
            ),
            (
                "CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n".to_owned(),
                "502 ",
                "refused",
            ),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400 ", "no address"),
        ] {
            let answer = ask(&proxy, &request).await;
            let expected = format!("HTTP/1.1 {status}");
            assert!(answer.starts_with(&expected), "{request}: {answer}");
            assert!(answer.contains(contains), "{request}: {answer}");
        }
        assert_eq!(ask(&proxy, &format!("GET http://{own}/{long}")).await, "");
        assert_eq!(target.connections(), 0);

        let trouble = proxy.trouble(&format!("http://{private}/").parse().unwrap());
        assert!(trouble.unwrap().contains("private"));
        assert_eq!(proxy.trouble(&site.url("/")), None);
    }

    #[tokio::test]
    async fn a_page_that_had_its_share_gets_no_more() {
        let site = Site::start().await;
        site.put("/", Answer::text("x".repeat(1000)).endless());
        let guard = Guard::new(&[site.host()]).unwrap();
        let reach = Reach::of_page(&Arc::new(guard), &site.url("/")).await;
        let proxy = Proxy::start(reach.unwrap()).await.unwrap();
        let left = super::super::PAGE_BYTES_MAX - 100_000;
        proxy.shared.spend(usize::try_from(left).unwrap()).unwrap();
        let answer = ask(&proxy, &format!("GET {} HTTP/1.1\r\n\r\n", site.url("/"))).await;
        assert!(
            (1_000..=100_000).contains(&answer.len()),
            "{}",
            answer.len()
        );
    }
}
