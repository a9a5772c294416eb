//! Homes of a neighbourhood: keys, meters, a table of records and talk, journals that outlive their agents.

use crate::chain::{Chain, LEN};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use wattpool_core::context::{Identity, Market};
use wattpool_core::io::{BlockRef, Gate, JournalEntry, Millis, Notice, Reading};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::{GridGate, History, Journal, JournalError, Meter, MeterError};
use wattpool_core::ports::network::{Discovery, Found, NetworkError, Peers, Replier};
use wattpool_core::ports::{MeterInfo, Signer};
use wattpool_core::timing::Timing;
use wattpool_runtime::{Ended, Handle, Ports, Registry, RunError, Runtime, Settings};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{Location, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::pool::{MeterKind, Tariffs};
use wattpool_schema::{AgentKey, MeterId, Seconds, Signature, Wh, Window, Zone};

pub const fn meter(n: u8) -> MeterId {
    MeterId([n; 16])
}

pub fn info(n: u8) -> (MeterId, MeterInfo) {
    let mut agent = AgentKey::default();
    agent.0.fill(n);
    let info = MeterInfo {
        agent,
        zone: Zone(0),
        kind: MeterKind::Pv,
        max_export: Wh(1_000_000),
        max_import: Wh(1_000_000),
    };
    (meter(n), info)
}

/// Signs with a checksum that depends on the key.
struct Keys(u8);

fn checksum(key: &[u8], bytes: &[u8]) -> Signature {
    let mut signature = Signature::default();
    let hash = key.iter().chain(bytes).fold(7u64, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
    });
    signature.0[..8].copy_from_slice(&hash.to_be_bytes());
    signature
}

impl Signer for Keys {
    fn sign_device(&self, bytes: &[u8]) -> Signature {
        checksum(b"device", bytes)
    }
    fn sign_agent(&self, bytes: &[u8]) -> Signature {
        checksum(&info(self.0).1.agent.0, bytes)
    }
    fn verify_agent(&self, key: &AgentKey, bytes: &[u8], signature: &Signature) -> bool {
        checksum(&key.0, bytes) == *signature
    }
    fn salt(&self, window: Window) -> [u8; 16] {
        u128::from(window.0).to_be_bytes()
    }
}

type Ear = mpsc::Sender<(SignedRequest, Replier)>;

/// Everybody's records and open ears.
#[derive(Default)]
pub struct Town {
    records: Mutex<BTreeMap<(Location, MeterId), Arc<SignedRecord>>>,
    ears: Mutex<BTreeMap<Vec<u8>, Ear>>,
}

impl Town {
    pub fn records(&self) -> usize {
        self.records.lock().unwrap().len()
    }
}

pub struct Peer {
    town: Arc<Town>,
    me: MeterId,
    heard: tokio::sync::Mutex<mpsc::Receiver<(SignedRequest, Replier)>>,
}

impl Discovery for Peer {
    async fn announce(&self, at: Location, record: Arc<SignedRecord>) -> Result<(), NetworkError> {
        self.town
            .records
            .lock()
            .unwrap()
            .insert((at, self.me), record);
        Ok(())
    }
    async fn withdraw(&self, at: Location) {
        self.town.records.lock().unwrap().remove(&(at, self.me));
    }
    async fn lookup(&self, locations: Vec<Location>, _: Duration) -> Found {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let records = self.town.records.lock().unwrap();
        let found = records
            .iter()
            .filter(|((at, from), _)| locations.contains(at) && *from != self.me);
        Found {
            records: found.map(|(_, record)| Arc::clone(record)).collect(),
            complete: true,
        }
    }
}

impl Peers for Peer {
    async fn ask(
        &self,
        peer: Vec<u8>,
        request: SignedRequest,
        within: Duration,
    ) -> Result<TradeAnswer, NetworkError> {
        let silent = || NetworkError::Silent("nobody there".into());
        let ear = self.town.ears.lock().unwrap().get(&peer).cloned();
        let (to, answer) = oneshot::channel();
        let replier: Replier = Box::new(move |answer| {
            let _ = to.send(answer);
        });
        ear.ok_or_else(silent)?
            .send((request, replier))
            .await
            .map_err(|_| silent())?;
        let answer = tokio::time::timeout(within, answer).await;
        answer.map_err(|_| silent())?.map_err(|_| silent())
    }
    async fn next_request(&self) -> Option<(SignedRequest, Replier)> {
        self.heard.lock().await.recv().await
    }
}

