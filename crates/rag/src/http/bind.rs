//! Decides where to listen, and refuses to be public without authentication.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, lookup_host};

/// Listens on `host` (a name or an address) and `port`, 0 for any free one.
///
/// # Errors
/// When `host` is not of this machine alone, unless `allow_unauthenticated`;
/// when it does not resolve; when the port is taken or not permitted.
pub async fn bind(
    host: &str,
    port: u16,
    allow_unauthenticated: bool,
) -> Result<TcpListener, BindError> {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let resolved = lookup_host((name, port)).await;
    let addresses: Vec<SocketAddr> = resolved
        .map_err(|source| BindError::NoSuchHost {
            host: host.to_owned(),
            source,
        })?
        .collect();
    // A name of several addresses is as public as the most public of them.
    let public = addresses
        .iter()
        .find(|address| !address.ip().to_canonical().is_loopback());
    if let (Some(public), false) = (public, allow_unauthenticated) {
        return Err(BindError::Public { address: *public });
    }
    let address = *addresses.first().ok_or_else(|| BindError::NoSuchHost {
        host: host.to_owned(),
        source: io::Error::from(io::ErrorKind::NotFound),
    })?;
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { address },
            io::ErrorKind::AddrNotAvailable => BindError::NotOurs { address },
            _ => BindError::Failed { address, source },
        })
}

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Others could reach the address, and there is nothing to tell them apart.
    #[error(
        "refusing to listen on {address}: others can reach it, and there is no authentication\n\n\
         hint: listen on 127.0.0.1, or pass `--allow-unauthenticated` if whoever can reach this \
         address may read, change and delete everything"
    )]
    Public {
        /// The address.
        address: SocketAddr,
    },
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
