//! What must never be reached, and knows whether it was.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

/// A connection is read for so long, and so far.
const READ_TIME: Duration = Duration::from_secs(5);
const READ_BYTES_MAX: usize = 1 << 20;

/// At most so many connections are read at a time.
const CONNECTIONS_MAX: usize = 256;

/// So many first lines are kept.
const LINES_MAX: usize = 1000;

/// Ports are tried until one is free for TCP and UDP.
const ATTEMPTS_MAX: usize = 100;

/// A listener on loopback that counts what comes: TCP connections, the bytes on
/// them, and UDP datagrams (name look-ups, STUN, QUIC) on the same port. Where
/// the machine has IPv6, `[::1]` counts as well. Ends when it is dropped.
#[derive(Debug)]
pub struct Target {
    port: u16,
    seen: Arc<Seen>,
    /// Aborted on drop.
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    bytes: AtomicUsize,
    datagrams: AtomicUsize,
    lines: Mutex<Vec<String>>,
}

impl Target {
    /// Listens on a port that the system chooses.
    pub async fn start() -> Target {
        let (listener, socket, port) = bind().await;
        let seen = Arc::<Seen>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&seen)));
        tasks.spawn(receive(socket, Arc::clone(&seen)));
        if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            tasks.spawn(accept(listener, Arc::clone(&seen)));
        }
        if let Ok(socket) = UdpSocket::bind((Ipv6Addr::LOCALHOST, port)).await {
            tasks.spawn(receive(socket, Arc::clone(&seen)));
        }
        Target {
            port,
            seen,
            _tasks: tasks,
        }
    }

    /// `http://127.0.0.1:PORT/secret`.
    pub fn url(&self) -> Url {
        let text = format!("http://127.0.0.1:{}/secret", self.port);
        Url::parse(&text).expect("a path on loopback is an address")
    }

    /// The port, for TCP and UDP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many TCP connections were made.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// How many bytes came over them.
    pub fn bytes(&self) -> usize {
        self.seen.bytes.load(Ordering::SeqCst)
    }

    /// The first line of what was read at a time, such as `GET /secret?img
    /// HTTP/1.1`: by which means it was reached. The first 1000.
    pub fn lines(&self) -> Vec<String> {
        self.seen.lines().clone()
    }

    /// How many UDP datagrams came.
    pub fn datagrams(&self) -> usize {
        self.seen.datagrams.load(Ordering::SeqCst)
    }
}

impl Seen {
    fn note(&self, bytes: &[u8]) {
        self.bytes.fetch_add(bytes.len(), Ordering::SeqCst);
        let line = bytes.split(|&byte| byte == b'\r' || byte == b'\n').next();
        let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
        let mut lines = self.lines();
        if lines.len() < LINES_MAX {
            lines.push(line);
        }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().expect("nobody panics holding this")
    }
}

/// One port for both protocols.
async fn bind() -> (TcpListener, UdpSocket, u16) {
    for _ in 0..ATTEMPTS_MAX {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        if let Ok(socket) = UdpSocket::bind(address).await {
            return (listener, socket, address.port());
        }
    }
    panic!("no port is free for both TCP and UDP");
}

async fn accept(listener: TcpListener, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        let seen = Arc::clone(&seen);
        connections.spawn(async move {
            let _ = timeout(READ_TIME, read(stream, &seen)).await;
        });
    }
}

/// Answers as a web server would, so that whoever got here goes on.
async fn read(mut stream: TcpStream, seen: &Seen) {
    let mut buffer = [0; 4096];
    let mut total = 0;
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        seen.note(&buffer[..count]);
        total += count;
        let answer =
            b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 6\r\n\r\nsecret";
        if total > READ_BYTES_MAX || stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

async fn receive(socket: UdpSocket, seen: Arc<Seen>) {
    let mut buffer = [0; 2048];
    while socket.recv_from(&mut buffer).await.is_ok() {
        seen.datagrams.fetch_add(1, Ordering::SeqCst);
    }
}
