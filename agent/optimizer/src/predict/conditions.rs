//! What is known when a trade is asked for, and the features made of it.

use serde::{Deserialize, Serialize};

/// Number of features.
pub(super) const FEATURES: usize = 9;

/// The features of a request: each within about −2 to 2, the first one always 1.
pub(super) type Features = [f64; FEATURES];

/// A record counts once so many Wh were asked of the seller.
const RECORD_WH: f64 = 2_000.0;
/// What a record of nothing looks like.
const RECORD_QUALITY: f64 = 0.95;

/// A seller's record on the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Closed sales.
    pub sales: u64,
    /// Asked and not declined, Wh.
    pub asked_wh: u64,
    /// Arrived, Wh.
    pub arrived_wh: u64,
}

/// The conditions of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Chain time of the request, seconds since the Unix epoch.
    pub at_s: u64,
    /// Wh asked for, of a standing order per window.
    pub amount_wh: u64,
    /// From 0 (the own zone) to 1 (the farthest).
    pub distance: f64,
    /// Clouds, from 0 (clear) to 1 (overcast), where the weather is known.
    pub clouds: Option<f64>,
    /// Share of the supply in supply and demand as seen, in `[0, 1]`; 0.5 where nothing is known.
    pub supply: f64,
    /// The seller's record on the chain.
    pub record: Record,
    /// Share of a block interval since the last block seen, from 0.
    pub block_age: f64,
}

impl Conditions {
    pub(super) fn features(&self) -> Features {
        let day = (self.at_s % 86_400) as f64 / 86_400.0;
        let angle = std::f64::consts::TAU * day;
        let record = (self.record.arrived_wh as f64 + RECORD_WH * RECORD_QUALITY)
            / (self.record.asked_wh as f64 + RECORD_WH);
        [
            1.0,
            bounded(libm::log10((self.amount_wh as f64 + 1.0) / 300.0)),
            bounded(self.distance),
            libm::sin(angle),
            libm::cos(angle),
            bounded(self.clouds.map_or(0.0, |clouds| 2.0 * clouds - 1.0)),
            bounded(2.0 * self.supply - 1.0),
            bounded(10.0 * (record - RECORD_QUALITY)),
            bounded(2.0 * self.block_age.min(1.0) - 1.0),
        ]
    }
}

/// Keeps a feature from being anything that one request could move the model far with.
fn bounded(x: f64) -> f64 {
    if x.is_finite() {
        x.clamp(-2.0, 2.0)
    } else {
        0.0
    }
}
