//! The chain's registry of meters for all tasks of a runtime, and the judge of records that the network asks.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use wattpool_core::genuine::{judge, judge_binding, Verdict};
use wattpool_core::ports::network::RecordCheck;
use wattpool_core::ports::Signer;
use wattpool_host::Meters;
use wattpool_schema::peer::{SignedBinding, SignedRecord};
use wattpool_schema::{Seconds, Wh, Zone};

/// [`Meters`], shared. Also what a record of the network is checked against.
pub struct Registry {
    signer: Arc<dyn Signer + Send + Sync>,
    meters: RwLock<Meters>,
}

impl Registry {
    /// An empty one: until the chain has answered no meter is known and no record holds.
    pub fn new(signer: Arc<dyn Signer + Send + Sync>) -> Self {
        Self {
            signer,
            meters: RwLock::default(),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Meters> {
        // Writers only insert and remove: nothing is left half-changed.
        self.meters.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Meters> {
        self.meters.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of meters in service.
    pub fn meters(&self) -> usize {
        self.read().count()
    }

    /// Wh that may still arrive over a zone pair of limited capacity in the traded window, as far as it is known.
    pub fn capacity_left(&self, from: Zone, to: Zone) -> Option<Wh> {
        wattpool_core::ports::Registry::capacity_left(&*self.read(), from, to)
    }

    /// Time of the newest block seen.
    pub fn chain_time(&self) -> Seconds {
        self.read().chain_time()
    }
}

impl RecordCheck for Registry {
    fn check(&self, record: &SignedRecord) -> Verdict {
        judge(record, &*self.read(), &*self.signer)
    }
    fn check_binding(&self, binding: &SignedBinding) -> Result<Zone, Verdict> {
        judge_binding(binding, &*self.read(), &*self.signer)
    }
}
