//! Whether a record of the network is genuine: judged once, by one rule, wherever it comes in.

use crate::ports::{Registry, Signer};
use std::ops::Deref;
use std::sync::Arc;
use wattpool_schema::peer::{Record, SignedBinding, SignedRecord, MAX_PEER_ID};
use wattpool_schema::{Zone, RECORD_VERSION};

/// What the chain's registry, as last seen, says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its meter is in service in the zone that it names, and the meter's agent signed it.
    Holds,
    /// There is no such meter with an agent, or in another zone. The registry as last seen may be behind: nobody is to
    /// be blamed for it.
    Unknown,
    /// The meter's agent did not sign it.
    Forged,
}

/// Judges a record: its meter is in service in the zone that it names, its peer id has a possible length, and the
/// meter's agent signed it. Version, network and expiry are for [`admissible`] and the reader.
pub fn judge(record: &SignedRecord, registry: &dyn Registry, signer: &dyn Signer) -> Verdict {
    let (zone, peer) = match &record.record {
        Record::Offer(o) => (o.zone, o.peer.len()),
        Record::Status(s) => (s.zone, 0),
    };
    let meter = registry.meter(&record.meter());
    match meter.filter(|m| m.zone == zone && peer <= MAX_PEER_ID) {
        None => Verdict::Unknown,
        Some(m) if signer.verify_agent(&m.agent, &record.sign_bytes(), &record.signature) => {
            Verdict::Holds
        }
        Some(_) => Verdict::Forged,
    }
}

/// Judges whether a meter in service has bound a peer id to itself; its zone if it has. Version, network and expiry are
/// for the reader.
///
/// # Errors
/// [`Verdict::Unknown`]: no such meter with an agent. [`Verdict::Forged`]: its agent did not sign it.
pub fn judge_binding(
    binding: &SignedBinding,
    registry: &dyn Registry,
    signer: &dyn Signer,
) -> Result<Zone, Verdict> {
    let meter = registry.meter(&binding.binding.meter);
    let meter = meter.filter(|_| binding.binding.peer.len() <= MAX_PEER_ID);
    let meter = meter.ok_or(Verdict::Unknown)?;
    let bytes = binding.binding.sign_bytes();
    if signer.verify_agent(&meter.agent, &bytes, &binding.signature) {
        Ok(meter.zone)
    } else {
        Err(Verdict::Forged)
    }
}

/// Of this version and of the named network ([`crate::context::Market::network`]).
pub fn admissible(record: &SignedRecord, network: &str) -> bool {
    record.version() == RECORD_VERSION && record.network() == network
}

/// A record that was judged and holds. The agent takes no other.
#[derive(Clone, Debug, PartialEq)]
pub struct Genuine(Arc<SignedRecord>);

impl Genuine {
    /// Judges a record.
    ///
    /// # Errors
    /// The verdict, when it does not hold.
    pub fn judged(
        record: Arc<SignedRecord>,
        registry: &dyn Registry,
        signer: &dyn Signer,
    ) -> Result<Self, Verdict> {
        match judge(&record, registry, signer) {
            Verdict::Holds => Ok(Self(record)),
            other => Err(other),
        }
    }

    /// Takes a record from a store that gives only what [`judge`] let pass, as every table of records does: it is not
    /// judged a second time.
    pub const fn vouched(record: Arc<SignedRecord>) -> Self {
        Self(record)
    }
}

impl Deref for Genuine {
    type Target = SignedRecord;
    fn deref(&self) -> &SignedRecord {
        &self.0
    }
}
