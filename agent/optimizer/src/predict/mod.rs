//! Expected quality and duration of a trade (FR-12), learned trade by trade.
//!
//! Each prediction is a weighted mean of four small models, from "everyone is like the mean" to "each
//! seller as it was lately". Their weights follow how well each one has predicted so far (dynamic model
//! averaging: Raftery, Kárný and Ettler 2010), so where there is nothing to learn the mean wins and little is
//! lost. All of them are Bayesian linear regressions that take one Kalman step per trade, and whose uncertainty
//! grows back towards the prior with time: that is how drift is followed. A seller's own deviation is
//! shrunk towards zero, so a seller never met is what the regression makes of its record. Durations are
//! learned robustly (Huber 1964): what is expected is nearer their median than their mean.
//!
//! Nothing here reads a clock or chance; exponentials, sines and logarithms are `libm`'s, the same on every machine.
//!
//! ```
//! use wattpool_optimizer::predict::{Conditions, Kind, Outcome, Predictor, Priors};
//!
//! let spot = Priors { quality: 0.95, duration_s: 10.0 };
//! let mut predictor = Predictor::new(spot, Priors { duration_s: 3_600.0, ..spot });
//! let asked = Conditions { at_s: 1_780_000_000, amount_wh: 400, ..Conditions::default() };
//! for _ in 0..3 {
//!     predictor.learn(7u32, Kind::Spot, &asked, &Outcome { quality: 0.0, duration_s: None });
//! }
//! let expected = |seller| predictor.expect(&seller, Kind::Spot, &asked).quality;
//! assert!(expected(7) < 0.5 && expected(8) > expected(7));
//! ```

mod conditions;
mod label;
mod model;
mod regression;
mod sellers;
mod target;

pub use conditions::{Conditions, Record};
pub use label::quality_label;

use conditions::Features;
use model::Model;
use sellers::Sellers;
use serde::{Deserialize, Serialize};
use target::Target;

/// No trade takes longer than a year.
const LONGEST_S: f64 = 366.0 * 86_400.0;

/// Spot trades and standing orders are learned apart: what makes one fail is not what makes the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Asked for and settled at once.
    Spot,
    /// A standing order over several windows.
    Forward,
}

/// What is expected before anything is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Priors {
    /// Quality, in `(0, 1)`.
    pub quality: f64,
    /// Seconds from request to the last chunk, above zero.
    pub duration_s: f64,
}

/// What is expected of a request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Quality, in `[0, 1]`.
    pub quality: f64,
    /// Chain seconds from the request to the last chunk, above zero.
    pub duration_s: f64,
}

/// What became of a request. Numbers that are none are not learned from, others are taken for the nearest sensible.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its label, in `[0, 1]`: see [`quality_label`].
    pub quality: f64,
    /// Chain seconds from the request to the last chunk; none where nothing arrived.
    pub duration_s: Option<f64>,
}

/// Both models of one kind of trade, and the sellers met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Learner<K> {
    quality: Model,
    duration: Model,
    sellers: Sellers<K>,
}

impl<K: Copy + Ord> Learner<K> {
    fn new(priors: &Priors) -> Self {
        Self {
            quality: Model::new(Target::Quality, priors.quality),
            duration: Model::new(Target::Duration, priors.duration_s),
            sellers: Sellers::default(),
        }
    }

    fn learn(&mut self, seller: K, features: &Features, at_s: u64, outcome: &Outcome) {
        let known = self.sellers.meet(seller, at_s);
        if !outcome.quality.is_nan() {
            let quality = outcome.quality.clamp(0.0, 1.0);
            self.quality.learn(features, &mut known.quality, quality);
        }
        if let Some(duration) = outcome.duration_s.filter(|d| !d.is_nan()) {
            let duration = duration.clamp(0.0, LONGEST_S);
            self.duration.learn(features, &mut known.duration, duration);
        }
    }
}

/// The predictor of one agent. Sellers are named by `K`.
///
/// It holds some hundred bytes until the first trade, about 2 KiB a kind after it and 90 bytes for each
/// of up to 64 sellers a kind. A restored one predicts as the saved one did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictor<K> {
    /// For spot trades and standing orders.
    priors: [Priors; 2],
    spot: Option<Box<Learner<K>>>,
    forward: Option<Box<Learner<K>>>,
}

impl<K: Copy + Ord> Predictor<K> {
    /// Nothing learned yet.
    pub const fn new(spot: Priors, forward: Priors) -> Self {
        Self {
            priors: [spot, forward],
            spot: None,
            forward: None,
        }
    }

    /// What to expect of a trade under these conditions.
    pub fn expect(&self, seller: &K, kind: Kind, conditions: &Conditions) -> Expectation {
        let Some(learner) = self.learner(kind) else {
            let [spot, forward] = &self.priors;
            let prior = match kind {
                Kind::Spot => spot,
                Kind::Forward => forward,
            };
            return Expectation {
                quality: prior.quality.min(conditions.record.quality()),
                duration_s: prior.duration_s,
            };
        };
        let features = conditions.features();
        let own = learner.sellers.seen_at(seller, conditions.at_s);
        Expectation {
            quality: learner.quality.predict(&features, own.map(|k| k.quality)),
            duration_s: learner.duration.predict(&features, own.map(|k| k.duration)),
        }
    }

    fn learner(&self, kind: Kind) -> Option<&Learner<K>> {
        match kind {
            Kind::Spot => self.spot.as_deref(),
            Kind::Forward => self.forward.as_deref(),
        }
    }

    /// Learns from a trade that has ended: `conditions` are those of its request.
    pub fn learn(&mut self, seller: K, kind: Kind, conditions: &Conditions, outcome: &Outcome) {
        let [spot, forward] = &self.priors;
        let (slot, priors) = match kind {
            Kind::Spot => (&mut self.spot, spot),
            Kind::Forward => (&mut self.forward, forward),
        };
        slot.get_or_insert_with(|| Box::new(Learner::new(priors)))
            .learn(seller, &conditions.features(), conditions.at_s, outcome);
    }

    /// A saved predictor, if it has this version's form; otherwise none, and learning begins anew.
    pub fn restored(self) -> Option<Self> {
        let fits = |learner: &Option<Box<Learner<K>>>| {
            learner
                .as_ref()
                .is_none_or(|l| l.quality.fits() && l.duration.fits() && l.sellers.fit())
        };
        (fits(&self.spot) && fits(&self.forward)).then_some(self)
    }
}
