//! Listens, and tells whether others can reach the server there.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, lookup_host};

/// A place to listen at.
#[derive(Debug)]
pub struct Bound {
    /// What listens there.
    pub listener: TcpListener,
    /// Whether others than this machine can reach it.
    pub is_public: bool,
}

/// Listens on `host` (a name or an address) and `port`, 0 for any free one.
///
/// # Errors
/// When `host` does not resolve; when the port is taken or not permitted.
pub async fn bind(host: &str, port: u16) -> Result<Bound, BindError> {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let resolved = lookup_host((name, port)).await;
    let addresses: Vec<SocketAddr> = resolved
        .map_err(|source| BindError::NoSuchHost {
            host: host.to_owned(),
            source,
        })?
        .collect();
    // A name of several addresses is as public as the most public of them.
    let is_public = addresses
        .iter()
        .any(|address| !address.ip().to_canonical().is_loopback());
    let address = *addresses.first().ok_or_else(|| BindError::NoSuchHost {
        host: host.to_owned(),
        source: io::Error::from(io::ErrorKind::NotFound),
    })?;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address },
        io::ErrorKind::AddrNotAvailable => BindError::NotOurs { address },
        _ => BindError::Failed { address, source },
    })?;
    Ok(Bound {
        listener,
        is_public,
    })
}

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Something else listens there.
    #[error(
        "cannot listen on {address}: the port is in use\n\n\
         hint: another server may be running; stop it, or choose another port with `--port`"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address is of another machine.
    #[error("cannot listen on {address}: this machine does not have that address")]
    NotOurs {
        /// The address.
        address: SocketAddr,
    },
    /// The name has no address.
    #[error("cannot find an address for host `{host}`")]
    NoSuchHost {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// The system does not let us.
    #[error("cannot listen on {address}")]
    Failed {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
