//! Homes whose agents do not keep to the rules: `[attackers]` of a scenario.

use serde::{Deserialize, Serialize};

/// Homes that attack, drawn from the run's seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attackers {
    /// Share of the homes, in `[0, 1]`: to the nearest home, but at least one where it is above zero.
    pub share: f64,
    /// What they do.
    pub attack: Attack,
}

/// What attackers do with the keys of their own agent and the money of their own owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attack {
    /// They announce the largest need that they are registered for, whatever they need: prices should rise.
    FalseNeed,
    /// They announce the largest surplus that they are registered for: prices should fall.
    FalseSurplus,
    /// They offer the most they are registered for at the lowest price, whatever they have, and have no more than they have.
    FalseOffers,
    /// They ask every seller for all they may import, and settle nothing: energy is held for them.
    Hoarding,
    /// As sellers they approve, and their owner passes the tokens on before the buyer can settle.
    Defaulting,
    /// They take standing orders on both sides, and neither deliver, show their import, cancel nor close.
    BreakingOrders,
    /// They trade with each other alone, and let everybody else's questions lapse or be denied.
    Clique,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::FalseNeed,
        Self::FalseSurplus,
        Self::FalseOffers,
        Self::Hoarding,
        Self::Defaulting,
        Self::BreakingOrders,
        Self::Clique,
    ];
}
