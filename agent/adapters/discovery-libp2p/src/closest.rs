//! Which nodes are closest to a location: remembered for a while, because locations do not move; and which nodes were
//! silent lately.

use crate::config::Defences;
use crate::guard::make_room;
use crate::handle::{Contact, Near};
use crate::members::{Bound, Members};
use libp2p::kad::{KBucketDistance, KBucketKey};
use libp2p::PeerId;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use wattpool_schema::peer::Location;
use wattpool_schema::MeterId;

/// How long a silent node is asked only after others.
const SILENT: Duration = Duration::from_secs(60);
/// Silent nodes remembered.
const MOST_SILENT: usize = 256;
/// Nodes without a meter that a location has at most, beside those with one. Ids are free: who chooses them comes as near
/// to a location as he likes.
pub(crate) const STRANGERS: usize = 4;
/// Second places of a location among the meters of the own zone.
const MATES: usize = 4;

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
    defences: Defences,
    places: HashMap<Location, Remembered>,
    silent: HashMap<PeerId, Instant>,
}

/// How far a node is from a location.
fn distance(location: &Location, peer: PeerId) -> KBucketDistance {
    KBucketKey::new(location.0.to_vec()).distance(&KBucketKey::from(peer))
}

/// The second places of a location: the meters of the own zone that are nearest to its group, by their ids. A location's
/// group are two of its bits, so that whoever looks many up asks few meters. Also whether this node's meter is one.
fn mates(location: &Location, members: &Members) -> (Vec<Contact>, bool) {
    let Some((own, _)) = members.own else {
        return (Vec::new(), false);
    };
    let [lead, ..] = location.0;
    let group = KBucketKey::new(vec![lead >> 6]);
    let to = |meter: &MeterId| group.distance(&KBucketKey::new(meter.0.to_vec()));
    let mut mates: Vec<_> = members
        .mates()
        .map(|(peer, bound)| (to(&bound.meter), *peer, bound))
        .collect();
    mates.sort_unstable_by_key(|(distance, peer, _)| (*distance, *peer));
    mates.truncate(MATES);
    let own = to(&own);
    let among = mates.len() < MATES || mates.last().is_some_and(|(last, ..)| own < *last);
    let contact = |(_, peer, bound): &(_, PeerId, &Bound)| Contact {
        peer: *peer,
        addresses: bound.addresses.clone(),
        registered: true,
    };
    (mates.iter().map(contact).collect(), among)
}

impl Closest {
    pub fn new(own: PeerId, replicas: usize, most: usize, life: Duration) -> Self {
        Self {
            own,
            replicas,
            most,
            life,
            defences: Defences::ALL,
            places: HashMap::new(),
            silent: HashMap::new(),
        }
    }

    /// With these defences alone.
    pub const fn with(mut self, defences: Defences) -> Self {
        self.defences = defences;
        self
    }

    /// The closest nodes of a location, if they are remembered and enough of them are left.
    pub fn remembered(
        &mut self,
        location: &Location,
        members: &Members,
        now: Instant,
    ) -> Option<Near> {
        let place = self.places.get_mut(location)?;
        let few = place.contacts.len().saturating_mul(2) < place.found;
        if place.until <= now || few || place.contacts.is_empty() {
            self.places.remove(location);
            return None;
        }
        place.used = now;
        let contacts = place.contacts.clone();
        Some(self.near(location, contacts, members, now, 0))
    }

