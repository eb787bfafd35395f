//! Who sent an HTTP request: whom authentication found, else the bearer of a
//! credential, else an address.
//!
//! It leaves authentication to the program that mounts the routes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::{extract::ConnectInfo, http::request::Parts};
use sha2::{Digest, Sha256};

/// An extension of a request: the name of whom authentication found to have sent
/// it. Stays the same when the caller's credential is renewed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(pub Arc<str>);

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// Whom authentication found.
    Known(Identity),
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
        if let Some(identity) = parts.extensions.get::<Identity>() {
            return Self::Known(identity.clone());
        }
        if let Some(credential) = parts.headers.get(axum::http::header::AUTHORIZATION) {
            return Self::Credential(Sha256::digest(credential.as_bytes()).into());
        }
        match parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            Some(ConnectInfo(address)) => Self::Address(address.ip()),
            None => Self::Unknown,
        }
    }
}
