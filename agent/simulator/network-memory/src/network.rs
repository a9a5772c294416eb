//! The network: nodes, places, and what the meters do on it.

use crate::config::{NetworkConfig, NetworkError, NEAR};
use crate::contacts::Contacts;
use crate::counters::Counters;
use crate::outcome::{AnnounceOutcome, LookupOutcome, WithdrawOutcome};
use crate::place::{Facts, Place};
use crate::routing::{key, Rank, Routing};
use crate::seen::{Seen, SpreadState};
use crate::transport::{Transport, REQUEST_BYTES};
use crate::NodeIndex;
use std::collections::HashMap;
use std::sync::Arc;
use wattpool_schema::peer::{Location, SignedRecord};
use wattpool_schema::MeterId;

/// A DHT and direct messages between nodes, in memory and on virtual time.
///
/// Times are milliseconds since the Unix epoch: records expire by `now / 1000`, the chain's time. An operation sees
/// who is online when it is called. Calls by a node that is offline or unknown do nothing.
pub struct Network {
    pub(crate) config: NetworkConfig,
    pub(crate) routing: Routing,
    pub(crate) ranks: Vec<Rank>,
    pub(crate) transport: Transport,
    pub(crate) online: Vec<bool>,
    /// Number of crashes so far, and at which of them each node crashed last.
    crashes: u64,
    last_crash: Vec<u64>,
    pub(crate) contacts: Vec<Contacts>,
    pub(crate) places: Vec<Place>,
    index: HashMap<Location, u32, SpreadState>,
    seen: Seen,
}

impl Network {
    /// A network of nodes with these ids (a meter's: `Location::of_meter`), all online.
    ///
    /// # Errors
    /// [`NetworkError`] if a setting is out of range or two ids cannot be told apart.
    pub fn new(seed: u64, ids: Vec<[u8; 32]>, config: NetworkConfig) -> Result<Self, NetworkError> {
        config.check()?;
        let (routing, ranks) = Routing::new(&ids, config.k, seed)?;
        let nodes = ids.len();
        Ok(Self {
            transport: Transport::new(seed, &config),
            config,
            routing,
            ranks,
            online: vec![true; nodes],
            crashes: 0,
            last_crash: vec![0; nodes],
            contacts: std::iter::repeat_with(Contacts::default)
                .take(nodes)
                .collect(),
            places: Vec::new(),
            index: HashMap::default(),
            seen: Seen::default(),
        })
    }

    /// Stores a record at the `k` closest nodes that the announcer knows (found by a search the first time).
    ///
    /// A replica takes it if `verify` says yes, it has not expired, and the replica holds nothing of the same meter,
    /// kind and place with a higher sequence. `verify` is called at most once: the bytes are the same everywhere.
    pub fn announce(
        &mut self,
        now: u64,
        node: NodeIndex,
        location: Location,
        record: &Arc<SignedRecord>,
        verify: impl FnOnce(&SignedRecord) -> bool,
    ) -> AnnounceOutcome {
        let Some(rank) = self.rank_online(node) else {
            return AnnounceOutcome {
                completed_at: now,
                ..AnnounceOutcome::default()
            };
        };
        count(&mut self.transport.counters.announcements);
        let facts = Facts::of(record);
        let place = self.place(location);
        let request = REQUEST_BYTES.saturating_add(u64::from(facts.bytes));
        let (reached, acknowledged, completed_at) = self.tell(now, rank, place, request);
        let Some(at) = get_mut(&mut self.places, place) else {
            return AnnounceOutcome::default();
        };
        let valid = reached != 0
            && facts.expires_at >= now / 1000
            && (at.holds(record, reached) || verify(record));
        let stored = if valid {
            at.put(record, &facts, reached)
        } else {
            0
        };
        AnnounceOutcome {
            stored: stored.count_ones(),
            acknowledged: (stored & acknowledged).count_ones(),
            refused: (reached & !stored).count_ones(),
            completed_at,
        }
    }

