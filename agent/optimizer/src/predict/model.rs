//! One target of prediction: four regressions, and how far each is to be believed.

// Every index comes from a loop over arrays of a fixed length.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::conditions::{Features, FEATURES};
use super::regression::Regression;
use super::sellers::Deviation;
use super::target::Target;
use serde::{Deserialize, Serialize};

/// The regressions: their inputs, and which opinion of the single seller they add.
const EXPERTS: [(usize, Option<usize>); 4] = [
    (1, None),           // the mean
    (FEATURES, None),    // the conditions, whoever sells
    (FEATURES, Some(0)), // the conditions, and what this seller is
    (1, Some(1)),        // what this seller was lately
];

/// Success to begin with: the simpler a model, the more it is believed before it has predicted anything.
const HEAD_START: [f64; EXPERTS.len()] = [3.0, 1.0, 0.0, 0.0];

/// How much of the experts' past success counts with each new trade.
const KEEP: f64 = 0.997;

/// Innovations of durations count for one standard deviation at most, which makes the estimate a median
/// (Huber 1964): a halted chain is not the seller's doing.
const OUTLIER: f64 = 1.0;

/// The noise's least estimate.
const NOISE_LEAST: f64 = 1e-4;

/// The experts and their weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    target: Target,
    /// What 1 stands for: seconds of the prior.
    unit: f64,
    experts: Vec<Regression>,
    /// Logarithm of each one's likelihood of late.
    success: Vec<f64>,
    /// Variance of the noise under each one (durations).
    noise: Vec<f64>,
}

impl Model {
    pub fn new(target: Target, prior: f64) -> Self {
        let (weights, nature) = (target.weights(prior), target.nature());
        let experts = EXPERTS.iter();
        Self {
            target,
            unit: target.unit(prior),
            experts: experts
                .map(|(inputs, _)| Regression::new(&weights[..*inputs], nature))
                .collect(),
            success: HEAD_START.to_vec(),
            noise: vec![nature.noise; EXPERTS.len()],
        }
    }

    pub fn fits(&self) -> bool {
        let n = EXPERTS.len();
        let experts = self.experts.iter().zip(EXPERTS);
        self.experts.len() == n
            && self.success.len() == n
            && self.noise.len() == n
            && experts.into_iter().all(|(e, (inputs, _))| e.fits(inputs))
            && self.unit.is_finite()
            && self.unit > 0.0
            && self.success.iter().all(|s| s.is_finite())
            && self.noise.iter().all(|v| v.is_finite() && *v > 0.0)
    }

    /// What an expert expects, on the target's scale.
    fn mean(&self, expert: usize, x: &Features, own: &Deviation) -> f64 {
        let own = EXPERTS[expert].1.map_or(0.0, |which| own.mean[which]);
        self.experts[expert].mean(x) + own
    }

    /// How unsure it is of that, noise not included.
    fn variance(&self, expert: usize, x: &Features, own: &Deviation) -> f64 {
        let own = EXPERTS[expert].1.map_or(0.0, |which| own.variance[which]);
        self.experts[expert].variance(x) + own
    }

    /// The experts' weights, summing to 1.
    fn weights(&self) -> [f64; EXPERTS.len()] {
        let most = self
            .success
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let mut weights = [0.0; EXPERTS.len()];
        let mut sum = 0.0;
        for (weight, success) in weights.iter_mut().zip(&self.success) {
            *weight = libm::exp(success - most);
            sum += *weight;
        }
        weights.map(|weight| weight / sum)
    }

    /// Expected value: a share, or seconds (the median).
    pub fn predict(&self, x: &Features, own: Option<Deviation>) -> f64 {
        let own = own.unwrap_or(Deviation::unknown(self.target));
        let mut expected = 0.0;
        for (expert, weight) in self.weights().into_iter().enumerate() {
            expected += weight * self.mean(expert, x, &own);
        }
        match self.target {
            Target::Quality => expected.clamp(0.0, 1.0),
            Target::Duration => self.unit * expected.max(1e-3),
        }
    }

    /// Takes an observed share, or seconds.
    pub fn learn(&mut self, x: &Features, own: &mut Deviation, observed: f64) {
        let nature = self.target.nature();
        // Each expert's own fields are read and written in turn: an index serves all of them.
        #[allow(clippy::needless_range_loop)]
        for expert in 0..EXPERTS.len() {
            let noise = self.noise[expert];
            let total = self.variance(expert, x, own) + noise;
            let surprise = observed / self.unit - self.mean(expert, x, own);
            let innovation = match self.target {
                Target::Quality => surprise,
                Target::Duration => {
                    let most = OUTLIER * total.sqrt();
                    surprise.clamp(-most, most)
                }
            };
            let likelihood = -0.5 * (innovation * innovation / total + libm::log(total));
            self.success[expert] = KEEP * self.success[expert] + likelihood;
            // The share of the surprise that is noise rather than ignorance.
            let seen = innovation * innovation * (noise / total);
            self.noise[expert] = (noise + nature.follows * (seen - noise)).max(NOISE_LEAST);
            self.experts[expert].learn(x, innovation, total, nature);
            if let (_, Some(which)) = EXPERTS[expert] {
                let gain = own.variance[which] / total;
                own.mean[which] += gain * innovation;
                own.variance[which] *= 1.0 - gain;
            }
        }
        // Only differences count: they are kept near zero.
        let most = self
            .success
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        self.success.iter_mut().for_each(|s| *s -= most);
    }
}
