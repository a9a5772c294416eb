//! Addresses of nodes, and how far they reach. Host names in them are asked of the system, so that no resolver of our own is needed.

use libp2p::multiaddr::Protocol;
use libp2p::Multiaddr;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

/// Addresses kept of a node.
pub(crate) const ADDRESSES: usize = 4;

/// How far an address reaches. An address means something to whoever is in the same scope, and something else, or
/// nothing, to everybody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// This machine.
    Loopback,
    /// This cable.
    LinkLocal,
    /// This home or company.
    Private,
    /// The world.
    Public,
}

impl Scope {
    /// The scope of an address, of a relay's for what it forwards; none of what leads nowhere or is a name.
    pub fn of(address: &Multiaddr) -> Option<Self> {
        let ip = ip(address)?;
        let (loopback, link, private, none) = match ip {
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                let shared = a == 100 && (64..128).contains(&b);
                (
                    ip.is_loopback(),
                    ip.is_link_local(),
                    ip.is_private() || shared,
                    a == 0 || ip.is_multicast() || ip.is_broadcast(),
                )
            }
            IpAddr::V6(ip) => (
                ip.is_loopback(),
                ip.is_unicast_link_local(),
                ip.is_unique_local(),
                ip.is_unspecified() || ip.is_multicast(),
            ),
        };
        match (none, loopback, link, private) {
            (true, ..) => None,
            (_, true, ..) => Some(Self::Loopback),
            (_, _, true, _) => Some(Self::LinkLocal),
            (_, _, _, true) => Some(Self::Private),
            _ => Some(Self::Public),
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Loopback => 1,
            Self::LinkLocal => 2,
            Self::Private => 4,
            Self::Public => 8,
        }
    }
}

/// The IP address in an address.
fn ip(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)),
        _ => None,
    })
}

/// Whether a relay forwards to it.
pub(crate) fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// Whether an address is one of QUIC's.
fn is_quic(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::QuicV1)
}

/// Whether this build speaks what an address asks for: TCP, and QUIC where it is built in.
pub(crate) fn is_spoken(address: &Multiaddr) -> bool {
    let tcp = || address.iter().any(|part| matches!(part, Protocol::Tcp(_)));
    (cfg!(feature = "quic") && is_quic(address)) || tcp()
}

/// What a peer that is met at an address may be told of this node's addresses: those of TCP and of QUIC in turn, as it
/// may speak only one of them.
pub(crate) fn told<'a>(
    own: impl Iterator<Item = &'a Multiaddr>,
    met: &Multiaddr,
) -> Vec<Multiaddr> {
    let scope = Scope::of(met);
    let (mut quic, mut others): (Vec<Multiaddr>, Vec<Multiaddr>) = (Vec::new(), Vec::new());
    for address in own.filter(|a| scope.is_some() && Scope::of(a) == scope) {
        let of = if is_quic(address) {
            &mut quic
        } else {
            &mut others
        };
        if of.len() < ADDRESSES && !of.contains(address) {
            of.push(address.clone());
        }
    }
    let (mut others, mut quic) = (others.into_iter(), quic.into_iter());
    let mut told = Vec::new();
    while told.len() < ADDRESSES {
        let before = told.len();
        told.extend(others.next());
        told.extend(quic.next());
        if told.len() == before {
            break;
        }
    }
    told.truncate(ADDRESSES);
    told
}

/// What is believed of the addresses that a peer claims: those of the scope in which it was met. Only a registered
/// meter is believed to be anywhere else than where it was met, and that in the public scope or behind a relay alone.
pub(crate) fn believed(
    claimed: Vec<Multiaddr>,
    met: &Multiaddr,
    registered: bool,
) -> Vec<Multiaddr> {
    let scope = Scope::of(met);
    let elsewhere = registered && scope == Some(Scope::Public);
    claimed
        .into_iter()
        .filter(|a| scope.is_some() && Scope::of(a) == scope)
        .filter(|a| elsewhere || (registered && is_relayed(a)) || ip(a) == ip(met))
        .take(ADDRESSES)
        .collect()
}

/// The scopes in which this node meets others: those of the addresses that its owner names, to begin with or to listen
/// on, and those in which it has met registered meters. No address of another scope is dialled, whoever tells of it.
#[derive(Clone, Default)]
pub(crate) struct Reach(Arc<AtomicU8>);

impl Reach {
    /// Others are met at such an address.
    pub fn meets(&self, address: &Multiaddr) {
        if let Some(scope) = Scope::of(address) {
            self.0.fetch_or(scope.bit(), Ordering::Relaxed);
        }
    }

    /// Whether an address that somebody told of may be dialled, and can be: a relay is asked over the link that it has.
    pub fn allows(&self, address: &Multiaddr) -> bool {
        let met = self.0.load(Ordering::Relaxed) | Scope::Public.bit();
        (is_spoken(address) || is_relayed(address))
            && Scope::of(address).is_some_and(|scope| met & scope.bit() != 0)
    }

