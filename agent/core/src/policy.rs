//! What the owner allows the agent to do (FR-14). The money limits among these are also set on the
//! chain by the owner's key ([`wattpool_schema::escrow::Limits`]), out of the agent's reach.

use serde::{Deserialize, Serialize};
pub use wattpool_optimizer::Weights as FactorWeights;
use wattpool_schema::{Micro, Price, Wh};

/// Hours of the UTC day in which trading is allowed: `[from, to)`, wrapping at midnight when `from > to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// First hour, 0–23.
    pub from: u8,
    /// Hour before which it ends, 0–24.
    pub to: u8,
}

/// How an offer is chosen among those that passed the owner's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Meters (hex) to ask first.
    pub preferred: Vec<String>,
    /// Meters (hex) never to trade with.
    pub blocked: Vec<String>,
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
            preferred: Vec::new(),
            blocked: Vec::new(),
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

impl Policy {
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
