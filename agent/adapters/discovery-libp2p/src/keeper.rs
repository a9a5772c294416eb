//! Answers what others ask about records, from the store; judges every record before it is stored or used.

use crate::budget::Checks;
use crate::config::{Checked, Clock, Limits};
use crate::counters::Counters;
use crate::members::Source;
use crate::store::{publisher, Standing, Store};
use crate::wire::{
    decode_request, encode_answer, encode_record, list, RecordsAnswer, RecordsRequest, Refusal,
    WireError, MAX_RECORD,
};
use libp2p::PeerId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use wattpool_core::ports::network::{RecordCheck, Verdict};
use wattpool_schema::peer::{Location, SignedBinding, SignedRecord};
use wattpool_schema::{Seconds, Zone, RECORD_VERSION};

/// An honest node may be slow to drop what expired; not by more than this, seconds.
const SLOW_S: u64 = 60;
/// How long a binding may hold, seconds.
pub(crate) const MAX_BINDING_S: u64 = 2 * 86_400;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The peer.
    pub peer: PeerId,
    pub(crate) source: Source,
}

/// Answers requests about records.
pub trait Keeper: Send {
    /// Answers one request; without an answer the asker gets silence. The number says how many strikes it earned.
    fn answer(&mut self, from: Asker, request: &[u8], now: Instant) -> (Option<Vec<u8>>, u32);
    /// Drops what has expired.
    fn tidy(&mut self);
}

/// What a record must be to be stored or used.
pub(crate) struct Judge {
    network: String,
    clock: Clock,
    life_s: u64,
    check: Arc<dyn RecordCheck>,
}

impl Judge {
    pub fn new(config: &Checked, clock: Clock, check: Arc<dyn RecordCheck>) -> Self {
        Self {
            network: config.network.clone(),
            clock,
            life_s: config.limits.record_life_s,
            check,
        }
    }

    pub fn now(&self) -> Seconds {
        (self.clock)()
    }

    /// What needs no signature.
    pub fn admits(&self, record: &SignedRecord) -> Result<(), Refusal> {
        let (now, end) = (self.now().0, record.expires_at().0);
        if record.version() != RECORD_VERSION {
            Err(Refusal::OtherVersion)
        } else if record.network() != self.network {
            Err(Refusal::OtherNetwork)
        } else if end < now {
            Err(Refusal::Expired)
        } else if end > now.saturating_add(self.life_s) {
            Err(Refusal::TooLong)
        } else {
            Ok(())
        }
    }

    /// What the registry says.
    pub fn holds(&self, record: &SignedRecord) -> Result<(), Refusal> {
        match self.check.check(record) {
            Verdict::Holds => Ok(()),
            Verdict::Unknown => Err(Refusal::Unknown),
            Verdict::Forged => Err(Refusal::Forged),
        }
    }

    /// Whether a binding holds for a peer; its meter's zone if it does.
    pub fn binds(&self, signed: &SignedBinding, peer: &[u8]) -> Result<Zone, Refusal> {
        let (binding, now) = (&signed.binding, self.now().0);
        if binding.version != RECORD_VERSION {
            Err(Refusal::OtherVersion)
        } else if binding.network != self.network {
            Err(Refusal::OtherNetwork)
        } else if binding.peer != peer {
            Err(Refusal::NotPublisher)
        } else if binding.expires_at.0 < now {
            Err(Refusal::Expired)
        } else if binding.expires_at.0 > now.saturating_add(MAX_BINDING_S) {
            Err(Refusal::TooLong)
        } else {
            self.check
                .check_binding(signed)
                .map_err(|verdict| match verdict {
                    Verdict::Forged => Refusal::Forged,
                    Verdict::Holds | Verdict::Unknown => Refusal::Unknown,
                })
        }
    }

    pub fn network(&self) -> &str {
        &self.network
    }

    /// Strikes for sending a record that is refused so: none for what an honest node might send, its registry or clock
    /// a little behind or ahead.
    pub fn strikes(&self, record: &SignedRecord, why: Refusal) -> u32 {
        let long_ago = record.expires_at().0.saturating_add(SLOW_S) < self.now().0;
        match why {
            Refusal::Malformed
            | Refusal::OtherNetwork
            | Refusal::Misplaced
            | Refusal::NotPublisher
            | Refusal::Forged => 1,
            Refusal::Expired => u32::from(long_ago),
            Refusal::OtherVersion
            | Refusal::TooLong
            | Refusal::Stale
            | Refusal::Unknown
            | Refusal::Full => 0,
        }
    }
}

/// The store, shared by those who answer others and those who look up.
#[derive(Clone)]
pub(crate) struct Shelf(Arc<Mutex<Store>>);

impl Shelf {
    pub fn new(limits: &Limits) -> Self {
        let store = Store::new(limits.records, limits.records_per_meter);
        Self(Arc::new(Mutex::new(store)))
    }