/// A meter whose registers rise by the same amounts in each window.
#[derive(Default)]
pub struct Steady {
    pub import: u64,
    pub export: u64,
    pub silent: Mutex<bool>,
}

impl Meter for Steady {
    async fn registers(&self, end_of: Window) -> Result<Reading, MeterError> {
        if *self.silent.lock().unwrap() {
            return Err(MeterError::Silent("the cable is out".into()));
        }
        let windows = end_of.0 - 999_000;
        Ok(Reading {
            window: end_of,
            taken_at: end_of.end(LEN),
            import_register: Wh(self.import * windows),
            export_register: Wh(self.export * windows),
            power_w: None,
        })
    }
}

#[derive(Default)]
pub struct Gates(pub Mutex<Vec<Gate>>);

impl GridGate for Gates {
    fn set(&self, gate: Gate) {
        self.0.lock().unwrap().push(gate);
    }
}

/// A journal that outlives its agent, and can be made to fail.
#[derive(Clone, Default)]
pub struct Paper {
    pub entries: Arc<Mutex<Vec<JournalEntry>>>,
    pub full: Arc<Mutex<bool>>,
    pub noted: Arc<Mutex<(Option<u64>, Vec<MarketEvent>)>>,
}

impl Journal for Paper {
    fn append(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        if *self.full.lock().unwrap() {
            return Err(JournalError {
                file: "paper".into(),
                why: "it is full".into(),
            });
        }
        self.entries.lock().unwrap().push(entry.clone());
        Ok(())
    }
    fn entries(&self) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(self.entries.lock().unwrap().clone())
    }
    fn prune(&mut self, before: Window) -> Result<(), JournalError> {
        let mut entries = self.entries.lock().unwrap();
        let mut keep = wattpool_core::io::of_use(&entries, before).into_iter();
        entries.retain(|_| keep.next().unwrap());
        Ok(())
    }
}

impl History for Paper {
    fn noted_to(&self) -> Result<Option<u64>, JournalError> {
        Ok(self.noted.lock().unwrap().0)
    }
    fn set_noted_to(&mut self, height: u64) -> Result<(), JournalError> {
        self.noted.lock().unwrap().0 = Some(height);
        Ok(())
    }
    fn note_events(&mut self, _: BlockRef, events: &[MarketEvent]) -> Result<(), JournalError> {
        self.noted.lock().unwrap().1.extend(events.iter().cloned());
        Ok(())
    }
    fn note_tariffs(&mut self, _: Window, _: Tariffs) -> Result<(), JournalError> {
        Ok(())
    }
    fn note(&mut self, _: Seconds, _: &Notice) -> Result<(), JournalError> {
        Ok(())
    }
}

pub struct Home {
    pub handle: Handle,
    pub gate: Arc<Gates>,
    pub running: JoinHandle<Result<Ended, RunError>>,
}

/// Starts home `n`'s agent.
pub fn start(
    n: u8,
    chain: &Arc<Chain>,
    town: &Arc<Town>,
    meter: Arc<Steady>,
    paper: &Paper,
) -> Home {
    let market = Arc::new(Market::new(
        "chain-1".into(),
        "pool".into(),
        "escrow".into(),
        LEN,
        Timing::for_chain(LEN, 5_000, 150),
    ));
    let (id, info) = info(n);
    let signer: Arc<dyn Signer + Send + Sync> = Arc::new(Keys(n));
    let registry = Arc::new(Registry::new(Arc::clone(&signer)));
    let (ear, heard) = mpsc::channel(8);
    town.ears.lock().unwrap().insert(vec![n], ear);
    let gate = Arc::new(Gates::default());
    let settings = Settings {
        identity: Identity {
            meter: id,
            zone: info.zone,
            kind: info.kind,
            max_export: Wh(5_000),
            max_import: Wh(5_000),
            peer: vec![n],
        },
        market,
        policy: Policy::default(),
        // Years off: it must not matter.
        started_at: Millis(u64::from(n)),
    };
    let ports = Ports {
        ledger: Arc::clone(chain),
        network: Arc::new(Peer {
            town: Arc::clone(town),
            me: id,
            heard: tokio::sync::Mutex::new(heard),
        }),
        meter,
        gate: Arc::clone(&gate) as Arc<dyn GridGate>,
        journal: Box::new(paper.clone()),
        history: Box::new(paper.clone()),
        signer,
    };
    let (runtime, handle) = Runtime::new(settings, ports, registry);
    Home {
        handle,
        gate,
        running: tokio::spawn(runtime.run()),
    }
}

/// Lets the (paused) time go by.
pub async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
