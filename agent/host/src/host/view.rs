//! What a host shows of itself.

use super::Host;
use crate::status::{Awaiting, Counters, Facts, Noticed};
use wattpool_core::agent::Snapshot;
use wattpool_core::io::{BlockRef, Millis};
use wattpool_core::metering::{Exchange, ReadingProblem};
use wattpool_core::policy::Policy;

impl Host {
    /// What the agent is at.
    pub fn snapshot(&self) -> Snapshot {
        self.agent.snapshot()
    }

    /// The owner's policy in force.
    pub const fn policy(&self) -> &Policy {
        self.agent.policy()
    }

    /// The last block followed.
    pub const fn block(&self) -> BlockRef {
        self.block
    }

    /// Counted since the start.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Trades that wait for the owner.
    pub fn awaiting(&self) -> &[Awaiting] {
        &self.awaiting
    }

    /// What it knows of its agent's health.
    pub fn facts(&self) -> Facts {
        let (live, metered, unstated) = self.agent.standing();
        Facts {
            block: self.block,
            live,
            metered,
            stated: self.stated,
            unstated,
            refused: self.refused.clone(),
        }
    }

    /// Why an exchange of the meter could not be taken.
    ///
    /// # Errors
    /// Its closing registers cannot be right.
    pub fn check_exchange(&self, now: Millis, exchange: &Exchange) -> Result<(), ReadingProblem> {
        self.agent.check_exchange(now, exchange)
    }

    /// Whether a trade of this number waits for the owner.
    pub fn awaits(&self, request: u64) -> bool {
        self.awaiting.iter().any(|a| a.request == request)
    }

    /// The last things the owner was told, oldest first.
    pub fn notices(&self) -> impl Iterator<Item = &Noticed> {
        self.notices.iter()
    }
}
