//! The agent's ports.
//!
//! [`Signer`] and [`Registry`] are what the core needs while it thinks: synchronous, without side effects. What it
//! wants done in the world goes out as [`crate::io::Command`]s; a runtime carries them out through the ports of
//! [`ledger`], [`network`] and [`home`], each with an adapter per world.

pub mod home;
pub mod ledger;
pub mod network;

use crate::lines::Lines;
use wattpool_schema::escrow::TINY_TRADE;
use wattpool_schema::event::TradeClosed;
use wattpool_schema::pool::MeterKind;
use wattpool_schema::{AgentKey, MeterId, Signature, Wh, Window, Zone};

/// Keys of this meter, and checking of others' signatures.
pub trait Signer {
    /// Device key: over a statement's or cover's bytes.
    fn sign_device(&self, bytes: &[u8]) -> Signature;
    /// Agent key: over SHA-256 of approvals, records and requests.
    fn sign_agent(&self, bytes: &[u8]) -> Signature;
    /// Whether an agent key signed these bytes.
    fn verify_agent(&self, key: &AgentKey, bytes: &[u8], signature: &Signature) -> bool;
    /// The fresh salt of a window's commitment; secret, the same when asked again.
    fn salt(&self, window: Window) -> [u8; 16];
}

/// The chain's registry of meters, as last seen.
pub trait Registry {
    /// A meter in service; `None` if there is none of this id or it has no agent.
    fn meter(&self, id: &MeterId) -> Option<MeterInfo>;
    /// The plan of the lines and the weather, where the grid operator publishes one.
    fn lines(&self) -> Option<&dyn Lines>;
    /// Wh that may still arrive over a zone pair of limited capacity in the traded window, from the
    /// deliveries seen on the chain; none where that is not followed.
    fn capacity_left(&self, from: Zone, to: Zone) -> Option<Wh>;
    /// A seller's record on the chain.
    fn record(&self, id: &MeterId) -> SellerRecord;
    /// Wh that the meters of a zone have minted in the traded window so far; none where it was not followed from its beginning.
    fn minted(&self, zone: Zone) -> Option<Wh>;
    /// What a meter has bought in the traded window, as far as it was followed.
    fn purchases(&self, id: &MeterId) -> Purchases;
}

/// What a meter has bought in the traded window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purchases {
    /// Arrived, Wh.
    pub bought: Wh,
    /// Import that its device has signed for, Wh.
    pub covered: Wh,
}

impl Purchases {
    /// A need is shown that is not covered by purchases.
    pub fn wants_more(&self) -> bool {
        self.covered > self.bought
    }
}

/// What trading needs to know of another meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterInfo {
    /// Its agent's key.
    pub agent: AgentKey,
    /// Its zone.
    pub zone: Zone,
    /// What stands behind it.
    pub kind: MeterKind,
    /// Largest export per window that it is registered for.
    pub max_export: Wh,
    /// Largest import per window that it is registered for.
    pub max_import: Wh,
}

/// A seller's record on the chain, Wh-weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SellerRecord {
    /// Closed sales.
    pub sales: u64,
    /// Asked and not declined, Wh.
    pub asked_wh: u64,
    /// Arrived, Wh.
    pub arrived_wh: u64,
}

impl SellerRecord {
    /// Counts a closed trade to its seller, as the chain's statistics do: what the buyer declined was not
    /// asked for, and tiny trades do not count.
    pub fn count(&mut self, trade: &TradeClosed) {
        if trade.asked.saturating_sub(trade.declined) < TINY_TRADE {
            return;
        }
        self.sales = self.sales.saturating_add(1);
        self.asked_wh = self
            .asked_wh
            .saturating_add(trade.arrived.0.saturating_add(trade.missed.0));
        self.arrived_wh = self.arrived_wh.saturating_add(trade.arrived.0);
    }
}
