//! This meter's own records: announced, published again as closest nodes change, withdrawn.

use crate::counters::Counters;
use crate::handle::{Contact, Exchange, Failure, Handle, Near};
use crate::keeper::{Judge, Shelf};
use crate::store::Kind;
use crate::wire::{
    decode_answer, encode_request, At, RecordsAnswer, RecordsRequest, Refusal, MAX_REQUEST,
};
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use wattpool_schema::peer::{Location, SignedRecord};
use wattpool_schema::{MeterId, Seconds};

/// What became of an announcement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// Nodes that hold the record now.
    pub stored: u32,
    /// Nodes that refused it.
    pub refused: u32,
    /// Why the last of them did.
    pub why: Option<Refusal>,
    /// Nodes that did not answer.
    pub silent: u32,
    /// Requests sent, the search included.
    pub requests: u64,
}

/// Records that are out.
#[derive(Default)]
pub(crate) struct Own(Mutex<HashMap<(Location, Kind), Arc<SignedRecord>>>);

impl Own {
    fn with<T>(&self, f: impl FnOnce(&mut HashMap<(Location, Kind), Arc<SignedRecord>>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn add(&self, at: Location, record: Arc<SignedRecord>) {
        self.with(|own| own.insert((at, Kind::of(&record)), record));
    }

    /// The meter's offer at a location, which is not out any more.
    pub fn take_offer(&self, at: Location) -> Option<Arc<SignedRecord>> {
        self.with(|own| own.remove(&(at, Kind::Offer)))
    }

    /// What is out and has not expired.
    pub fn live(&self, now: Seconds) -> Vec<(Location, Arc<SignedRecord>)> {
        self.with(|own| {
            own.retain(|_, record| record.expires_at() >= now);
            let out = own.iter().map(|((at, _), r)| (*at, Arc::clone(r)));
            out.collect()
        })
    }

    /// Whether this record is out still.
    pub fn is_out(&self, at: Location, record: &SignedRecord) -> bool {
        self.with(|own| {
            own.get(&(at, Kind::of(record)))
                .is_some_and(|out| out.sequence() == record.sequence())
        })
    }
}

/// Talks to the nodes closest to a location.
#[derive(Clone)]
pub(crate) struct Publisher {
    pub handle: Handle,
    pub shelf: Shelf,
    pub judge: Arc<Judge>,
    pub counters: Arc<Counters>,
    /// Bounds requests under way.
    pub fan_out: Arc<Semaphore>,
    /// How long a search may take before the nodes known without it are taken.
    pub patience: Duration,
}

impl Publisher {
    /// Puts a record to the nodes closest to a location. Dropped before it is done, it has put to some of them.
    pub async fn put(&self, at: Location, record: &Arc<SignedRecord>, fresh: bool) -> Put {
        let started = Instant::now();
        let request = RecordsRequest::Put {
            at: At(at),
            record: Box::new(SignedRecord::clone(record)),
        };
        let (near, mut put) = self.reach(at, &request, fresh).await;
        if near.own {
            let now = self.judge.now();
            // Refused: a newer one of this meter is here already.
            if self.shelf.lock().put(at, Arc::clone(record), now).is_ok() {
                put.stored = put.stored.saturating_add(1);
            }
        }
        self.counters.puts.one();
        self.counters.put_requests.add(put.requests);
        let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.counters.put_us.add(took);
        put
    }

    /// Takes this meter's offer off the lists of a location.
    pub async fn withdraw(&self, at: Location, meter: MeterId, sequence: u64) -> Put {
        let request = RecordsRequest::Withdraw {
            at: At(at),
            meter,
            sequence,
        };
        let own = self.handle.id.to_bytes();
        // Refused: a newer one of this meter is here already.
        let _ = self.shelf.lock().withdraw(at, meter, sequence, &own);
        self.reach(at, &request, false).await.1
    }

    async fn reach(&self, at: Location, request: &RecordsRequest, fresh: bool) -> (Near, Put) {
        let bytes = encode_request(request);
        let mut put = Put::default();
        if bytes.len() > MAX_REQUEST {
            put.why = Some(Refusal::Malformed);
            return (Near::default(), put);
        }
        let (known, search) = self.handle.closest(at, fresh).await;
        let mut answers = FuturesUnordered::new();
        let mut told = HashSet::new();
        // The second places need no search: who holds the search up does not keep a record from them.
        for mate in known.mates.iter().filter(|mate| told.insert(mate.peer)) {
            answers.push(self.deliver(mate.clone(), bytes.clone()));
        }
        let search = tokio::time::timeout(self.patience, search);
        tokio::pin!(search);
        let mut near: Option<Near> = None;
        loop {
            let answer = tokio::select! {
                found = &mut search, if near.is_none() => {
                    // Without a search the known ones are the closest.
                    let found = found.ok().and_then(Result::ok);
                    let found = found.unwrap_or_else(|| known.clone());
                    put.requests = put.requests.saturating_add(found.requests);
                    let all = found.contacts.iter().chain(&found.mates);
                    for contact in all.filter(|contact| told.insert(contact.peer)) {
                        answers.push(self.deliver(contact.clone(), bytes.clone()));
                    }
                    near = Some(found);
                    continue;
                }
                Some(answer) = answers.next() => answer,
                else => break,
            };
            put.requests = put.requests.saturating_add(1);
            let count = match answer {
                Ok(RecordsAnswer::Done) => &mut put.stored,
                Ok(RecordsAnswer::Refused(why)) => {
                    put.why = Some(why);
                    &mut put.refused
                }
                Ok(_) | Err(_) => &mut put.silent,
            };
            *count = count.saturating_add(1);
        }
        drop(answers);
        (near.unwrap_or(known), put)
    }

    async fn deliver(&self, to: Contact, bytes: Vec<u8>) -> Result<RecordsAnswer, Failure> {
        // The semaphore is never closed.
        let _permit = self.fan_out.acquire().await;
        let peer = to.peer;
        let answer = self.handle.send(Exchange::Records, to, bytes).await?;
        match decode_answer(&answer) {
            Ok(answer) => Ok(answer),
            Err(e) => {
                self.handle.strike(peer, 1).await;
                Err(Failure::Silent(e.to_string()))
            }
        }
    }
}
