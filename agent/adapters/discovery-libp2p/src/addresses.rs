//! Addresses of nodes. Host names in them are asked of the system, so that no resolver of our own is needed.

use libp2p::multiaddr::Protocol;
use libp2p::Multiaddr;

/// Addresses kept of a node.
pub(crate) const ADDRESSES: usize = 4;

/// The first few addresses of a node.
pub(crate) fn first(addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
    addresses.into_iter().take(ADDRESSES).collect()
}

/// Whether an address leads to this machine.
pub(crate) fn is_loopback(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(ip) => ip.is_loopback(),
        Protocol::Ip6(ip) => ip.is_loopback(),
        _ => false,
    })
}

/// A host name in an address.
pub(crate) struct Named {
    at: usize,
    name: String,
    /// Only addresses of this family.
    v4: Option<bool>,
}

/// The host name in an address, if there is one.
pub(crate) fn named(address: &Multiaddr) -> Option<Named> {
    address.iter().enumerate().find_map(|(at, part)| {
        let (name, v4) = match part {
            Protocol::Dns(name) => (name, None),
            Protocol::Dns4(name) => (name, Some(true)),
            Protocol::Dns6(name) => (name, Some(false)),
            _ => return None,
        };
        let name = name.into_owned();
        Some(Named { at, name, v4 })
    })
}

/// The addresses that a name stands for now; none when the system cannot tell.
pub(crate) async fn resolve(address: Multiaddr, named: Named) -> Vec<Multiaddr> {
    let Named { at, name, v4 } = named;
    let found = tokio::net::lookup_host((name, 0)).await;
    match found {
        Ok(found) => found
            .map(|socket| socket.ip())
            .filter(|ip| v4.is_none_or(|v4| ip.is_ipv4() == v4))
            .filter_map(|ip| address.replace(at, |_| Some(Protocol::from(ip))))
            .take(ADDRESSES)
            .collect(),
        Err(e) => {
            tracing::warn!("bootstrap {address}: {e}");
            Vec::new()
        }
    }
}
