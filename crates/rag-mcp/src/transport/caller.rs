//! Who sent an HTTP request, as far as can be told without authentication: the
//! bearer of a credential, else an address.
//!
//! It leaves whether the credential is good to authentication.

use std::net::{IpAddr, SocketAddr};

use axum::{extract::ConnectInfo, http::request::Parts};
use sha2::{Digest, Sha256};

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// Whoever has this credential; only its hash is kept.
    Credential([u8; 32]),
    /// Someone without a credential at this address.
    Address(IpAddr),
    /// Someone whose address the listener did not tell.
    Unknown,
}

impl Caller {
    /// Who sent the request with this head.
    pub(super) fn of(parts: &Parts) -> Self {
        if let Some(credential) = parts.headers.get(axum::http::header::AUTHORIZATION) {
            return Self::Credential(Sha256::digest(credential.as_bytes()).into());
        }
        match parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            Some(ConnectInfo(address)) => Self::Address(address.ip()),
            None => Self::Unknown,
        }
    }
}
