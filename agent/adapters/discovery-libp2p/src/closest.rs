//! Which nodes are closest to a location: remembered for a while, because locations do not move; and which nodes were
//! silent lately.

use crate::guard::make_room;
use crate::handle::{Contact, Near};
use libp2p::kad::{KBucketDistance, KBucketKey};
use libp2p::PeerId;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use wattpool_schema::peer::Location;

/// How long a silent node is asked only after others.
const SILENT: Duration = Duration::from_secs(60);
/// Silent nodes remembered.
const MOST_SILENT: usize = 256;

struct Remembered {
    contacts: Vec<Contact>,
    found: usize,
    until: Instant,
    used: Instant,
}

/// The closest nodes of locations, as far as they are remembered.
pub(crate) struct Closest {
    own: PeerId,
    replicas: usize,
    most: usize,
    life: Duration,
    places: HashMap<Location, Remembered>,
    silent: HashMap<PeerId, Instant>,
}

/// How far a node is from a location.
fn distance(location: &Location, peer: PeerId) -> KBucketDistance {
    KBucketKey::new(location.0.to_vec()).distance(&KBucketKey::from(peer))
}

impl Closest {
    pub fn new(own: PeerId, replicas: usize, most: usize, life: Duration) -> Self {
        Self {
            own,
            replicas,
            most,
            life,
            places: HashMap::new(),
            silent: HashMap::new(),
        }
    }

    /// The closest nodes of a location, if they are remembered and enough of them are left.
    pub fn remembered(&mut self, location: &Location, now: Instant) -> Option<Near> {
        let place = self.places.get_mut(location)?;
        let few = place.contacts.len().saturating_mul(2) < place.found;
        if place.until <= now || few || place.contacts.is_empty() {
            self.places.remove(location);
            return None;
        }
        place.used = now;
        let contacts = place.contacts.clone();
        Some(self.near(location, contacts, now, 0))
    }

    /// Remembers what a search found; the closest of it are the location's.
    pub fn learn(
        &mut self,
        location: Location,
        found: Vec<Contact>,
        now: Instant,
        requests: u64,
    ) -> Near {
        let near = self.near(&location, found, now, requests);
        make_room(&mut self.places, self.most, |place| place.used);
        let place = Remembered {
            contacts: near.contacts.clone(),
            found: near.contacts.len(),
            until: now.checked_add(self.life).unwrap_or(now),
            used: now,
        };
        self.places.insert(location, place);
        near
    }

    /// The closest of some nodes, this one considered too.
    pub fn near(
        &self,
        location: &Location,
        mut contacts: Vec<Contact>,
        now: Instant,
        requests: u64,
    ) -> Near {
        contacts.retain(|c| c.peer != self.own);
        contacts.sort_by_cached_key(|c| distance(location, c.peer));
        contacts.dedup_by_key(|c| c.peer);
        let own = distance(location, self.own);
        let last = contacts.get(self.replicas.saturating_sub(1));
        let own = last.is_none_or(|last| own < distance(location, last.peer));
        contacts.truncate(self.replicas.saturating_sub(usize::from(own)).max(1));
        contacts.sort_by_key(|c| self.silent.get(&c.peer).is_some_and(|until| *until > now));
        Near {
            contacts,
            own,
            requests,
        }
    }

    /// A node kept silent: others are asked first, and no location remembers it.
    pub fn silent(&mut self, peer: PeerId, now: Instant) {
        for place in self.places.values_mut() {
            place.contacts.retain(|c| c.peer != peer);
        }
        make_room(&mut self.silent, MOST_SILENT, |until| *until);
        let until = now.checked_add(SILENT).unwrap_or(now);
        self.silent.insert(peer, until);
    }

    /// A node answered.
    pub fn answered(&mut self, peer: &PeerId) {
        self.silent.remove(peer);
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use super::*;

    fn contacts(n: usize) -> Vec<Contact> {
        let new = || Contact {
            peer: PeerId::random(),
            addresses: Vec::new(),
        };
        std::iter::repeat_with(new).take(n).collect()
    }

    #[test]
    fn the_closest_come_first_and_this_node_counts() {
        let own = PeerId::random();
        let closest = Closest::new(own, 4, 8, Duration::from_secs(60));
        let (now, location) = (Instant::now(), Location([7; 32]));
        let mut all = contacts(40);
        let near = closest.near(&location, all.clone(), now, 0);
        all.push(contact(own));
        all.sort_by_key(|c| distance(&location, c.peer));
        let want: Vec<_> = all.iter().take(4).map(|c| c.peer).collect();
        let mut got: Vec<_> = near.contacts.iter().map(|c| c.peer).collect();
        assert_eq!(near.own, want.contains(&own));
        if near.own {
            got.push(own);
            got.sort_by_key(|p| distance(&location, *p));
        }
        assert_eq!(got, want);
    }

    fn contact(peer: PeerId) -> Contact {
        let addresses = Vec::new();
        Contact { peer, addresses }
    }

    #[test]
    fn what_is_remembered_ends_and_shrinks() {
        let mut closest = Closest::new(PeerId::random(), 20, 2, Duration::from_secs(60));
        let (now, at) = (Instant::now(), |n| Location([n; 32]));
        let later = |s| now.checked_add(Duration::from_secs(s)).unwrap();
        let found = closest.learn(at(1), contacts(10), now, 3).contacts;
        assert_eq!(found.len(), 10);
        assert_eq!(
            closest.remembered(&at(1), later(59)).unwrap().contacts,
            found
        );
        // Six of ten were silent: it is searched again.
        for contact in found.iter().take(5) {
            closest.silent(contact.peer, now);
        }
        assert_eq!(closest.remembered(&at(1), now).unwrap().contacts.len(), 5);
        closest.silent(found[5].peer, now);
        assert!(closest.remembered(&at(1), now).is_none());
        // The silent ones come last in what is found next, until they answer.
        let near = closest.near(&at(1), found.clone(), now, 0);
        let peers = |n: &Near| n.contacts.iter().map(|c| c.peer).collect::<Vec<_>>();
        assert_eq!(
            &peers(&near)[4..],
            &found.iter().map(|c| c.peer).collect::<Vec<_>>()[..6]
        );
        for contact in &found {
            closest.answered(&contact.peer);
        }
        assert_eq!(closest.near(&at(1), found.clone(), now, 0).contacts, found);
        // It ends, and no more locations are remembered than bounded.
        closest.learn(at(1), contacts(3), now, 0);
        closest.learn(at(2), contacts(3), later(1), 0);
        closest.learn(at(3), contacts(3), later(2), 0);
        assert!(closest.remembered(&at(1), later(3)).is_none());
        assert!(closest.remembered(&at(2), later(3)).is_some());
        assert!(closest.remembered(&at(3), later(62)).is_none());
    }
}
