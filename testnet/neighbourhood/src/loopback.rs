//! Records and talk of a street in one process: every member checks what it finds against the chain's registry.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use wattpool_core::ports::network::{
    Discovery, Found, NetworkError, Peers, RecordCheck, Replier, Verdict,
};
use wattpool_runtime::Registry;
use wattpool_schema::peer::{Location, Record, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::MeterId;

/// Requests that wait for a member.
const WAITING: usize = 64;

type Inbox = mpsc::Sender<(SignedRequest, Replier)>;
/// A record is of one meter and one kind: an offer (true) or a status.
type Named = (Location, MeterId, bool);

#[derive(Default)]
struct Tables {
    records: BTreeMap<Named, Arc<SignedRecord>>,
    inboxes: BTreeMap<Vec<u8>, Inbox>,
}

/// Where all members meet.
#[derive(Clone, Default)]
pub struct LoopbackNetwork(Arc<Mutex<Tables>>);

impl LoopbackNetwork {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Writers only insert and remove: nothing is left half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new member, reached under its peer id.
    pub fn join(&self, meter: MeterId, peer: Vec<u8>, registry: Arc<Registry>) -> Member {
        let (inbox, heard) = mpsc::channel(WAITING);
        self.tables().inboxes.insert(peer, inbox);
        Member {
            loopback: self.clone(),
            meter,
            registry,
            heard: tokio::sync::Mutex::new(heard),
        }
    }
}

/// One meter's way to the others.
pub struct Member {
    loopback: LoopbackNetwork,
    meter: MeterId,
    registry: Arc<Registry>,
    heard: tokio::sync::Mutex<mpsc::Receiver<(SignedRequest, Replier)>>,
}

impl Member {
    fn relies_on(&self, record: &SignedRecord) -> bool {
        record.expires_at() >= self.registry.chain_time()
            && self.registry.check(record) == Verdict::Holds
    }
}

impl Discovery for Member {
    async fn announce(
        &self,
        location: Location,
        record: Arc<SignedRecord>,
    ) -> Result<(), NetworkError> {
        let offer = matches!(record.record, Record::Offer(_));
        let named = (location, self.meter, offer);
        self.loopback.tables().records.insert(named, record);
        Ok(())
    }

    async fn withdraw(&self, location: Location) {
        let mut tables = self.loopback.tables();
        for offer in [false, true] {
            tables.records.remove(&(location, self.meter, offer));
        }
    }

    async fn lookup(&self, locations: Vec<Location>, _within: Duration) -> Found {
        let mut newest: BTreeMap<(MeterId, bool), Arc<SignedRecord>> = BTreeMap::new();
        let there: Vec<_> = {
            let tables = self.loopback.tables();
            let at = |(named, _): &(&Named, _)| locations.contains(&named.0);
            let there = tables.records.iter().filter(at);
            there.map(|(n, r)| ((n.1, n.2), Arc::clone(r))).collect()
        };
        for (named, record) in there {
            let known = newest.get(&named).map(|known| known.sequence());
            if known < Some(record.sequence()) && self.relies_on(&record) {
                newest.insert(named, record);
            }
        }
        Found {
            records: newest.into_values().collect(),
            complete: true,
        }
    }
}

impl Peers for Member {
    async fn ask(
        &self,
        peer: Vec<u8>,
        request: SignedRequest,
        within: Duration,
    ) -> Result<TradeAnswer, NetworkError> {
        let silent = || NetworkError::Silent("it is not there or answers nothing".to_owned());
        let inbox = self.loopback.tables().inboxes.get(&peer).cloned();
        let (to, answer) = oneshot::channel();
        let replier: Replier = Box::new(move |answer| {
            // Who asked may have given up.
            let _ = to.send(answer);
        });
        let heard = inbox.ok_or_else(silent)?.try_send((request, replier));
        heard.map_err(|_| silent())?;
        let answer = tokio::time::timeout(within, answer).await;
        answer.map_err(|_| silent())?.map_err(|_| silent())
    }

    async fn next_request(&self) -> Option<(SignedRequest, Replier)> {
        self.heard.lock().await.recv().await
    }
}