    /// The store is whole between any two of its calls: a panic elsewhere does not make it useless.
    pub fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keeper of an honest node.
pub(crate) struct Honest {
    shelf: Shelf,
    judge: Arc<Judge>,
    counters: Arc<Counters>,
    checks: Checks,
    /// Lists begin at another place each time: what does not fit in one answer is in another.
    turn: usize,
}

impl Honest {
    pub fn new(shelf: Shelf, judge: Arc<Judge>, counters: Arc<Counters>, checks: Checks) -> Self {
        Self {
            shelf,
            judge,
            counters,
            checks,
            turn: 0,
        }
    }

    /// Judges and stores one record.
    fn put(
        &mut self,
        from: Asker,
        at: Location,
        record: SignedRecord,
        now: Instant,
    ) -> (RecordsAnswer, u32) {
        match self.judged(from, &at, &record, now) {
            Ok(true) => {}
            Ok(false) => return (RecordsAnswer::Busy, 0),
            Err(why) => return self.refuse(&record, why),
        }
        let record = Arc::new(record);
        let chain_now = self.judge.now();
        let stored = self.shelf.lock().put(at, Arc::clone(&record), chain_now);
        match stored {
            Ok(()) => {
                self.counters.stored.one();
                (RecordsAnswer::Done, 0)
            }
            Err(why) => self.refuse(&record, why),
        }
    }

    fn refuse(&self, record: &SignedRecord, why: Refusal) -> (RecordsAnswer, u32) {
        self.counters.refused.one();
        let strikes = self.judge.strikes(record, why);
        (RecordsAnswer::Refused(why), strikes)
    }

    /// Whether a record may be stored, the cheap questions first; false when too many signatures were checked lately.
    fn judged(
        &mut self,
        from: Asker,
        at: &Location,
        record: &SignedRecord,
        now: Instant,
    ) -> Result<bool, Refusal> {
        self.judge.admits(record)?;
        if encode_record(record).len() > MAX_RECORD {
            return Err(Refusal::Malformed);
        }
        if publisher(record).is_some_and(|peer| peer != from.peer.to_bytes()) {
            return Err(Refusal::NotPublisher);
        }
        if !record.belongs_at(at) {
            return Err(Refusal::Misplaced);
        }
        match self.shelf.lock().standing(at, record) {
            Standing::Same => return Ok(true),
            Standing::Stale => return Err(Refusal::Stale),
            Standing::Newer => {}
        }
        if !self.checks.take(from.source, now) {
            return Ok(false);
        }
        self.judge.holds(record).map(|()| true)
    }

    fn get(&mut self, at: impl Iterator<Item = Location>) -> Vec<u8> {
        let now = self.judge.now();
        let store = self.shelf.lock();
        let mut records: Vec<&Arc<SignedRecord>> = Vec::new();
        for location in at {
            records.extend(store.list(&location, now));
        }
        if let Some(start) = self.turn.checked_rem(records.len()) {
            records.rotate_left(start);
        }
        self.turn = self.turn.wrapping_add(97);
        list(records.iter().map(|r| encode_record(r)), false)
    }
}

impl Keeper for Honest {
    fn answer(&mut self, from: Asker, request: &[u8], now: Instant) -> (Option<Vec<u8>>, u32) {
        let (answer, strikes) = match decode_request(request) {
            Ok(RecordsRequest::Get { at }) => {
                self.counters.served.one();
                return (Some(self.get(at.into_iter().map(|at| at.0))), 0);
            }
            Ok(RecordsRequest::Put { at, record }) => self.put(from, at.0, *record, now),
            Ok(RecordsRequest::Withdraw {
                at,
                meter,
                sequence,
            }) => {
                let peer = from.peer.to_bytes();
                let done = self.shelf.lock().withdraw(at.0, meter, sequence, &peer);
                match done {
                    Ok(()) => (RecordsAnswer::Done, 0),
                    Err(why) => (
                        RecordsAnswer::Refused(why),
                        u32::from(why == Refusal::NotPublisher),
                    ),
                }
            }
            Err(WireError::OtherVersion { .. }) => {
                self.counters.other_version.one();
                (RecordsAnswer::Refused(Refusal::OtherVersion), 0)
            }
            Err(WireError::Malformed(_)) => {
                self.counters.refused.one();
                (RecordsAnswer::Refused(Refusal::Malformed), 1)
            }
        };
        self.counters.served.one();
        (Some(encode_answer(&answer)), strikes)
    }

    fn tidy(&mut self) {
        let now = self.judge.now();
        let mut store = self.shelf.lock();
        store.expire(now);
        let held = store.len();
        drop(store);
        self.counters.held.set(u64::try_from(held).unwrap_or(0));
    }
}
