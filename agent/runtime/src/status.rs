//! What the agent is at, as its owner sees it.

use crate::health::Health;
use serde::Serialize;
use wattpool_core::agent::Snapshot;
use wattpool_core::io::{BlockRef, Gate, Notice};
use wattpool_core::policy::Policy;
use wattpool_schema::{MeterId, Seconds, Wh, Zone};

/// Counted since the agent started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Blocks followed.
    pub blocks: u64,
    /// Windows opened.
    pub windows: u64,
    /// Windows that had passed before the agent could open them.
    pub windows_missed: u64,
    /// Readings taken from the meter.
    pub readings: u64,
    /// Readings that were not believed.
    pub readings_refused: u64,
    /// Transactions submitted.
    pub transactions: u64,
    /// Of these in a block and accepted.
    pub transactions_done: u64,
    /// Of these refused.
    pub transactions_refused: u64,
    /// Of these of unknown outcome.
    pub transactions_lost: u64,
    /// Look-ups ended.
    pub lookups: u64,
    /// Of these cut short by the deadline.
    pub lookups_partial: u64,
    /// Records found in look-ups.
    pub records_found: u64,
    /// Records published.
    pub announcements: u64,
    /// Requests sent to other meters.
    pub requests_sent: u64,
    /// Of these answered.
    pub answers: u64,
    /// Requests of other meters.
    pub requests_received: u64,
    /// Approvals given.
    pub approvals: u64,
    /// Purchases on the chain.
    pub purchases: u64,
    /// Wh bought.
    pub bought_wh: u64,
    /// Sales on the chain.
    pub sales: u64,
    /// Wh sold, as they arrived.
    pub sold_wh: u64,
    /// Wh that the grid supplied for want of offers.
    pub grid_wh: u64,
    /// Entries written to the journal.
    pub journal_entries: u64,
}

/// A trade that waits for the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Awaiting {
    /// Its number for the decision.
    pub request: u64,
    /// The other side.
    pub partner: MeterId,
    /// How much.
    pub wh: Wh,
}

/// Something the agent told its owner.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Noticed {
    /// Block time, as well as it is known.
    pub at: Seconds,
    /// What.
    pub notice: Notice,
}

/// State of a running agent.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The meter.
    pub meter: MeterId,
    /// Its zone.
    pub zone: Zone,
    /// What works.
    pub health: Health,
    /// The last block followed.
    pub block: BlockRef,
    /// Meters in service.
    pub meters: usize,
    /// The gate to the national grid.
    pub gate: Gate,
    /// The running window.
    pub window: Snapshot,
    /// The owner's policy in force.
    pub policy: Policy,
    /// Trades that wait for the owner.
    pub awaiting: Vec<Awaiting>,
    /// The last things the owner was told, oldest first.
    pub notices: Vec<Noticed>,
    /// Counted since the start.
    pub counters: Counters,
}
