//! Who is let in: connections in both directions, bounded in all, per peer and per host; peers of registered meters
//! first.
//!
//! Nobody can show a binding before it is connected. So a newcomer takes one of the places for strangers, of which each
//! host has half at most, and has [`PROBATION`] to show that it stands for a meter; after that, or when it has said that
//! it stands for none, it gives way to the next who comes, and to any meter at once.

use crate::members::{Host, MemberList};
use libp2p::core::transport::PortUse;
use libp2p::core::Endpoint;
use libp2p::swarm::{
    dummy, CloseConnection, ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm,
    ListenFailure, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};
use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How long a connection may be without a meter before it gives way to a newcomer.
const PROBATION: Duration = Duration::from_secs(2);
/// Connections of one peer at once.
const PER_PEER: usize = 2;

/// How many.
#[derive(Clone, Copy, Debug)]
struct Room {
    /// In all.
    all: usize,
    /// In one direction.
    way: usize,
    /// Incoming without a meter.
    strangers: usize,
    /// Of them from one host.
    host: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("no room: {0}")]
struct NoRoom(&'static str);

struct Link {
    peer: PeerId,
    address: Multiaddr,
    host: Host,
    since: Instant,
    inbound: bool,
}

/// The behaviour.
pub(crate) struct Gate {
    members: MemberList,
    room: Room,
    links: HashMap<ConnectionId, Link>,
    pending: HashMap<ConnectionId, Host>,
    closing: HashSet<ConnectionId>,
    to_close: VecDeque<(PeerId, ConnectionId)>,
    /// Connected peers that have said that they stand for no meter, or for one that is not registered.
    strangers: HashSet<PeerId>,
}

impl Gate {
    pub fn new(members: MemberList, links: u32) -> Self {
        let all = usize::try_from(links).unwrap_or(usize::MAX);
        let part = |of: usize| all.checked_div(of).unwrap_or(0).max(2);
        Self {
            members,
            room: Room {
                all,
                // Neither direction may use up the room of the other.
                way: all.saturating_mul(3).div_ceil(4),
                strangers: part(4),
                host: part(8),
            },
            links: HashMap::new(),
            pending: HashMap::new(),
            closing: HashSet::new(),
            to_close: VecDeque::new(),
            strangers: HashSet::new(),
        }
    }

    /// Where a peer is connected from or to; the first of its links.
    pub fn met(&self, peer: &PeerId) -> Option<&Multiaddr> {
        let links = self.links.iter().filter(|(_, l)| l.peer == *peer);
        links.min_by_key(|(_, l)| l.since).map(|(_, l)| &l.address)
    }

    /// The host that a peer is at.
    pub fn host(&self, peer: &PeerId) -> Host {
        self.met(peer).map_or(Host::Other, Host::of)
    }

    /// Peers that are connected, and whether this node dialled them.
    pub fn peers(&self) -> HashMap<PeerId, bool> {
        let open = self
            .links
            .iter()
            .filter(|(id, _)| !self.closing.contains(id));
        open.map(|(_, l)| (l.peer, !l.inbound)).collect()
    }

    /// A peer has greeted, and stands for no registered meter.
    pub fn is_stranger(&mut self, peer: PeerId) {
        if self.links.values().any(|l| l.peer == peer) {
            self.strangers.insert(peer);
        }
    }

    fn open(&self) -> impl Iterator<Item = (&ConnectionId, &Link)> {
        self.links
            .iter()
            .filter(|(id, _)| !self.closing.contains(id))
    }

    /// Lets the stranger go that has been here for longest, of those that are meant and had their time.
    fn evict(&mut self, had: Duration, now: Instant, meant: impl Fn(&Link) -> bool) -> bool {
        let members = self.members.lock();
        let oldest = self
            .open()
            .filter(|(_, l)| meant(l) && !members.is_bound(&l.peer))
            .filter(|(_, l)| {
                self.strangers.contains(&l.peer) || now.saturating_duration_since(l.since) >= had
            })
            .min_by_key(|(_, l)| l.since)
            .map(|(id, l)| (l.peer, *id));
        drop(members);
        let Some((peer, id)) = oldest else {
            return false;
        };
        self.closing.insert(id);
        self.to_close.push_back((peer, id));
        true
    }

    fn admit(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        inbound: bool,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.pending.remove(&id);
        let now = Instant::now();
        let host = Host::of(address);
        let denied = |why| Err(ConnectionDenied::new(NoRoom(why)));
        if self.open().filter(|(_, l)| l.peer == peer).count() >= PER_PEER {
            return denied("connections of this peer");
        }
        let registered = self.members.lock().is_bound(&peer);
        if inbound && !registered {
            let count = |gate: &Self, meant: &dyn Fn(&Link) -> bool| {
                let members = gate.members.lock();
                let strangers = gate.open().filter(|(_, l)| l.inbound && meant(l));
                strangers
                    .filter(|(_, l)| !members.is_bound(&l.peer))
                    .count()
            };
            if count(self, &|l| l.host == host) >= self.room.host
                && !self.evict(PROBATION, now, |l| l.inbound && l.host == host)
            {
                return denied("connections from this host without a meter");
            }
            if count(self, &|_| true) >= self.room.strangers
                && !self.evict(PROBATION, now, |l| l.inbound)
            {
                return denied("connections without a meter");
            }
        }
        // A meter takes the place of a stranger at once, a newcomer that of one that had its time.
        let had = if registered {
            Duration::ZERO
        } else {
            PROBATION
        };
        let way = self.open().filter(|(_, l)| l.inbound == inbound).count();
        if way >= self.room.way && !self.evict(had, now, |l| l.inbound == inbound) {
            return denied("connections in this direction");
        }
        if self.open().count() >= self.room.all && !self.evict(had, now, |_| true) {
            return denied("connections");
        }
        let link = Link {
            peer,
            address: address.clone(),
            host,
            since: now,
            inbound,
        };
        self.links.insert(id, link);
        Ok(dummy::ConnectionHandler)
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let host = Host::of(remote);
        let of_host = self.pending.values().filter(|h| **h == host).count();
        if self.pending.len() >= self.room.all || of_host >= self.room.way {
            return Err(ConnectionDenied::new(NoRoom("connections that begin")));
        }
        self.pending.insert(id, host);
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(id, peer, remote, true)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(id, peer, address, false)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionClosed(ConnectionClosed {
                connection_id,
                peer_id,
                remaining_established,
                ..
            }) => {
                if remaining_established == 0 {
                    self.strangers.remove(&peer_id);
                }
                self.links.remove(&connection_id);
                self.closing.remove(&connection_id);
            }
            FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) => {
                self.pending.remove(&connection_id);
                // Another behaviour may have refused what this one let in.
                self.links.remove(&connection_id);
            }
            FromSwarm::DialFailure(failure) => {
                self.links.remove(&failure.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        match self.to_close.pop_front() {
            Some((peer_id, id)) => Poll::Ready(ToSwarm::CloseConnection {
                peer_id,
                connection: CloseConnection::One(id),
            }),
            None => Poll::Pending,
        }
    }
}