    /// Remembers what a search found; the closest of it are the location's.
    pub fn learn(
        &mut self,
        location: Location,
        found: Vec<Contact>,
        members: &Members,
        now: Instant,
        requests: u64,
    ) -> Near {
        let near = self.near(&location, found, members, now, requests);
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

    /// The closest of some nodes, this one considered too; those of registered meters first, of others a few.
    pub fn near(
        &self,
        location: &Location,
        mut contacts: Vec<Contact>,
        members: &Members,
        now: Instant,
        requests: u64,
    ) -> Near {
        contacts.retain(|c| c.peer != self.own);
        contacts.sort_by_cached_key(|c| distance(location, c.peer));
        contacts.dedup_by_key(|c| c.peer);
        for contact in &mut contacts {
            contact.registered = members.is_bound(&contact.peer) || !self.defences.first;
        }
        let (mut registered, mut strangers): (Vec<_>, Vec<_>) =
            contacts.into_iter().partition(|c| c.registered);
        let own = distance(location, self.own);
        let last = registered.get(self.replicas.saturating_sub(1));
        let own = last.is_none_or(|last| own < distance(location, last.peer));
        registered.truncate(self.replicas.saturating_sub(usize::from(own)).max(1));
        strangers.truncate(STRANGERS.min(self.replicas));
        let (mates, own_mate) = if self.defences.mates {
            mates(location, members)
        } else {
            (Vec::new(), false)
        };
        let mut near = Near {
            contacts: registered,
            mates,
            own: own || own_mate,
            requests,
        };
        let silent = |c: &Contact| self.silent.get(&c.peer).is_some_and(|until| *until > now);
        near.contacts.sort_by_key(silent);
        near.mates.retain(|c| !silent(c));
        strangers.sort_by_key(silent);
        near.contacts.append(&mut strangers);
        near
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
    use std::sync::Arc;
    use wattpool_schema::peer::{Binding, SignedBinding};
    use wattpool_schema::{Seconds, Signature, Zone};

    fn contacts(n: usize) -> Vec<Contact> {
        let new = || Contact {
            peer: PeerId::random(),
            addresses: Vec::new(),
            registered: true,
        };
        std::iter::repeat_with(new).take(n).collect()
    }

    #[test]
    fn the_closest_come_first_and_this_node_counts() {
        let own = PeerId::random();
        let closest = Closest::new(own, 4, 8, Duration::from_secs(60));
        let (now, location) = (Instant::now(), Location([7; 32]));
        let mut all = contacts(40);
        let near = closest.near(&location, all.clone(), &members(&all), now, 0);
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
        Contact {
            peer,
            addresses: Vec::new(),
            registered: true,
        }
    }

    /// Members that these are nodes of, in no zone of interest.
    fn members(contacts: &[Contact]) -> Members {
        let mut members = Members::new(1_000);
        for (n, contact) in (1u8..).zip(contacts) {
            let binding = Binding {
                version: 1,
                network: "n".into(),
                meter: MeterId([n; 16]),
                peer: contact.peer.to_bytes(),
                issued_at: Seconds(1),
                expires_at: Seconds(2),
            };
            let signature = Signature::default();
            let signed = Arc::new(SignedBinding { binding, signature });
            let bound = Bound::new(signed, Zone(u16::from(n % 2)), Vec::new(), Instant::now());
            members.learn(contact.peer, bound);
        }
        members
    }

    #[test]
    fn ids_ground_to_a_location_take_a_few_places_beside_the_meters() {
        let (now, location) = (Instant::now(), Location([7; 32]));
        let mut all = contacts(120);
        all.sort_by_key(|c| distance(&location, c.peer));
        let closest = Closest::new(PeerId::random(), 20, 8, Duration::from_secs(60));
        // The 90 nearest have no meter.
        let mut members = members(&all[90..]);
        let near = closest.near(&location, all.clone(), &members, now, 0);
        let registered: Vec<_> = near.contacts.iter().filter(|c| c.registered).collect();
        let want = 20 - usize::from(near.own);
        assert_eq!(
            (registered.len(), near.contacts.len()),
            (want, want + STRANGERS)
        );
        assert!(registered
            .iter()
            .zip(&all[90..])
            .all(|(c, w)| c.peer == w.peer));
        assert_eq!(near.mates, []);
        // Meters of the own zone have a second place, the same ones whoever asks.
        members.own = Some((MeterId([200; 16]), Zone(1)));
        let near = closest.near(&location, all.clone(), &members, now, 0);
        assert_eq!(near.mates.len(), MATES);
        let zone = |c: &Contact| members.get(&c.peer).map(|b| b.zone);
        assert!(near.mates.iter().all(|c| zone(c) == Some(Zone(1))));
        let other = Closest::new(PeerId::random(), 20, 8, Duration::from_secs(60));
        assert_eq!(
            other.near(&location, all, &members, now, 0).mates,
            near.mates
        );
    }

    #[test]
    fn what_is_remembered_ends_and_shrinks() {
        let mut closest = Closest::new(PeerId::random(), 20, 2, Duration::from_secs(60));
        let (now, at) = (Instant::now(), |n| Location([n; 32]));
        let later = |s| now.checked_add(Duration::from_secs(s)).unwrap();
        let ten = contacts(10);
        let known = members(&ten);
        let found = closest.learn(at(1), ten, &known, now, 3).contacts;
        assert_eq!(found.len(), 10);
        assert_eq!(
            closest
                .remembered(&at(1), &known, later(59))
                .unwrap()
                .contacts,
            found
        );
        // Six of ten were silent: it is searched again.
        for contact in found.iter().take(5) {
            closest.silent(contact.peer, now);
        }
        assert_eq!(
            closest
                .remembered(&at(1), &known, now)
                .unwrap()
                .contacts
                .len(),
            5
        );
        closest.silent(found[5].peer, now);
        assert!(closest.remembered(&at(1), &known, now).is_none());
        // The silent ones come last in what is found next, until they answer.
        let near = closest.near(&at(1), found.clone(), &known, now, 0);
        let peers = |n: &Near| n.contacts.iter().map(|c| c.peer).collect::<Vec<_>>();
        assert_eq!(
            &peers(&near)[4..],
            &found.iter().map(|c| c.peer).collect::<Vec<_>>()[..6]
        );
        for contact in &found {
            closest.answered(&contact.peer);
        }
        assert_eq!(
            closest.near(&at(1), found.clone(), &known, now, 0).contacts,
            found
        );
        // It ends, and no more locations are remembered than bounded.
        closest.learn(at(1), contacts(3), &known, now, 0);
        closest.learn(at(2), contacts(3), &known, later(1), 0);
        closest.learn(at(3), contacts(3), &known, later(2), 0);
        assert!(closest.remembered(&at(1), &known, later(3)).is_none());
        assert!(closest.remembered(&at(2), &known, later(3)).is_some());
        assert!(closest.remembered(&at(3), &known, later(62)).is_none());
    }
}