    /// Takes a meter's records off a location. Replicas heed the meter's own node only, the one whose id is
    /// `Location::of_meter`; they go on refusing the sequences that they have seen until those expire.
    pub fn withdraw(
        &mut self,
        now: u64,
        node: NodeIndex,
        location: Location,
        meter: MeterId,
    ) -> WithdrawOutcome {
        let Some(rank) = self.rank_online(node) else {
            return WithdrawOutcome {
                removed: 0,
                completed_at: now,
            };
        };
        count(&mut self.transport.counters.withdrawals);
        let place = self.place(location);
        let (reached, _, completed_at) = self.tell(now, rank, place, REQUEST_BYTES);
        let meter = u128::from_be_bytes(meter.0);
        let own_key = self.routing.key_of(rank);
        let removed = get_mut(&mut self.places, place)
            .filter(|at| {
                at.home_of(meter)
                    .is_some_and(|home| key(&home.0) == own_key)
            })
            .map_or(0, |at| at.withdraw(meter, reached));
        WithdrawOutcome {
            removed: removed.count_ones(),
            completed_at,
        }
    }

    /// Asks all locations in parallel for what is listed there, until the deadline (milliseconds, absolute).
    ///
    /// A location whose closest nodes are remembered is asked at the `alpha` nearest of them, and at further ones for
    /// those that keep silent. Otherwise they are searched, and every node asked on the way answers with its list too.
    pub fn lookup(
        &mut self,
        now: u64,
        node: NodeIndex,
        locations: &[Location],
        deadline: u64,
    ) -> LookupOutcome {
        let mut outcome = LookupOutcome {
            completed_at: now,
            complete: locations.is_empty(),
            records: Vec::new(),
        };
        let Some(rank) = self.rank_online(node) else {
            return outcome;
        };
        let messages = self.transport.counters.messages;
        let required = self.config.alpha.min(self.ranks.len().saturating_sub(1));
        let (mut complete, mut cold, mut rounds) = (true, false, 0u64);
        self.seen.clear();
        for (i, location) in locations.iter().enumerate() {
            if locations.iter().take(i).any(|before| before == location) {
                continue;
            }
            let place = self.place(*location);
            let asked = self.ask(now, rank, place, deadline);
            cold |= asked.cold;
            rounds = rounds.max(asked.rounds);
            outcome.completed_at = outcome.completed_at.max(asked.at);
            complete &= asked.finished
                && usize::try_from(asked.answered.count_ones()).is_ok_and(|n| n >= required);
            let Some(at) = get_mut(&mut self.places, place) else {
                continue;
            };
            let own = at.near.bit_of(rank);
            let seen = &mut self.seen;
            let take = |listed: crate::place::Listed<'_>| seen.take(&listed, &mut outcome.records);
            let bytes = at.list(asked.answered | own, now / 1000, take);
            self.transport.counters.bytes = self.transport.counters.bytes.saturating_add(bytes);
        }
        outcome.complete = complete;
        let counters = &mut self.transport.counters;
        count(&mut counters.lookups);
        counters.cold_lookups = counters.cold_lookups.saturating_add(u64::from(cold));
        counters.rounds = counters.rounds.saturating_add(rounds);
        counters
            .messages_per_lookup
            .add(counters.messages.saturating_sub(messages));
        counters
            .lookup_ms
            .add(outcome.completed_at.saturating_sub(now));
        outcome
    }

    /// Sends one direct message; when it arrives, or `None` if it is lost or either node is offline or unknown.
    /// Sending again is up to the caller.
    pub fn send(&mut self, now: u64, from: NodeIndex, to: NodeIndex) -> Option<u64> {
        self.rank_online(from)?;
        count(&mut self.transport.counters.direct);
        let online = self.rank_online(to).is_some();
        self.transport.message(now, REQUEST_BYTES, online)
    }

