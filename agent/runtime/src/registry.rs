//! The chain's registry of meters as last seen: loaded once, then kept by the chain's events.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use wattpool_core::io::BlockRef;
use wattpool_core::ports::network::{RecordCheck, Verdict};
use wattpool_core::ports::{MeterInfo, Registry as RegistryPort, SellerRecord, Signer};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{Record, SignedRecord, MAX_PEER_ID};
use wattpool_schema::{MeterId, Seconds, Zone, RECORD_VERSION};

/// A seller's record, with the height up to which it counts.
#[derive(Clone, Copy, Debug)]
struct Known {
    record: SellerRecord,
    as_of: u64,
}

#[derive(Default)]
struct Tables {
    meters: BTreeMap<MeterId, MeterInfo>,
    sellers: BTreeMap<MeterId, Known>,
    block: BlockRef,
}

/// Meters in service and the records of sellers met. Also what a record of the network is checked against.
pub struct Registry {
    network: String,
    signer: Arc<dyn Signer + Send + Sync>,
    tables: RwLock<Tables>,
}

impl Registry {
    /// An empty one: until the chain has answered no meter is known and no record holds. `network` is
    /// [`wattpool_core::context::Market::network`].
    pub fn new(network: String, signer: Arc<dyn Signer + Send + Sync>) -> Self {
        Self {
            network,
            signer,
            tables: RwLock::default(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        // Writers only insert and remove: nothing is left half-changed.
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the chain's list of meters.
    pub(crate) fn load(&self, meters: Vec<(MeterId, MeterInfo)>) {
        self.write().meters = meters.into_iter().collect();
    }

    pub(crate) fn knows_seller(&self, id: &MeterId) -> bool {
        self.read().sellers.contains_key(id)
    }

    /// Takes a seller's record, which counts all blocks up to `as_of`.
    pub(crate) fn learn_seller(&self, id: MeterId, record: SellerRecord, as_of: u64) {
        self.write().sellers.insert(id, Known { record, as_of });
    }

    /// The newest block; records that expired before it hold no more.
    pub(crate) fn see(&self, block: BlockRef) {
        let mut tables = self.write();
        tables.block = tables.block.max(block);
    }

    /// Follows what happened in a block. False: the event does not tell enough, the list must be loaded again.
    pub(crate) fn follow(&self, block: BlockRef, event: &MarketEvent) -> bool {
        match event {
            MarketEvent::TradeClosed(trade) => {
                let mut tables = self.write();
                let known = tables.sellers.get_mut(&trade.seller);
                if let Some(known) = known.filter(|k| k.as_of < block.height) {
                    known.record.count(trade);
                }
            }
            MarketEvent::MeterRegistered(m) => {
                // It trades once its owner names an agent.
                self.write().meters.remove(&m.meter);
            }
            MarketEvent::MeterUpdated(m) => {
                if let Some(info) = self.write().meters.get_mut(&m.meter) {
                    info.zone = m.zone;
                    info.kind = m.kind;
                }
            }
            MarketEvent::MeterRetired(m) => {
                self.write().meters.remove(&m.meter);
            }
            MarketEvent::AgentSet(m) => {
                let mut tables = self.write();
                match m.agent {
                    Some(agent) => {
                        let info = MeterInfo {
                            agent,
                            zone: m.zone,
                            kind: m.kind,
                        };
                        tables.meters.insert(m.meter, info);
                    }
                    None => {
                        tables.meters.remove(&m.meter);
                    }
                }
            }
            _ => {}
        }
        true
    }

    /// Meters in service per zone, ascending.
    pub(crate) fn zones(&self) -> Vec<(Zone, u64)> {
        let mut zones = BTreeMap::new();
        for info in self.read().meters.values() {
            let count: &mut u64 = zones.entry(info.zone).or_default();
            *count = count.saturating_add(1);
        }
        zones.into_iter().collect()
    }

    /// Number of meters in service.
    pub fn meters(&self) -> usize {
        self.read().meters.len()
    }
}

impl RegistryPort for Registry {
    fn meter(&self, id: &MeterId) -> Option<MeterInfo> {
        self.read().meters.get(id).copied()
    }
    fn record(&self, id: &MeterId) -> SellerRecord {
        let known = self.read().sellers.get(id).copied();
        known.map(|k| k.record).unwrap_or_default()
    }
}

impl RecordCheck for Registry {
    fn check(&self, signed: &SignedRecord) -> Verdict {
        let (zone, peer) = match &signed.record {
            Record::Offer(o) => (o.zone, o.peer.len()),
            Record::Status(s) => (s.zone, 0),
        };
        match RegistryPort::meter(self, &signed.meter()) {
            Some(m) if m.zone == zone && peer <= MAX_PEER_ID => {
                let bytes = signed.sign_bytes();
                if self
                    .signer
                    .verify_agent(&m.agent, &bytes, &signed.signature)
                {
                    Verdict::Holds
                } else {
                    Verdict::Forged
                }
            }
            _ => Verdict::Unknown,
        }
    }
}

impl Registry {
    /// Whether a record can be relied on now: of this network and version, not expired, and signed by its
    /// registered agent.
    pub(crate) fn holds(&self, signed: &SignedRecord) -> bool {
        let now = self.read().block.time;
        signed.version() == RECORD_VERSION
            && signed.network() == self.network
            && signed.expires_at() >= now
            && self.check(signed) == Verdict::Holds
    }

    /// Time of the newest block seen.
    pub fn chain_time(&self) -> Seconds {
        self.read().block.time
    }
}
