//! How many connections each address has, so that one host does not take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The addresses that have connections. Clones share it.
#[derive(Clone)]
pub(super) struct Peers {
    connections: Arc<Mutex<HashMap<IpAddr, usize>>>,
    connections_max: usize,
}

/// A connection of an address, until it is dropped.
pub(super) struct Peer {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    /// Each address may have `connections_max`, but for this machine's own: behind
    /// those may be a proxy for everybody.
    pub(super) fn new(connections_max: usize) -> Self {
        Peers {
            connections: Arc::default(),
            connections_max,
        }
    }

    /// Notes a connection; `None` when its address has as many as it may have.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Peer> {
        let address = address.to_canonical();
        let mut connections = self.lock();
        let own = connections.entry(address).or_default();
        if *own >= self.connections_max && !address.is_loopback() {
            return None;
        }
        *own += 1;
        Some(Peer {
            peers: self.clone(),
            address,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        let connections = self.connections.lock();
        connections.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut connections = self.peers.lock();
        let own = connections.get_mut(&self.address);
        match own {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(connections.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_more_than_its_part() {
        let peers = Peers::new(2);
        let admit = |address: &str| peers.admit(address.parse().unwrap());
        let first = admit("192.0.2.1");
        let second = admit("::ffff:192.0.2.1");
        assert!(admit("192.0.2.1").is_none());
        assert!(admit("192.0.2.2").is_some());
        drop(first);
        let again = admit("192.0.2.1");
        assert!(again.is_some() && admit("192.0.2.1").is_none());
        let own: Vec<_> = (0..5).map(|_| admit("127.0.0.1")).collect();
        assert!(own.iter().all(Option::is_some));
        drop((again, second, own));
        assert!(peers.lock().is_empty());
    }
}
