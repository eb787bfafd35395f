//! A wire between a store and its server that can be cut at the worst moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// When the wire is cut, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cut {
    Never = 0,
    /// When a commit is asked for, before the server hears of it.
    BeforeCommit = 1,
    /// When the server has answered a commit, before the store hears of it.
    AfterCommit = 2,
}

/// Passes on what is said, as long as it is there.
pub(crate) struct Proxy {
    port: u16,
    cut: Arc<AtomicU8>,
    work: JoinHandle<()>,
}

/// How a commit is said.
const COMMIT: &[u8] = b"COMMIT\0";

impl Proxy {
    /// A wire to the server at `port`.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cut = Arc::new(AtomicU8::new(Cut::Never as u8));
        let own_port = listener.local_addr().unwrap().port();
        let work = {
            let cut = Arc::clone(&cut);
            tokio::spawn(async move {
                let mut wires = JoinSet::new();
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    wires.spawn(pass(client, server, Arc::clone(&cut)));
                }
            })
        };
        Proxy {
            port: own_port,
            cut,
            work,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn cut(&self, when: Cut) {
        self.cut.store(when as u8, Ordering::SeqCst);
    }

    /// Whether it was cut as it was told to.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst) == Cut::Never as u8
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, cut: Arc<AtomicU8>) {
    let (mut asked, mut told) = (vec![0; 65_536], vec![0; 65_536]);
    let once = |when: Cut| {
        let taken = cut.compare_exchange(
            when as u8,
            Cut::Never as u8,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        taken.is_ok()
    };
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                let is_commit = asked[..count].ends_with(COMMIT);
                if is_commit && once(Cut::BeforeCommit) {
                    return;
                }
                if server.write_all(&asked[..count]).await.is_err() {
                    return;
                }
                if is_commit && once(Cut::AfterCommit) {
                    // It has answered, so it is done.
                    assert!(server.read(&mut told).await.unwrap() > 0);
                    return;
                }
            }
            read = server.read(&mut told) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&told[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
