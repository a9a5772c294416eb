//! Look-ups: several locations side by side, each asked at several of its closest nodes, partial by the deadline.
//!
//! What one node leaves out another lists: a location is done when `quorum` nodes near it have answered (all of them
//! where there are fewer). A node is asked for all locations that it is near to in one request, and nodes that are near
//! to many go first. A slow one gets another beside it. Where the closest nodes have to be searched, those known at once
//! are asked meanwhile; but only the answers of nodes that the search finds to be among the closest make a location
//! done, because far ones know nothing of it.
//!
//! Nodes without a meter are asked where there are no others, and two meters of the own zone beside the closest nodes:
//! who surrounds a location with ids of his choice hides nothing.

use crate::handle::{Contact, Exchange, Failure, Near};
use crate::own::Publisher;
use crate::store::Kind;
use crate::wire::{
    decode_answer, encode_request, At, RecordsAnswer, RecordsRequest, Refusal, WireError,
    MAX_LOCATIONS,
};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use futures::FutureExt;
use libp2p::PeerId;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wattpool_schema::peer::{Location, SignedRecord};
use wattpool_schema::MeterId;

/// Second places of a location that are asked: a meter of the own zone that hides offers is not the only one.
const MATES: usize = 2;

/// What a look-up found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Got {
    /// Verified records, of each meter and kind the newest.
    pub records: Vec<Arc<SignedRecord>>,
    /// Every location was answered by enough nodes before the deadline.
    pub complete: bool,
    /// Requests sent, searches included.
    pub requests: u64,
    /// Records dropped because they are invalid.
    pub dropped: u64,
}

/// A location that is being asked.
struct Place {
    at: Location,
    near: Vec<Contact>,
    /// Nodes near it stand for registered meters.
    registered: bool,
    /// Its second places, and those of them that are not near it.
    mates: HashSet<PeerId>,
    further: Vec<Contact>,
    searching: bool,
    asked: HashSet<PeerId>,
    /// Asked, and the answer is not overdue.
    expected: HashSet<PeerId>,
    answered: HashSet<PeerId>,
}

impl Place {
    fn take(&mut self, near: Near) {
        self.mates = near.mates.iter().map(|c| c.peer).collect();
        self.registered = near.contacts.iter().any(|c| c.registered);
        self.near = near.contacts;
        for mate in near.mates {
            if !self.near.iter().any(|c| c.peer == mate.peer) {
                self.further.push(mate);
            }
        }
    }

    /// How many of the nodes near it are in a set. Nodes without a meter count where there are no others alone.
    fn near_in(&self, set: &HashSet<PeerId>) -> usize {
        let counts = |c: &&Contact| (c.registered || !self.registered) && set.contains(&c.peer);
        self.near.iter().filter(counts).count()
    }

    /// How many of its second places are in a set.
    fn mates_in(&self, set: &HashSet<PeerId>) -> usize {
        self.mates.intersection(set).count()
    }

    /// All who may be asked for it.
    fn all(&self) -> impl Iterator<Item = &Contact> {
        self.near.iter().chain(&self.further)
    }
}

/// What happens next.
enum Step {
    Found(usize, Option<Near>),
    Answered(u64, PeerId, Result<Vec<u8>, Failure>),
    Overdue(u64, PeerId),
}

/// A look-up under way.
pub(crate) struct Lookup<'a> {
    net: &'a Publisher,
    quorum: usize,
    hedge: Duration,
    places: Vec<Place>,
    /// Requests under way, with the locations that they are for.
    asking: HashMap<u64, Vec<usize>>,
    steps: FuturesUnordered<BoxFuture<'a, Step>>,
    kept: HashMap<(MeterId, Kind), (usize, Arc<SignedRecord>)>,
    /// Nodes that sent what is invalid: their answers do not count.
    liars: HashSet<PeerId>,
    got: Got,
}

impl<'a> Lookup<'a> {
    pub fn new(net: &'a Publisher, quorum: usize, hedge: Duration) -> Self {
        Self {
            net,
            quorum,
            hedge,
            places: Vec::new(),
            asking: HashMap::new(),
            steps: FuturesUnordered::new(),
            kept: HashMap::new(),
            liars: HashSet::new(),
            got: Got::default(),
        }
    }

    /// Looks locations up until the deadline.
    pub async fn run(mut self, locations: &[Location], within: Duration) -> Got {
        let started = Instant::now();
        let done = tokio::time::timeout(within, self.work(locations)).await;
        self.got.complete &= done.is_ok();
        let mut kept: Vec<_> = self.kept.into_values().collect();
        kept.sort_unstable_by_key(|(order, _)| *order);
        self.got.records = kept.into_iter().map(|(_, record)| record).collect();
        let counters = &self.net.counters;
        counters.gets.one();
        counters.get_requests.add(self.got.requests);
        let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        counters.get_us.add(took);
        counters.dropped.add(self.got.dropped);
        if done.is_err() {
            counters.gets_cut.one();
        }
        self.got
    }