    /// Brings a node up or down. Going down is a crash: what it stored and the closest nodes it remembered are gone.
    pub fn set_online(&mut self, node: NodeIndex, online: bool) {
        let Some(rank) = self.rank(node) else { return };
        let Some(state) = get_mut(&mut self.online, rank) else {
            return;
        };
        if *state && !online {
            count(&mut self.crashes);
            if let Some(last) = get_mut(&mut self.last_crash, rank) {
                *last = self.crashes;
            }
            if let Some(contacts) = get_mut(&mut self.contacts, rank) {
                contacts.clear();
            }
        }
        *state = online;
    }

    /// True if the node is up.
    pub fn is_online(&self, node: NodeIndex) -> bool {
        self.rank_online(node).is_some()
    }

    /// Drops records past their expiry, by chain time in seconds. Look-ups leave them out anyway; this frees memory.
    pub fn expire(&mut self, chain_time_s: u64) {
        self.places
            .iter_mut()
            .for_each(|place| place.expire(chain_time_s));
    }

    /// Number of nodes, online or not.
    pub fn len(&self) -> usize {
        self.ranks.len()
    }

    /// True without nodes.
    pub fn is_empty(&self) -> bool {
        self.ranks.is_empty()
    }

    /// What was counted so far.
    pub const fn counters(&self) -> &Counters {
        &self.transport.counters
    }

    /// Versions of records held somewhere, over all locations.
    pub fn stored(&self) -> usize {
        self.places.iter().map(Place::len).sum()
    }

    /// Locations that a node remembers the closest nodes of.
    pub fn remembered(&self, node: NodeIndex) -> usize {
        self.rank(node)
            .and_then(|rank| usize::try_from(rank).ok())
            .and_then(|rank| self.contacts.get(rank))
            .map_or(0, Contacts::len)
    }

    /// Bytes held by tables, memories and lists, apart from the records (shared with whoever announced them).
    pub fn memory_bytes(&self) -> usize {
        // Per node: key, rank, flag, crash number, list header. Per place: index entry with its control byte.
        let per_node = 16usize
            .saturating_add(4 + 1 + 8)
            .saturating_add(size_of::<Contacts>());
        let per_place = size_of::<(Location, u32)>().saturating_add(1);
        let contacts: usize = self.contacts.iter().map(Contacts::bytes).sum();
        let places: usize = self.places.iter().map(Place::bytes).sum();
        per_node
            .saturating_mul(self.ranks.len())
            .saturating_add(per_place.saturating_mul(self.index.capacity()))
            .saturating_add(contacts)
            .saturating_add(places)
    }

    fn rank(&self, node: NodeIndex) -> Option<Rank> {
        usize::try_from(node)
            .ok()
            .and_then(|n| self.ranks.get(n))
            .copied()
    }

    fn rank_online(&self, node: NodeIndex) -> Option<Rank> {
        self.rank(node).filter(|rank| is_up(&self.online, *rank))
    }

    /// The place of a location, made at its first use, with the crashes since its last use applied.
    fn place(&mut self, location: Location) -> u32 {
        if let Some(place) = self.index.get(&location).copied() {
            let last_crash = &self.last_crash;
            if let Some(at) = get_mut(&mut self.places, place) {
                at.sync(self.crashes, |rank| {
                    usize::try_from(rank)
                        .ok()
                        .and_then(|r| last_crash.get(r))
                        .copied()
                        .unwrap_or(0)
                });
            }
            return place;
        }
        let place = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let key = key(&location.0);
        self.places.push(Place::new(
            key,
            self.routing.closest(key, NEAR),
            self.crashes,
        ));
        self.index.insert(location, place);
        place
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

pub(crate) fn get_mut<T>(items: &mut [T], at: u32) -> Option<&mut T> {
    usize::try_from(at).ok().and_then(|at| items.get_mut(at))
}

pub(crate) fn is_up(online: &[bool], rank: Rank) -> bool {
    usize::try_from(rank)
        .ok()
        .and_then(|r| online.get(r))
        .copied()
        .unwrap_or(false)
}
