//! The score of a plan (SRS §3.2.5, table 3 and equation 1): weights, utilities in `[0, 1]`, and `f`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest energy that a need or an offer may name, Wh (1 TWh): sums of a million of them stay in range.
pub const MAX_WH: u64 = 1_000_000_000_000;

/// How far the weights' sum may be from 1.
const WEIGHT_SUM_TOLERANCE: f64 = 1e-9;

/// Two scores closer than this are the same score: rounding is far below it.
pub(crate) const SCORE_TOLERANCE: f64 = 1e-12;

/// Weights of the factors of a trade (SRS table 3). Each is in `[0, 1]`, together they sum to 1;
/// the factor `a` (need covered) multiplies the score and carries no weight of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// `C_s`: little surplus left over at the sellers.
    pub surplus: f64,
    /// `C_e`: transfer efficiency.
    pub efficiency: f64,
    /// `C_t`: short duration.
    pub duration: f64,
    /// `C_q`: expected quality.
    pub quality: f64,
    /// `C_p`: sellers with few past sales first.
    pub participation: f64,
    /// Cheapness, a factor beyond the SRS; 0 leaves its function as written.
    #[serde(default)]
    pub price: f64,
}

impl Weights {
    /// Each of them, with the name of its field.
    pub const fn named(&self) -> [(&'static str, f64); 6] {
        [
            ("weights.surplus", self.surplus),
            ("weights.efficiency", self.efficiency),
            ("weights.duration", self.duration),
            ("weights.quality", self.quality),
            ("weights.participation", self.participation),
            ("weights.price", self.price),
        ]
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.named().iter().map(|(_, weight)| weight).sum()
    }

    /// Checks that each is in `[0, 1]` and that they sum to 1 (within 1e-9).
    ///
    /// # Errors
    /// [`FactorError`] naming the first weight that is not, or their sum.
    pub fn check(&self) -> Result<(), FactorError> {
        for (field, weight) in self.named() {
            // Written so that NaN is refused too.
            if !(0.0..=1.0).contains(&weight) {
                return Err(FactorError::new(field, "a number from 0 to 1", weight));
            }
        }
        let sum = self.sum();
        if (sum - 1.0).abs() > WEIGHT_SUM_TOLERANCE {
            return Err(FactorError::new("weights", "weights that sum to 1", sum));
        }
        Ok(())
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            surplus: 0.25,
            efficiency: 0.25,
            duration: 0.15,
            quality: 0.2,
            participation: 0.15,
            price: 0.0,
        }
    }
}

/// What is known or predicted of an offer apart from its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// `e`: share of the sent energy that arrives, in `(0, 1]`.
    pub efficiency: f64,
    /// `t`: predicted chain seconds from the request to the last chunk, above zero.
    pub duration_s: f64,
    /// `q`: predicted quality, in `[0, 1]`.
    pub quality: f64,
    /// `p`: trades in which the seller sold before.
    pub past_sales: u64,
    /// Price and charge together, micro-units per kWh; only needed when `Weights::price` is above zero.
    pub price: Option<u64>,
}

/// A weight, a scale or a factor outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field}: expected {expected}, got {got}")]
pub struct FactorError {
    /// Name of the offending field.
    pub field: &'static str,
    /// What would be accepted.
    pub expected: &'static str,
    /// What was found.
    pub got: String,
}

impl FactorError {
    pub(crate) fn new(field: &'static str, expected: &'static str, got: impl ToString) -> Self {
        Self {
            field,
            expected,
            got: got.to_string(),
        }
    }
}

/// Checked weights and scales: turns the factors of an offer into its value `v`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scoring {
    weights: Weights,
    duration_scale_s: f64,
    participation_scale: f64,
    price_reference: u64,
}

impl Scoring {
    /// Default scale `T` of the duration utility, seconds.
    pub const DURATION_SCALE_S: f64 = 900.0;
    /// Default scale `P` of the participation utility, sales.
    pub const PARTICIPATION_SCALE: f64 = 20.0;

    /// Checks weights and scales.
    ///
    /// `price_reference` is the price (micro-units per kWh) at which the price utility reaches zero,
    /// usually the buyer's ceiling; it is without effect while `weights.price` is zero.
    ///
    /// # Errors
    /// [`FactorError`] naming the first weight outside `[0, 1]`, a sum other than 1 (within 1e-9), or
    /// a scale that is not a finite number above zero.
    pub fn new(
        weights: Weights,
        duration_scale_s: f64,
        participation_scale: f64,
        price_reference: u64,
    ) -> Result<Self, FactorError> {
        weights.check()?;
        for (field, scale) in [
            ("duration_scale_s", duration_scale_s),
            ("participation_scale", participation_scale),
        ] {
            if !(scale.is_finite() && scale > 0.0) {
                return Err(FactorError::new(field, "a finite number above 0", scale));
            }
        }
        Ok(Self {
            weights,
            duration_scale_s,
            participation_scale,
            price_reference,
        })
    }

