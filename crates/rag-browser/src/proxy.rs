//! The only way out that a page has: an HTTP proxy on loopback that asks the
//! guard about every connection and connects to nothing but the addresses that
//! the guard gives.
//!
//! Each page has a proxy of its own, which ends with it: what a page may load
//! is bounded by page, and what one page was refused is not held against
//! another. `reach` knows what a page may reach, `head` reads and rewrites the heads of messages, `connection` serves
//! one connection.
//!
//! The proxy asks for no password, since Chromium sends one only after a
//! detour through the protocol that misses workers. Another user of this machine
//! who finds the port while the page is being rendered reaches what the guard
//! allows, and nothing else.

mod connection;
mod head;
mod reach;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

pub(crate) use self::reach::Reach;

/// The most connections of a page at a time.
const CONNECTIONS_MAX: usize = 64;

/// How much a page may send and receive, in bytes.
const PAGE_BYTES_MAX: u64 = 100 << 20;

/// Of how many hosts it is kept why they were not reached.
const TROUBLES_MAX: usize = 256;

/// How long the proxy waits when the system has no connection to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A proxy that serves until it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Starts a proxy for a page that may reach what `reach` says.
    pub(crate) async fn start(reach: Reach) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            reach,
            bytes_left: AtomicU64::new(PAGE_BYTES_MAX),
            troubles: Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Proxy {
            address,
            shared,
            _task: AbortOnDropHandle::new(task),
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why the host of `url` was not reached the last time, if it was not.
    pub(crate) fn trouble(&self, url: &Url) -> Option<String> {
        let place = (url.host_str()?.to_owned(), url.port_or_known_default()?);
        self.shared.troubles().get(&place).cloned()
    }
}

/// What the connections of a proxy share.
struct Shared {
    reach: Reach,
    bytes_left: AtomicU64,
    troubles: Mutex<HashMap<(String, u16), String>>,
}

impl Shared {
    /// Counts bytes that pass. Fails when the page had its share.
    fn spend(&self, bytes: usize) -> io::Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let spend = |left: u64| left.checked_sub(bytes);
        let spent = self
            .bytes_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
        spent
            .map(|_| ())
            .map_err(|_| io::Error::other("the page loads too much"))
    }

    /// Keeps whether a host was reached, and if not, why.
    fn note(&self, host: &str, port: u16, trouble: Option<&str>) {
        let place = (host.to_owned(), port);
        let mut troubles = self.troubles();
        match trouble {
            None => {
                troubles.remove(&place);
            }
            Some(why) if troubles.len() < TROUBLES_MAX => {
                troubles.insert(place, why.to_owned());
            }
            Some(_) => {}
        }
    }

    fn troubles(&self) -> std::sync::MutexGuard<'_, HashMap<(String, u16), String>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves connections, a bounded number at a time, until it is aborted; the
/// connections end with it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    connections.spawn(connection::serve(client, Arc::clone(&shared)));
                }
                Err(error) => {
                    tracing::debug!(%error, "the browser's proxy accepts no connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}