    async fn work(&mut self, locations: &[Location]) {
        let mut seen = HashSet::new();
        let now = self.net.judge.now();
        for at in locations.iter().filter(|at| seen.insert(**at)) {
            // What this node keeps itself was verified when it was stored; the registry may have changed since.
            let own: Vec<_> = self.net.shelf.lock().list(at, now).cloned().collect();
            for record in own {
                if self.net.judge.holds(&record).is_ok() {
                    self.keep(record);
                }
            }
            let (known, search) = self.net.handle.closest(*at, false).await;
            let place = self.places.len();
            self.steps.push(
                search
                    .map(move |near| Step::Found(place, near.ok()))
                    .boxed(),
            );
            let mut place = Place {
                at: *at,
                near: Vec::new(),
                registered: false,
                mates: HashSet::new(),
                further: Vec::new(),
                searching: true,
                asked: HashSet::new(),
                expected: HashSet::new(),
                answered: HashSet::new(),
            };
            place.take(known);
            self.places.push(place);
        }
        self.got.complete = true;
        loop {
            self.ask_more();
            if self.places.iter().all(|p| self.is_done(p)) {
                return;
            }
            match self.steps.next().await {
                None => return,
                Some(Step::Found(place, near)) => self.found(place, near),
                Some(Step::Answered(id, from, answer)) => self.answered(id, from, answer).await,
                Some(Step::Overdue(id, from)) => {
                    if let Some(places) = self.asking.get(&id).cloned() {
                        self.expect_no_more(&places, &from);
                    }
                }
            }
        }
    }

    /// Enough of the closest nodes answered; or there is nobody else to ask and nothing to wait for.
    fn is_done(&self, place: &Place) -> bool {
        let waits = || {
            let mut asked = self.asking.values().flatten();
            asked.any(|i| self.is_at(*i, &place.at))
        };
        !place.searching
            && (!self.lacks(place, &place.answered) || (!self.has_more(place) && !waits()))
    }

    fn is_at(&self, place: usize, at: &Location) -> bool {
        self.places.get(place).is_some_and(|p| p.at == *at)
    }

    /// Somebody is left to be asked for what a location lacks.
    fn has_more(&self, place: &Place) -> bool {
        place
            .all()
            .any(|c| self.is_fresh(place, c) && self.worth(place, c) > 0)
    }

    fn is_fresh(&self, place: &Place, contact: &Contact) -> bool {
        !place.asked.contains(&contact.peer) && !self.liars.contains(&contact.peer)
    }

    /// Whether a location would need more than the answers of these: of nodes near it, and of its second places.
    fn lacks(&self, place: &Place, from: &HashSet<PeerId>) -> bool {
        place.near_in(from) < self.quorum || place.mates_in(from) < MATES.min(place.mates.len())
    }

    fn wants(&self, place: &Place) -> bool {
        let from: HashSet<PeerId> = place.answered.union(&place.expected).copied().collect();
        self.lacks(place, &from)
    }

    /// How much a node is worth for a location: one for being near where one is wanted, one for being a second place
    /// where one is wanted; none of what has enough.
    fn worth(&self, place: &Place, contact: &Contact) -> usize {
        let has = |count: fn(&Place, &HashSet<PeerId>) -> usize| {
            count(place, &place.answered).saturating_add(count(place, &place.expected))
        };
        let mate = place.mates.contains(&contact.peer)
            && has(Place::mates_in) < MATES.min(place.mates.len());
        let near =
            has(Place::near_in) < self.quorum && place.near.iter().any(|c| c.peer == contact.peer);
        usize::from(mate).saturating_add(usize::from(near))
    }

    /// Sends requests until every location has as many under way or answered as it needs.
    fn ask_more(&mut self) {
        while let Some((contact, places)) = self.choose() {
            self.ask(contact, places);
        }
    }

    /// The node that is near to most of the locations that want one, with these. Among equals it differs from node to
    /// node who goes first, so that not all ask the same.
    fn choose(&self) -> Option<(Contact, Vec<usize>)> {
        let mut offers: HashMap<PeerId, (usize, &Contact)> = HashMap::new();
        let wanting: Vec<_> = (0..)
            .zip(&self.places)
            .filter(|(_, p)| self.wants(p))
            .collect();
        for (_, place) in &wanting {
            for contact in place.all().filter(|c| self.is_fresh(place, c)) {
                let worth = self.worth(place, contact);
                if worth > 0 {
                    let entry = offers.entry(contact.peer).or_insert((0, contact));
                    entry.0 = entry.0.saturating_add(worth);
                }
            }
        }
        let best = offers
            .into_values()
            .max_by_key(|(worth, c)| (c.registered, *worth, self.lot(c.peer)))?
            .1;
        let meant = |p: &Place| {
            p.all().any(|c| c.peer == best.peer && self.worth(p, c) > 0) && self.is_fresh(p, best)
        };
        let places = wanting.iter().filter(|(_, p)| meant(p)).map(|(i, _)| *i);
        Some((best.clone(), places.take(MAX_LOCATIONS).collect()))
    }

