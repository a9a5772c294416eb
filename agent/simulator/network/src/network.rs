//! The network: nodes, places, and what the meters do on it.

use crate::config::{NetworkConfig, NetworkError, NEAR};
use crate::contacts::{until, Contacts};
use crate::counters::Counters;
use crate::outcome::{AnnounceOutcome, LookupOutcome, WithdrawOutcome};
use crate::place::{Facts, Place};
use crate::routing::{key, Rank, Routing};
use crate::seen::{Seen, SpreadState};
use crate::transport::{Transport, ANSWER_BYTES, REQUEST_BYTES};
use crate::walk::{Search, Walk};
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
    config: NetworkConfig,
    routing: Routing,
    ranks: Vec<Rank>,
    transport: Transport,
    online: Vec<bool>,
    /// Number of crashes so far, and at which of them each node crashed last.
    crashes: u64,
    last_crash: Vec<u64>,
    contacts: Vec<Contacts>,
    places: Vec<Place>,
    index: HashMap<Location, u32, SpreadState>,
    seen: Seen,
}

/// How asking a location went.
struct Asked {
    /// The nodes near it that answered in time.
    answered: u64,
    rounds: u64,
    at: u64,
    finished: bool,
    cold: bool,
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
            let own = at.bit_of(rank);
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

    /// The closest nodes the node knows of a place, searched if it remembers none.
    fn known(&mut self, now: u64, rank: Rank, place: u32) -> (u64, u64) {
        let remembered = get_mut(&mut self.contacts, rank).and_then(|c| c.get(place, now));
        match remembered {
            Some(found) => (found, now),
            None => {
                let walk = self.search(now, rank, place, u64::MAX);
                (self.learn(now, rank, place, &walk), walk.at)
            }
        }
    }

    fn search(&mut self, now: u64, rank: Rank, place: u32, deadline: u64) -> Walk {
        let target = get_mut(&mut self.places, place).map_or(0, |at| at.key);
        let branch = self.routing.branch(target);
        let search = Search {
            routing: &self.routing,
            online: &self.online,
            seeker: rank,
            branch: &branch,
            k: self.config.k,
            alpha: self.config.alpha,
            deadline,
        };
        search.run(&mut self.transport, now)
    }

    /// Remembers the `k` closest that answered; their set.
    fn learn(&mut self, now: u64, rank: Rank, place: u32, walk: &Walk) -> u64 {
        let closest = walk.answered.get(..self.config.k).unwrap_or(&walk.answered);
        let found = get_mut(&mut self.places, place).map_or(0, |at| at.set_of(closest));
        let until = until(now, self.config.remember_ms, rank, place);
        if let Some(contacts) = get_mut(&mut self.contacts, rank) {
            contacts.learn(place, found, until, self.config.remembered_locations);
        }
        found
    }

    /// Tells the replicas of a place something: (who got it, who said so, when that was over). A node that is itself
    /// among the `k` closest needs no message.
    fn tell(&mut self, now: u64, rank: Rank, place: u32, request: u64) -> (u64, u64, u64) {
        let (found, start) = self.known(now, rank, place);
        let Some(at) = get_mut(&mut self.places, place) else {
            return (0, 0, now);
        };
        let own = at.bit_of(rank) & at.closest_set(self.config.k);
        let (mut reached, mut acknowledged, mut silent, mut end) = (own, own, 0, start);
        for (bit, replica) in at.members(found) {
            let online = is_up(&self.online, replica);
            let went = self
                .transport
                .exchange(start, online, request, ANSWER_BYTES);
            end = end.max(went.at);
            if went.delivered {
                reached |= bit;
            }
            if went.answered {
                acknowledged |= bit;
            } else {
                silent |= bit;
            }
        }
        self.forget(rank, place, silent);
        (reached, acknowledged, end)
    }

    fn forget(&mut self, rank: Rank, place: u32, silent: u64) {
        if silent != 0 {
            if let Some(contacts) = get_mut(&mut self.contacts, rank) {
                contacts.forget(place, silent);
            }
        }
    }

    /// Asks a place for its list.
    fn ask(&mut self, now: u64, rank: Rank, place: u32, deadline: u64) -> Asked {
        let remembered = get_mut(&mut self.contacts, rank).and_then(|c| c.get(place, now));
        let Some(found) = remembered else {
            let walk = self.search(now, rank, place, deadline);
            if walk.finished {
                self.learn(now, rank, place, &walk);
            }
            let answered =
                get_mut(&mut self.places, place).map_or(0, |at| at.set_of(&walk.answered));
            let Walk {
                rounds,
                at,
                finished,
                ..
            } = walk;
            return Asked {
                answered,
                rounds,
                at,
                finished,
                cold: true,
            };
        };
        let mut asked = Asked {
            answered: 0,
            rounds: 0,
            at: now,
            finished: false,
            cold: false,
        };
        let Some(at) = get_mut(&mut self.places, place) else {
            return asked;
        };
        let wanted = u32::try_from(self.config.alpha).unwrap_or(u32::MAX);
        let mut silent = 0;
        let mut replicas = at.members(found).peekable();
        while asked.at < deadline {
            let missing = wanted.saturating_sub(asked.answered.count_ones());
            if missing == 0 || replicas.peek().is_none() {
                asked.finished = true;
                break;
            }
            asked.rounds = asked.rounds.saturating_add(1);
            let start = asked.at;
            for _ in 0..missing {
                let Some((bit, replica)) = replicas.next() else {
                    break;
                };
                let online = is_up(&self.online, replica);
                let went = self
                    .transport
                    .exchange(start, online, REQUEST_BYTES, ANSWER_BYTES);
                asked.at = asked.at.max(went.at);
                if went.answered && went.at <= deadline {
                    asked.answered |= bit;
                } else if !went.answered {
                    silent |= bit;
                }
            }
        }
        drop(replicas);
        // The last answers may come with the deadline itself.
        asked.finished |= asked.answered.count_ones() >= wanted;
        asked.at = asked.at.min(deadline).max(now);
        self.forget(rank, place, silent);
        asked
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

fn get_mut<T>(items: &mut [T], at: u32) -> Option<&mut T> {
    usize::try_from(at).ok().and_then(|at| items.get_mut(at))
}

fn is_up(online: &[bool], rank: Rank) -> bool {
    usize::try_from(rank)
        .ok()
        .and_then(|r| online.get(r))
        .copied()
        .unwrap_or(false)
}
