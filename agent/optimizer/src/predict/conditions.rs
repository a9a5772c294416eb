//! What is known when a trade is asked for, and the features made of it.

use serde::{Deserialize, Serialize};

/// Number of features.
pub(super) const FEATURES: usize = 10;

/// The features of a request: each within about −3 to 3, the first one always 1.
pub(super) type Features = [f64; FEATURES];

/// The feature that says what the seller's record on the chain promises, relative to a seller without one.
pub(super) const RECORD: usize = 7;

/// Beyond this share of a block interval the next block may come before the answer does.
const LATE: f64 = 0.7;

/// A record counts as much as the prior once so many Wh were asked of the seller.
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
    /// Share of the seller's energy that is lost on the way, contractual and estimated: how far it is.
    pub lost: f64,
    /// Temperature of the air, °C, where a weather feed is known.
    pub air_c: Option<f64>,
    /// Share of the supply in supply and demand as seen, in `[0, 1]`; 0.5 where nothing is known.
    pub supply: f64,
    /// The seller's record on the chain.
    pub record: Record,
    /// Share of a block interval since the last block seen, from 0.
    pub block_age: f64,
}

impl Record {
    /// Share that arrived of what was asked, shrunk towards that of a seller without a record.
    pub(super) fn quality(&self) -> f64 {
        (self.arrived_wh as f64 + RECORD_WH * RECORD_QUALITY) / (self.asked_wh as f64 + RECORD_WH)
    }
}

impl Conditions {
    pub(super) fn features(&self) -> Features {
        let day = (self.at_s % 86_400) as f64 / 86_400.0;
        let age = self.block_age.min(1.0);
        let angle = std::f64::consts::TAU * day;
        [
            1.0,
            bounded(libm::log10((self.amount_wh as f64 + 1.0) / 300.0)),
            bounded(20.0 * self.lost),
            libm::sin(angle),
            libm::cos(angle),
            bounded(self.air_c.map_or(0.0, |air| (air - 15.0) / 10.0)),
            bounded(2.0 * self.supply - 1.0),
            bounded(self.record.quality() - RECORD_QUALITY),
            bounded(2.0 * age - 1.0),
            bounded(5.0 * (age - LATE).max(0.0)),
        ]
    }
}

/// Keeps a feature from being anything that one request could move the model far with.
fn bounded(x: f64) -> f64 {
    if x.is_finite() {
        x.clamp(-3.0, 3.0)
    } else {
        0.0
    }
}
