//! What the owner allows the agent to do (FR-14). The money limits among these are also set on the
//! chain by the owner's key ([`wattpool_schema::escrow::Limits`]), out of the agent's reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
pub use wattpool_optimizer::Weights as FactorWeights;
use wattpool_schema::{MeterId, Micro, Price, Wh};

/// Hours of the UTC day in which trading is allowed: `[from, to)`, wrapping at midnight when `from > to`. The whole day
/// is no hours at all: `from == to` is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// First hour, 0–23.
    pub from: u8,
    /// Hour before which it ends, 0–24.
    pub to: u8,
}

/// How an offer is chosen among those that passed the owner's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// By the six factors and their weights.
    #[default]
    Factors,
    /// For comparison: the cheapest (price and charge together) until the need is covered.
    Price,
    /// For comparison: the least lost on the way, as far as it can be estimated, until the need is covered.
    Nearest,
    /// For comparison: any, in an order that each buyer draws anew in each window.
    Random,
}

/// The owner's constraints on automatic trading. Absent limits do not bind.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Do not trade for now, whatever else is allowed.
    pub paused: bool,
    /// Sell surplus.
    pub sell: bool,
    /// Buy for deficits.
    pub buy: bool,
    /// Never sell below this, micro-units per kWh.
    pub min_sell_price: Option<Price>,
    /// Never ask more than this, micro-units per kWh.
    pub max_sell_price: Option<Price>,
    /// Never buy above this (price and network charge together), micro-units per kWh.
    pub max_buy_price: Option<Price>,
    /// Added to the computed selling price, per mille.
    pub margin_permille: u32,
    /// Energy bought per UTC day, at most.
    pub max_buy_wh_per_day: Option<Wh>,
    /// Energy sold per UTC day, at most.
    pub max_sell_wh_per_day: Option<Wh>,
    /// Money spent per UTC day, at most.
    pub max_spend_per_day: Option<Micro>,
    /// Hours in which to trade.
    pub hours: Option<Hours>,
    /// Surplus per window that is kept back from sale (it earns the feed-in tariff).
    pub reserve_wh: Wh,
    /// Surplus or deficit below this is left alone.
    pub threshold_wh: Wh,
    /// What is left of a need below this is not worth a trade.
    pub min_trade_wh: Wh,
    /// Meters to ask first.
    pub preferred: BTreeSet<MeterId>,
    /// Meters never to trade with.
    pub blocked: BTreeSet<MeterId>,
    /// Look in other zones only for what the own zone cannot supply.
    pub local_first: bool,
    /// Buy only from renewable kinds (PV, wind).
    pub green_only: bool,
    /// Hold every trade until the owner approves it.
    pub manual_approval: bool,
    /// Open and accept standing orders.
    pub forward: bool,
    /// Sellers of whose promises less than this share is expected to arrive are asked only for what the others
    /// cannot supply; 0 asks all alike.
    pub min_quality: f64,
    /// How to choose; anything but the factors is there for comparison.
    pub selection: Selection,
    /// Weights of the choice.
    pub weights: FactorWeights,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            paused: false,
            sell: true,
            buy: true,
            min_sell_price: None,
            max_sell_price: None,
            max_buy_price: None,
            margin_permille: 0,
            max_buy_wh_per_day: None,
            max_sell_wh_per_day: None,
            max_spend_per_day: None,
            hours: None,
            reserve_wh: Wh(0),
            threshold_wh: Wh(5),
            min_trade_wh: Wh(1),
            preferred: BTreeSet::new(),
            blocked: BTreeSet::new(),
            local_first: false,
            green_only: false,
            manual_approval: false,
            forward: true,
            min_quality: 0.5,
            selection: Selection::Factors,
            weights: FactorWeights::default(),
        }
    }
}

/// A policy that cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy.{key}: expected {expected}, found {found}")]
pub struct BadPolicy {
    /// The key at fault.
    pub key: &'static str,
    /// What was expected.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

/// The largest limit: TOML's, so that every policy can be written as its owner reads it.
const LARGEST: u64 = i64::MAX.unsigned_abs();

impl Policy {
    /// Checks what the types do not; scenario files, configurations and the HTTP API ask nothing else.
    ///
    /// # Errors
    /// Weights or a quality that are no shares of one, hours that are none, limits that are too large or exclude each
    /// other.
    pub fn check(&self) -> Result<(), BadPolicy> {
        let bad = |key, expected, found| {
            Err(BadPolicy {
                key,
                expected,
                found,
            })
        };
        if self.weights.check().is_err() {
            let weights = self.weights.named().map(|(_, weight)| weight);
            let found = format!("{weights:?}, which sum to {}", self.weights.sum());
            return bad("weights", "shares from 0 to 1 that sum to 1", found);
        }
        if let Some(Hours { from, to }) = self.hours {
            if from > 23 || to > 24 || from == to {
                return bad(
                    "hours",
                    "from 0–23 and to 0–24, not the same (leave the key out for the whole day)",
                    format!("from {from} to {to}"),
                );
            }
        }
        if !(0.0..=1.0).contains(&self.min_quality) {
            let found = self.min_quality.to_string();
            return bad("min_quality", "a share from 0 to 1", found);
        }
        let limits = [
            ("min_sell_price", self.min_sell_price.map(|v| v.0)),
            ("max_sell_price", self.max_sell_price.map(|v| v.0)),
            ("max_buy_price", self.max_buy_price.map(|v| v.0)),
            ("max_buy_wh_per_day", self.max_buy_wh_per_day.map(|v| v.0)),
            ("max_sell_wh_per_day", self.max_sell_wh_per_day.map(|v| v.0)),
            ("max_spend_per_day", self.max_spend_per_day.map(|v| v.0)),
            ("reserve_wh", Some(self.reserve_wh.0)),
            ("threshold_wh", Some(self.threshold_wh.0)),
            ("min_trade_wh", Some(self.min_trade_wh.0)),
        ];
        for (key, limit) in limits {
            if let Some(limit) = limit.filter(|limit| *limit > LARGEST) {
                return bad(key, "at most 9223372036854775807", limit.to_string());
            }
        }
        match (self.min_sell_price, self.max_sell_price) {
            (Some(least), Some(most)) if least > most => bad(
                "min_sell_price",
                "at most max_sell_price",
                format!("{least}, above {most}"),
            ),
            _ => Ok(()),
        }
    }

    /// Whether selling is allowed at all.
    pub const fn sells(&self) -> bool {
        self.sell && !self.paused
    }

    /// Whether buying is allowed at all.
    pub const fn buys(&self) -> bool {
        self.buy && !self.paused
    }

    /// Whether trading is allowed at this UTC second of the epoch.
    pub fn hour_allowed(&self, at: wattpool_schema::Seconds) -> bool {
        let Some(hours) = self.hours else { return true };
        let hour = u8::try_from(at.0.checked_div(3600).unwrap_or(0) % 24).unwrap_or(0);
        if hours.from <= hours.to {
            (hours.from..hours.to).contains(&hour)
        } else {
            hour >= hours.from || hour < hours.to
        }
    }
}
