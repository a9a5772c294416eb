//! Registered meters whose nodes are known: who of all the peers stands for one, and where a connection comes from.
//!
//! Peer ids cost nothing; registered meters do. Everything that is scarce in a node - links, routing table, places of
//! requests, signature checks - goes to peers that are bound to a registered meter first, and to each meter its share.
//! All others share by the host that they come from.

use crate::guard::make_room;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wattpool_schema::peer::SignedBinding;
use wattpool_schema::{MeterId, Seconds, Zone};

/// How often the registry is asked again about a binding.
const AGAIN: Duration = Duration::from_secs(60);

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// A /64 of IPv6, which one home has for itself.
    V6([u16; 4]),
    /// Whatever a relay forwards.
    Relay(PeerId),
    /// Nothing of it.
    Other,
}

impl Host {
    /// The host of an address.
    pub fn of(address: &Multiaddr) -> Self {
        let mut relay = None;
        let mut host = Self::Other;
        for part in address {
            match part {
                Protocol::Ip4(ip) => host = Self::V4(ip),
                Protocol::Ip6(ip) => {
                    host = match ip.to_ipv4_mapped() {
                        Some(ip) => Self::V4(ip),
                        None => {
                            let [a, b, c, d, ..] = ip.segments();
                            Self::V6([a, b, c, d])
                        }
                    }
                }
                Protocol::P2p(peer) => relay = Some(peer),
                Protocol::P2pCircuit => return relay.map_or(Self::Other, Self::Relay),
                _ => {}
            }
        }
        host
    }
}

/// Who answers for what a peer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A registered meter.
    Meter(MeterId),
    /// A host, for all peers without a meter there.
    Host(Host),
}

/// The node of a registered meter.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub meter: MeterId,
    pub zone: Zone,
    pub signed: Arc<SignedBinding>,
    /// Where it listens, as it told or others told of it.
    pub addresses: Vec<Multiaddr>,
    /// It did not fail when it was last tried.
    pub alive: bool,
    pub seen: Instant,
    checked: Instant,
}

impl Bound {
    pub fn new(
        signed: Arc<SignedBinding>,
        zone: Zone,
        addresses: Vec<Multiaddr>,
        now: Instant,
    ) -> Self {
        Self {
            meter: signed.binding.meter,
            zone,
            signed,
            addresses,
            alive: true,
            seen: now,
            checked: now,
        }
    }
}

/// Nodes of registered meters, one of each meter. Bounded: who was quiet for longest leaves first, those of the own
/// zone last.
pub(crate) struct Members {
    most: usize,
    peers: HashMap<PeerId, Bound>,
    meters: HashMap<MeterId, PeerId>,
    /// This node's own meter and zone, once the chain has them.
    pub own: Option<(MeterId, Zone)>,
}

impl Members {
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            peers: HashMap::new(),
            meters: HashMap::new(),
            own: None,
        }
    }

    pub fn get(&self, peer: &PeerId) -> Option<&Bound> {
        self.peers.get(peer)
    }

    pub fn is_bound(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    /// Whether this very binding is known already.
    pub fn knows(&self, peer: &PeerId, signed: &SignedBinding) -> bool {
        self.peers.get(peer).is_some_and(|b| *b.signed == *signed)
    }

    /// Takes a node whose binding holds; false when the meter has bound another one since.
    pub fn learn(&mut self, peer: PeerId, bound: Bound) -> bool {
        let meter = bound.meter;
        if let Some(other) = self.meters.get(&meter).copied() {
            let known = self.peers.get(&other);
            let issued = |b: &Bound| b.signed.binding.issued_at;
            if known.is_some_and(|k| other != peer && issued(k) >= issued(&bound)) {
                return false;
            }
            self.forget(&other);
        }
        self.forget(&peer);
        if self.peers.len() >= self.most {
            let zone = self.own.map(|(_, zone)| zone);
            let left = make_room(&mut self.peers, self.most, |b| {
                (Some(b.zone) == zone, b.alive, b.seen)
            });
            if let Some((_, left)) = left {
                self.meters.remove(&left.meter);
            }
        }
        self.meters.insert(meter, peer);
        self.peers.insert(peer, bound);
        true
    }

    pub fn forget(&mut self, peer: &PeerId) {
        if let Some(gone) = self.peers.remove(peer) {
            self.meters.remove(&gone.meter);
        }
    }

    /// A node answered, or told where it is.
    pub fn seen(&mut self, peer: &PeerId, addresses: Option<Vec<Multiaddr>>, now: Instant) {
        if let Some(bound) = self.peers.get_mut(peer) {
            bound.alive = true;
            bound.seen = now;
            if let Some(addresses) = addresses.filter(|a| !a.is_empty()) {
                bound.addresses = addresses;
            }
        }
    }

    /// A node did not answer.
    pub fn silent(&mut self, peer: &PeerId) {
        if let Some(bound) = self.peers.get_mut(peer) {
            bound.alive = false;
        }
    }

    /// Other nodes of the own zone that did not fail.
    pub fn mates(&self) -> impl Iterator<Item = (&PeerId, &Bound)> {
        let own = self.own;
        self.peers
            .iter()
            .filter(move |(_, b)| b.alive && own.is_some_and(|(_, zone)| b.zone == zone))
    }

    /// All nodes that did not fail.
    pub fn alive(&self) -> impl Iterator<Item = (&PeerId, &Bound)> {
        self.peers.iter().filter(|(_, b)| b.alive)
    }

    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Bindings that have expired, which are forgotten, and some that are to be judged again.
    pub fn tidy(
        &mut self,
        time: Seconds,
        now: Instant,
        most: usize,
    ) -> (Vec<PeerId>, Vec<(PeerId, Arc<SignedBinding>)>) {
        let gone: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(_, b)| b.signed.binding.expires_at < time)
            .map(|(peer, _)| *peer)
            .collect();
        for peer in &gone {
            self.forget(peer);
        }
        let due = |b: &&mut Bound| now.saturating_duration_since(b.checked) >= AGAIN;
        let mut again = Vec::new();
        for bound in self.peers.values_mut().filter(due).take(most) {
            bound.checked = now;
            if let Ok(peer) = PeerId::from_bytes(&bound.signed.binding.peer) {
                again.push((peer, Arc::clone(&bound.signed)));
            }
        }
        (gone, again)
    }
}

