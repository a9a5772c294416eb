//! Searches of the nodes closest to a location, or of a peer.
//!
//! What a search finds was connected to by it, and has said by then, or is about to say, whose meter it is: a search ends
//! when that is known of all that it found.

use crate::closest::STRANGERS;
use crate::driver::Driver;
use crate::handle::{Contact, Near};
use libp2p::kad::{self, GetClosestPeersError, KBucketKey, QueryResult};
use libp2p::{Multiaddr, PeerId};
use std::collections::HashSet;
use std::time::Instant;
use tokio::sync::oneshot;
use wattpool_schema::peer::Location;

pub(crate) type Waiter<T> = oneshot::Sender<T>;

/// A search under way.
pub(crate) enum Search {
    Location(Location, Vec<Waiter<Near>>),
    Peer(PeerId, Vec<Waiter<Vec<Multiaddr>>>),
}

impl Search {
    fn for_location(&mut self, location: &Location) -> Option<&mut Vec<Waiter<Near>>> {
        match self {
            Self::Location(at, waiters) if at == location => Some(waiters),
            _ => None,
        }
    }

    fn for_peer(&mut self, peer: &PeerId) -> Option<&mut Vec<Waiter<Vec<Multiaddr>>>> {
        match self {
            Self::Peer(of, waiters) if of == peer => Some(waiters),
            _ => None,
        }
    }
}

/// A search that has ended, but for whose meters it found.
pub(crate) struct Settling {
    at: Location,
    contacts: Vec<Contact>,
    requests: u64,
    waiters: Vec<Waiter<Near>>,
    unsure: HashSet<PeerId>,
    until: Instant,
}

impl Driver {
    /// Nodes of the routing table, nearest to a location first.
    fn table(&mut self, location: &Location) -> Vec<Contact> {
        let key = KBucketKey::new(location.0.to_vec());
        let own = *self.swarm.local_peer_id();
        let reach = self.state.reach.clone();
        let kad = &mut self.swarm.behaviour_mut().kad;
        kad.find_closest_local_peers(&key, &own)
            .map(|peer| Contact {
                peer: peer.node_id,
                addresses: reach.first(peer.multiaddrs),
                registered: false,
            })
            .collect()
    }

    pub(crate) fn closest(
        &mut self,
        location: Location,
        fresh: bool,
        known: Waiter<Near>,
        found: Waiter<Near>,
        now: Instant,
    ) {
        let members = self.state.members.clone();
        if !fresh {
            let list = members.lock();
            if let Some(near) = self.state.closest.remembered(&location, &list, now) {
                let _ = known.send(near);
                return;
            }
        }
        let contacts = self.table(&location);
        let near = {
            let list = members.lock();
            let closest = &self.state.closest;
            closest.near(&location, contacts, &list, now, 0)
        };
        let alone = near.contacts.is_empty();
        let _ = known.send(near);
        if alone {
            return;
        }
        let mut searches = self.state.searches.values_mut();
        if let Some(waiters) = searches.find_map(|search| search.for_location(&location)) {
            waiters.push(found);
            return;
        }
        if let Some(settling) = self.state.settling.iter_mut().find(|s| s.at == location) {
            settling.waiters.push(found);
            return;
        }
        self.counters.searches.one();
        let kad = &mut self.swarm.behaviour_mut().kad;
        let query = kad.get_closest_peers(location.0.to_vec());
        let search = Search::Location(location, vec![found]);
        self.state.searches.insert(query, search);
    }

    /// Where a peer can be reached: as a member is known to be, or as a search finds it.
    pub(crate) fn find(&mut self, peer: PeerId, found: Waiter<Vec<Multiaddr>>) {
        let mut searches = self.state.searches.values_mut();
        if let Some(waiters) = searches.find_map(|search| search.for_peer(&peer)) {
            waiters.push(found);
            return;
        }
        let kad = &mut self.swarm.behaviour_mut().kad;
        let query = kad.get_closest_peers(peer.to_bytes());
        let search = Search::Peer(peer, vec![found]);
        self.state.searches.insert(query, search);
    }