    /// The first few addresses that may be dialled.
    pub fn first(&self, addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
        let reached = addresses.into_iter().filter(|a| self.allows(a));
        reached.take(ADDRESSES).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn all(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn addresses_have_a_scope_or_lead_nowhere() {
        let of = |text: &str| Scope::of(&text.parse().unwrap());
        for (text, scope) in [
            ("/ip4/127.9.0.1/tcp/1", Some(Scope::Loopback)),
            ("/ip6/::1/tcp/1", Some(Scope::Loopback)),
            ("/ip4/169.254.1.1/tcp/1", Some(Scope::LinkLocal)),
            ("/ip6/fe80::1/tcp/1", Some(Scope::LinkLocal)),
            ("/ip4/192.168.1.1/tcp/1", Some(Scope::Private)),
            ("/ip4/100.64.0.1/tcp/1", Some(Scope::Private)),
            ("/ip6/fd00::1/tcp/1", Some(Scope::Private)),
            ("/ip6/::ffff:10.0.0.1/tcp/1", Some(Scope::Private)),
            ("/ip4/203.0.113.1/tcp/1", Some(Scope::Public)),
            ("/ip6/2001:db8::1/udp/1/quic-v1", Some(Scope::Public)),
            ("/ip4/0.0.0.0/tcp/1", None),
            ("/ip4/224.0.0.251/udp/1", None),
            ("/ip6/::/tcp/1", None),
            ("/dns4/example.org/tcp/1", None),
        ] {
            assert_eq!(of(text), scope, "{text}");
        }
    }

    #[test]
    fn who_is_met_in_the_world_hears_nothing_of_the_home_and_is_not_believed_about_it() {
        let here = all(&[
            "/ip4/127.0.0.1/tcp/7",
            "/ip4/192.168.1.9/tcp/7",
            "/ip6/fe80::1/tcp/7",
            "/ip4/203.0.113.9/tcp/7",
        ]);
        let met = |text: &str| text.parse::<Multiaddr>().unwrap();
        let public = met("/ip4/198.51.100.2/tcp/9");
        assert_eq!(told(here.iter(), &public), here[3..]);
        assert_eq!(
            told(here.iter(), &met("/ip4/192.168.1.2/tcp/9")),
            here[1..2]
        );
        assert_eq!(believed(here.clone(), &public, true), here[3..]);
        assert_eq!(
            believed(here.clone(), &public, false),
            [],
            "a stranger is where it was met"
        );
        let neighbour = met("/ip4/192.168.1.1/tcp/9");
        assert_eq!(
            believed(here.clone(), &neighbour, true),
            [],
            "not at another one's address"
        );
        let itself = met("/ip4/192.168.1.9/tcp/9");
        assert_eq!(believed(here.clone(), &itself, false), here[1..2]);
        assert_eq!(
            believed(here.clone(), &met("/dns4/a.example/tcp/1"), true),
            []
        );
    }

    #[test]
    fn tcp_and_quic_share_what_is_told() {
        let own = all(&[
            "/ip6/2001:db8::1/udp/7/quic-v1",
            "/ip6/2001:db8::2/udp/7/quic-v1",
            "/ip6/2001:db8::3/udp/7/quic-v1",
            "/ip6/2001:db8::4/udp/7/quic-v1",
            "/ip6/2001:db8::1/tcp/7",
            "/ip6/2001:db8::2/tcp/7",
            "/ip6/2001:db8::2/tcp/7",
        ]);
        let public = "/ip6/2001:db8::9/tcp/9".parse().unwrap();
        let shared = [&own[4], &own[0], &own[5], &own[1]].map(Clone::clone);
        assert_eq!(told(own.iter(), &public), shared);
        assert_eq!(told(own[..5].iter(), &public)[1..], own[..3]);
        assert_eq!(told(own[..1].iter(), &public), own[..1]);
    }

    #[test]
    fn what_this_build_does_not_speak_is_not_dialled() {
        let peer = libp2p::PeerId::random();
        let quic = "/ip4/203.0.113.1/udp/1/quic-v1";
        let told = all(&[
            "/ip4/203.0.113.1/udp/1",
            "/ip4/203.0.113.1/udp/1/quic",
            "/ip4/203.0.113.1/tcp/1",
            &format!("{quic}/p2p/{peer}/p2p-circuit"),
            quic,
        ]);
        let end = if cfg!(feature = "quic") { 5 } else { 4 };
        assert_eq!(Reach::default().first(told.clone()), told[2..end]);
    }

    #[test]
    fn only_scopes_in_which_others_are_met_are_dialled() {
        let (reach, told) = (
            Reach::default(),
            all(&[
                "/ip4/127.0.0.1/tcp/22",
                "/ip4/10.0.0.1/tcp/80",
                "/ip4/203.0.113.1/tcp/1",
            ]),
        );
        assert_eq!(reach.first(told.clone()), told[2..]);
        reach.meets(&told[1]);
        assert_eq!(reach.first(told.clone()), told[1..]);
    }
}