/// The members, shared by all who give room by them.
#[derive(Clone)]
pub(crate) struct MemberList(Arc<Mutex<Members>>);

impl MemberList {
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Members::new(most))))
    }

    /// The list is whole between any two of its calls.
    pub fn lock(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who answers for a peer that comes from a host.
    pub fn source(&self, peer: &PeerId, host: Host) -> Source {
        match self.lock().get(peer) {
            Some(bound) => Source::Meter(bound.meter),
            None => Source::Host(host),
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use super::*;
    use wattpool_schema::peer::Binding;
    use wattpool_schema::{Signature, RECORD_VERSION};

    fn bound(meter: u8, zone: u16, peer: PeerId, issued: u64, now: Instant) -> Bound {
        let binding = Binding {
            version: RECORD_VERSION,
            network: "n".into(),
            meter: MeterId([meter; 16]),
            peer: peer.to_bytes(),
            issued_at: Seconds(issued),
            expires_at: Seconds(issued + 100),
        };
        let signature = Signature::default();
        let signed = Arc::new(SignedBinding { binding, signature });
        Bound::new(signed, Zone(zone), Vec::new(), now)
    }

    #[test]
    fn a_meter_has_one_node_the_one_bound_last() {
        let (now, mut members) = (Instant::now(), Members::new(8));
        let [one, two] = [PeerId::random(), PeerId::random()];
        assert!(members.learn(one, bound(1, 1, one, 5, now)));
        assert!(!members.learn(two, bound(1, 1, two, 5, now)));
        assert!(members.is_bound(&one) && !members.is_bound(&two));
        assert!(members.learn(two, bound(1, 1, two, 6, now)));
        assert!(!members.is_bound(&one) && members.is_bound(&two));
        assert_eq!(members.tidy(Seconds(106), now, 9).0, []);
        assert_eq!(members.tidy(Seconds(107), now, 9).0, [two]);
        assert_eq!((members.len(), members.meters.len()), (0, 0));
    }

    #[test]
    fn the_own_zone_leaves_last_and_what_is_kept_is_bounded() {
        let (now, mut members) = (Instant::now(), Members::new(4));
        members.own = Some((MeterId([99; 16]), Zone(7)));
        let later = |s| now.checked_add(Duration::from_secs(s)).unwrap();
        let peers: Vec<PeerId> = (0..12).map(|_| PeerId::random()).collect();
        for (n, peer) in (0u8..).zip(&peers) {
            let zone = if n < 3 { 7 } else { 8 };
            let at = later(u64::from(n));
            members.learn(*peer, bound(n, zone, *peer, 1, at));
        }
        assert_eq!((members.len(), members.meters.len()), (4, 4));
        assert!(peers.iter().take(3).all(|p| members.is_bound(p)));
        assert!(members.is_bound(peers.last().unwrap()));
        assert_eq!(members.mates().count(), 3);
    }

    #[test]
    fn hosts_are_addresses_prefixes_and_relays() {
        let of = |text: &str| Host::of(&text.parse().unwrap());
        let peer = PeerId::random();
        assert_eq!(
            of("/ip4/192.0.2.7/tcp/1"),
            of("/ip4/192.0.2.7/udp/9/quic-v1")
        );
        assert_ne!(of("/ip4/192.0.2.7/tcp/1"), of("/ip4/192.0.2.8/tcp/1"));
        assert_eq!(
            of("/ip6/2001:db8:1:2::1/tcp/1"),
            of("/ip6/2001:db8:1:2:ffff::9/tcp/2")
        );
        assert_ne!(
            of("/ip6/2001:db8:1:2::1/tcp/1"),
            of("/ip6/2001:db8:1:3::1/tcp/1")
        );
        assert_eq!(
            of("/ip6/::ffff:192.0.2.7/tcp/1"),
            of("/ip4/192.0.2.7/tcp/1")
        );
        let relayed = format!("/ip4/192.0.2.7/tcp/1/p2p/{peer}/p2p-circuit");
        assert_eq!(of(&relayed), Host::Relay(peer));
        assert_eq!(of("/p2p-circuit"), Host::Other);
    }
}