    fn lot(&self, peer: PeerId) -> u64 {
        let mut hash = DefaultHasher::new();
        (self.net.handle.id, peer).hash(&mut hash);
        hash.finish()
    }

    fn ask(&mut self, to: Contact, places: Vec<usize>) {
        let id = self.got.requests;
        self.got.requests = self.got.requests.saturating_add(1);
        let mut at = Vec::new();
        for place in &places {
            let Some(place) = self.places.get_mut(*place) else {
                continue;
            };
            place.asked.insert(to.peer);
            place.expected.insert(to.peer);
            at.push(At(place.at));
        }
        let bytes = encode_request(&RecordsRequest::Get { at });
        let (handle, fan_out) = (self.net.handle.clone(), Arc::clone(&self.net.fan_out));
        let peer = to.peer;
        let request = async move {
            // The semaphore is never closed.
            let _permit = fan_out.acquire_owned().await;
            let answer = handle.send(Exchange::Records, to, bytes).await;
            Step::Answered(id, peer, answer)
        };
        self.steps.push(request.boxed());
        let overdue = tokio::time::sleep(self.hedge).map(move |()| Step::Overdue(id, peer));
        self.steps.push(overdue.boxed());
        self.asking.insert(id, places);
    }

    fn expect_no_more(&mut self, places: &[usize], from: &PeerId) {
        for place in places {
            if let Some(place) = self.places.get_mut(*place) {
                place.expected.remove(from);
            }
        }
    }

    /// A search ended. Without a result, what was known is what there is.
    fn found(&mut self, place: usize, near: Option<Near>) {
        let Some(place) = self.places.get_mut(place) else {
            return;
        };
        place.searching = false;
        if let Some(near) = near {
            self.got.requests = self.got.requests.saturating_add(near.requests);
            place.further.clear();
            place.take(near);
        }
    }

    async fn answered(&mut self, id: u64, from: PeerId, answer: Result<Vec<u8>, Failure>) {
        let Some(places) = self.asking.remove(&id) else {
            return;
        };
        self.expect_no_more(&places, &from);
        let Ok(bytes) = answer else { return };
        let strikes = match decode_answer(&bytes) {
            Ok(RecordsAnswer::Records { records, truncated }) => {
                self.got.complete &= !truncated;
                let asked: Vec<Location> = places
                    .iter()
                    .filter_map(|i| self.places.get(*i))
                    .map(|p| p.at)
                    .collect();
                records
                    .into_iter()
                    .map(|record| self.take(record, &asked))
                    .fold(0, u32::saturating_add)
            }
            // Too busy: another is asked.
            Ok(RecordsAnswer::Busy | RecordsAnswer::Refused(Refusal::OtherVersion))
            | Err(WireError::OtherVersion { .. }) => return,
            Ok(_) | Err(WireError::Malformed(_)) => 1,
        };
        if strikes > 0 {
            self.liars.insert(from);
            self.net.handle.strike(from, strikes).await;
            return;
        }
        for place in &places {
            if let Some(place) = self.places.get_mut(*place) {
                place.answered.insert(from);
            }
        }
    }

    /// Judges and keeps one record of an answer; the strikes that it earns.
    fn take(&mut self, record: Result<SignedRecord, WireError>, asked: &[Location]) -> u32 {
        let record = match record {
            Ok(record) => record,
            Err(WireError::OtherVersion { .. }) => {
                self.net.counters.other_version.one();
                return 0;
            }
            Err(WireError::Malformed(_)) => {
                self.got.dropped = self.got.dropped.saturating_add(1);
                return 1;
            }
        };
        if let Some((_, kept)) = self.kept.get(&(record.meter(), Kind::of(&record))) {
            // Most answers list the same records: what is known, or older than what is known, needs no judging.
            if **kept == record || kept.sequence() > record.sequence() {
                return 0;
            }
        }
        let judged = self
            .net
            .judge
            .admits(&record)
            .and_then(|()| {
                let placed = asked.iter().any(|at| record.belongs_at(at));
                placed.then_some(()).ok_or(Refusal::Misplaced)
            })
            .and_then(|()| self.net.judge.holds(&record));
        match judged {
            Ok(()) => {
                self.keep(Arc::new(record));
                0
            }
            Err(why) => {
                self.got.dropped = self.got.dropped.saturating_add(1);
                self.net.judge.strikes(&record, why)
            }
        }
    }

    fn keep(&mut self, record: Arc<SignedRecord>) {
        let order = self.kept.len();
        match self.kept.entry((record.meter(), Kind::of(&record))) {
            Entry::Vacant(free) => {
                free.insert((order, record));
            }
            Entry::Occupied(mut held) => {
                if held.get().1.sequence() < record.sequence() {
                    held.get_mut().1 = record;
                }
            }
        }
    }
}