    pub(crate) fn on_kad(&mut self, event: kad::Event, now: Instant) {
        let kad::Event::OutboundQueryProgressed {
            id,
            result: QueryResult::GetClosestPeers(result),
            stats,
            step,
        } = event
        else {
            return;
        };
        if !step.last {
            return;
        }
        let Some(search) = self.state.searches.remove(&id) else {
            return;
        };
        let peers = match result {
            Ok(found) => found.peers,
            Err(GetClosestPeersError::Timeout { peers, .. }) => peers,
        };
        match search {
            Search::Location(at, waiters) => {
                let contacts: Vec<_> = peers
                    .into_iter()
                    .map(|p| Contact {
                        peer: p.peer_id,
                        addresses: self.state.reach.first(p.addrs),
                        registered: false,
                    })
                    .filter(|c| !self.state.banned.contains_key(&c.peer))
                    .collect();
                let unsure = contacts.iter().map(|c| c.peer);
                let unsure = unsure.filter(|peer| self.is_unsure(peer)).collect();
                let until = now.checked_add(self.state.limits.answer()).unwrap_or(now);
                let settling = Settling {
                    at,
                    contacts,
                    requests: u64::from(stats.num_requests()),
                    waiters,
                    unsure,
                    until,
                };
                if settling.unsure.is_empty() {
                    self.settled(settling, now);
                } else {
                    self.state.settling.push(settling);
                }
            }
            Search::Peer(peer, waiters) => {
                let known = self
                    .state
                    .members
                    .lock()
                    .get(&peer)
                    .map(|b| b.addresses.clone());
                let found = peers.into_iter().find(|p| p.peer_id == peer);
                let found = found.map(|p| p.addrs).unwrap_or_default();
                // Where the peer itself said that it is comes first.
                let addresses = known.into_iter().flatten().chain(found).collect();
                let addresses = self.state.reach.first(addresses);
                for waiter in waiters {
                    let _ = waiter.send(addresses.clone());
                }
            }
        }
    }

    /// It is known whose meter a peer is, or that it is nobody's.
    pub(crate) fn settle(&mut self, peer: &PeerId, now: Instant) {
        for settling in &mut self.state.settling {
            settling.unsure.remove(peer);
        }
        self.settle_due(now);
    }

    /// Ends searches that know enough, or waited for long enough.
    pub(crate) fn settle_due(&mut self, now: Instant) {
        let is_due = |s: &Settling| s.unsure.is_empty() || s.until <= now;
        if self.state.settling.iter().any(is_due) {
            let all = std::mem::take(&mut self.state.settling);
            let (due, rest): (Vec<_>, _) = all.into_iter().partition(is_due);
            self.state.settling = rest;
            for settling in due {
                self.settled(settling, now);
            }
        }
    }

    fn settled(&mut self, settling: Settling, now: Instant) {
        let Settling {
            at,
            mut contacts,
            requests,
            waiters,
            ..
        } = settling;
        let members = self.state.members.clone();
        let strangers = {
            let list = members.lock();
            contacts.iter().filter(|c| !list.is_bound(&c.peer)).count()
        };
        if strangers > STRANGERS && self.state.defences.first {
            // Somebody crowds this location: whom the search did not get to see is known from elsewhere.
            self.counters.crowded.one();
            contacts.extend(self.table(&at));
            contacts.extend(members.lock().alive().map(|(peer, bound)| Contact {
                peer: *peer,
                addresses: bound.addresses.clone(),
                registered: true,
            }));
        }
        let list = members.lock();
        let closest = &mut self.state.closest;
        let near = closest.learn(at, contacts, &list, now, requests);
        drop(list);
        for waiter in waiters {
            let _ = waiter.send(near.clone());
        }
    }
}
