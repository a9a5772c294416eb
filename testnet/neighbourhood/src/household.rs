//! Who lives in the street: keys and names, the same in every run.

use anyhow::Result;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use wattpool_keys::SoftKeys;
use wattpool_ledger_wasmd::Key;
use wattpool_rules::payment::payment;
use wattpool_scenario::model::{HomeKind, Neighbourhood};
use wattpool_schema::pool::MeterKind;
use wattpool_schema::{MeterId, Micro, Price, Wh};

use crate::street::{net, tariffs};

/// A home with its meter and its keys.
pub struct Household {
    /// Place in the neighbourhood.
    pub number: usize,
    /// The meter's pseudonym.
    pub meter: MeterId,
    /// The device's and the agent's keys.
    pub keys: Arc<SoftKeys>,
    /// What the owner puts into the escrow.
    pub deposit: Micro,
    /// Largest import and export per window that the meter is registered for.
    pub most: (Wh, Wh),
    /// What stands behind the meter.
    pub kind: MeterKind,
}

fn secret(role: &str, number: usize) -> [u8; 32] {
    Sha256::digest(format!("a home on a throw-away chain: {role} {number}")).into()
}

impl Household {
    /// All households of a neighbourhood.
    ///
    /// # Errors
    /// A payment does not fit.
    pub fn all(n: &Neighbourhood) -> Result<Vec<Self>> {
        (0..n.homes.len())
            .map(|number| Self::new(n, number))
            .collect()
    }

    fn new(n: &Neighbourhood, number: usize) -> Result<Self> {
        let home = &n.homes[number];
        let keys = SoftKeys::new(
            secret("device", number),
            secret("agent", number),
            secret("salt", number),
        )?;
        let mut meter = [0; 16];
        meter.copy_from_slice(&secret("meter", number)[..16]);
        let import = Price(tariffs(n).0 .0.max(0).unsigned_abs());
        let (mut deposit, mut most) = (1_000_000, (0, 0));
        for window in 0..n.windows {
            let (imports, exports) = net(home, window);
            // Twice what the grid would take: the run is about energy, not credit.
            deposit += 2 * payment(Wh(imports), import)?.0;
            most = (most.0.max(imports), most.1.max(exports));
        }
        Ok(Self {
            number,
            meter: MeterId(meter),
            keys: Arc::new(keys),
            deposit: Micro(deposit),
            most: (Wh(most.0 + 1), Wh(most.1 + 1)),
            kind: match home.kind {
                HomeKind::Pv => MeterKind::Pv,
                HomeKind::Wind => MeterKind::Wind,
                HomeKind::Battery => MeterKind::Battery,
                HomeKind::Mixed => MeterKind::Mixed,
                HomeKind::Consumer => MeterKind::Consumer,
            },
        })
    }

    /// The owner's account, which is not the device's.
    ///
    /// # Errors
    /// The prefix cannot stand in an address.
    pub fn owner(&self, prefix: &str) -> Result<Key> {
        Ok(Key::from_bytes(&secret("owner", self.number), prefix)?)
    }

    /// The agent's account.
    ///
    /// # Errors
    /// The prefix cannot stand in an address.
    pub fn agent(&self, prefix: &str) -> Result<Key> {
        Ok(Key::from_bytes(&secret("agent", self.number), prefix)?)
    }
}
