//! What the agent is at, as its owner sees it.

use crate::health::Health;
use serde::Serialize;
use wattpool_core::agent::Snapshot;
use wattpool_core::io::{BlockRef, Gate};
use wattpool_core::policy::Policy;
use wattpool_host::{Awaiting, Counters, Noticed};
use wattpool_schema::{MeterId, Zone};

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