    /// The weights it was made with.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Checks an offer's factors.
    ///
    /// # Errors
    /// [`FactorError`] naming the factor that is out of range, or `price` where the price has a
    /// weight and is missing.
    pub fn check(&self, factors: &Factors) -> Result<(), FactorError> {
        if !(factors.efficiency > 0.0 && factors.efficiency <= 1.0) {
            return Err(FactorError::new(
                "efficiency",
                "a number above 0 and at most 1",
                factors.efficiency,
            ));
        }
        if !(factors.duration_s.is_finite() && factors.duration_s > 0.0) {
            return Err(FactorError::new(
                "duration_s",
                "a finite number of seconds above 0",
                factors.duration_s,
            ));
        }
        if !(0.0..=1.0).contains(&factors.quality) {
            return Err(FactorError::new(
                "quality",
                "a number from 0 to 1",
                factors.quality,
            ));
        }
        if self.weights.price > 0.0 && factors.price.is_none() {
            return Err(FactorError::new(
                "price",
                "a price, since weights.price is above 0",
                "none",
            ));
        }
        Ok(())
    }

    /// The value `v = C_e·u_e + C_t·u_t + C_q·u_q + C_p·u_p (+ C_price·u_price)` of an offer, with
    /// `u_e = e`, `u_t = T/(T+t)`, `u_q = q`, `u_p = P/(P+p)` and `u_price = max(0, 1 − price/reference)`.
    ///
    /// In `[0, 1 − C_s]` for factors that pass [`Scoring::check`].
    pub fn value(&self, factors: &Factors) -> f64 {
        let w = &self.weights;
        let duration = self.duration_scale_s / (self.duration_scale_s + factors.duration_s);
        let participation =
            self.participation_scale / (self.participation_scale + factors.past_sales as f64);
        let srs = w.efficiency * factors.efficiency
            + w.duration * duration
            + w.quality * factors.quality
            + w.participation * participation;
        if w.price > 0.0 {
            srs + w.price * self.price_utility(factors.price)
        } else {
            srs
        }
    }

    /// 1 for energy that costs nothing, falling in a straight line to 0 at the reference.
    fn price_utility(&self, price: Option<u64>) -> f64 {
        match price {
            Some(0) => 1.0,
            Some(price) if price < self.price_reference => {
                1.0 - price as f64 / self.price_reference as f64
            }
            _ => 0.0,
        }
    }
}

/// Deliverable energy `g = floor(e·o)` in whole Wh, of `offered_wh` Wh and an efficiency in `(0, 1]`.
///
/// Efficiencies are written in decimals: 0.29 of 100 Wh is 29 Wh although the nearest double to 0.29
/// is a little less. A product within two roundings of a whole number is therefore that number.
/// Efficiencies outside the range deliver nothing.
pub fn deliverable(offered_wh: u64, efficiency: f64) -> u64 {
    if !(efficiency > 0.0 && efficiency <= 1.0) {
        return 0;
    }
    let product = efficiency * offered_wh as f64;
    let nearest = product.round();
    let whole = if (product - nearest).abs() <= product * (2.0 * f64::EPSILON) {
        nearest
    } else {
        product.floor()
    };
    // Non-negative and at most `offered_wh`: the cast neither wraps nor loses a sign.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = whole as u64;
    whole.min(offered_wh)
}

/// One seller of a plan: what it could deliver and does deliver (Wh), and its value `v`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// `g`, Wh.
    pub deliverable_wh: u64,
    /// `z`, Wh, at most `g`.
    pub delivered_wh: u64,
    /// `v`, from [`Scoring::value`].
    pub value: f64,
}

/// Equation 1: `f = a·[C_s·u_s + Σ (z_j/d)·v_j]` with `u_s = d/(d+s)` and `s = Σ g_j − d`.
///
/// Zero unless the deliveries sum to the need (`a = 0`), and for a need of zero.
pub fn plan_score<I>(need_wh: u64, surplus_weight: f64, shares: I) -> f64
where
    I: IntoIterator<Item = Share>,
{
    let mut delivered = 0u64;
    let mut deliverable = 0u64;
    let mut value = 0.0;
    for share in shares {
        delivered = delivered.saturating_add(share.delivered_wh);
        deliverable = deliverable.saturating_add(share.deliverable_wh);
        value += share.delivered_wh as f64 * share.value;
    }
    if need_wh == 0 || delivered != need_wh || deliverable < need_wh {
        return 0.0;
    }
    let need = need_wh as f64;
    surplus_weight * (need / deliverable as f64) + value / need
}
