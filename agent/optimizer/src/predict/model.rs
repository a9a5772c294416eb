//! One target of prediction: four regressions, and how far each is to be believed.

// Every index comes from a loop over arrays of a fixed length.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::conditions::{logit, Features, FEATURES, RECORD};
use super::regression::Regression;
use super::sellers::Deviation;
use serde::{Deserialize, Serialize};

/// The regressions: their inputs, and which opinion of the single seller they add.
const EXPERTS: [(usize, Option<usize>); 4] = [
    (1, None),           // the mean
    (FEATURES, None),    // the conditions, whoever sells
    (FEATURES, Some(0)), // the conditions, and what this seller is
    (1, Some(1)),        // what this seller was lately
];

/// How much of the experts' past success counts with each new trade.
const KEEP: f64 = 0.99;

/// Least information of an observation on the logit scale: a surprise moves the model, but not out of sight.
const LEAST_INFORMATION: f64 = 0.02;

/// Innovations of durations beyond so many standard deviations count as that many: a halted chain is
/// not the seller's doing.
const OUTLIER: f64 = 1.0;

/// Noise of durations at first (in squares of the prior duration), how fast its estimate follows, and its least
/// value.
const NOISE: f64 = 0.25;
const NOISE_FOLLOWS: f64 = 0.03;
const NOISE_LEAST: f64 = 1e-4;

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Target {
    /// A share, on the logit scale.
    Quality,
    /// Seconds, as a multiple of the prior.
    Duration,
}

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

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// Expected share where its logit is normal with this mean and variance (MacKay 1992).
fn moderated(mean: f64, variance: f64) -> f64 {
    logistic(mean / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt())
}

impl Model {
    pub fn new(target: Target, prior: f64) -> Self {
        let mut weights = [0.0; FEATURES];
        match target {
            Target::Quality => {
                weights[0] = logit(prior);
                // Before anything is known the chain's record is taken at its word.
                weights[RECORD] = 1.0;
            }
            Target::Duration => weights[0] = 1.0,
        }
        let experts = EXPERTS.iter();
        Self {
            target,
            unit: match target {
                Target::Quality => 1.0,
                Target::Duration => prior.max(1e-3),
            },
            experts: experts
                .map(|(inputs, _)| Regression::new(&weights[..*inputs]))
                .collect(),
            success: vec![0.0; EXPERTS.len()],
            noise: vec![NOISE; EXPERTS.len()],
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

    /// Mean and variance of an expert on the target's scale, noise not included.
    fn opinion(&self, expert: usize, x: &Features, own: &Deviation) -> (f64, f64) {
        let (mut mean, mut variance) = self.experts[expert].predict(x);
        if let (_, Some(which)) = EXPERTS[expert] {
            mean += own.mean[which];
            variance += own.variance[which];
        }
        (mean, variance)
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
        let own = own.unwrap_or(Deviation::UNKNOWN);
        let mut expected = 0.0;
        for (expert, weight) in self.weights().into_iter().enumerate() {
            let (mean, variance) = self.opinion(expert, x, &own);
            expected += weight
                * match self.target {
                    Target::Quality => moderated(mean, variance),
                    Target::Duration => mean,
                };
        }
        match self.target {
            Target::Quality => expected.clamp(0.0, 1.0),
            Target::Duration => self.unit * expected.max(1e-3),
        }
    }

    /// Takes an observed share, or seconds.
    pub fn learn(&mut self, x: &Features, own: &mut Deviation, observed: f64) {
        for expert in 0..EXPERTS.len() {
            let (mean, variance) = self.opinion(expert, x, own);
            let (innovation, noise, likelihood) = match self.target {
                Target::Quality => share(mean, variance, observed.clamp(0.0, 1.0)),
                Target::Duration => {
                    let seen = observed / self.unit;
                    seconds(mean, variance, seen, &mut self.noise[expert])
                }
            };
            self.success[expert] = KEEP * self.success[expert] + likelihood;
            let total = variance + noise;
            self.experts[expert].learn(x, innovation, total);
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

/// Innovation and noise of a share as a normal observation of the logit, and its log-likelihood.
fn share(mean: f64, variance: f64, observed: f64) -> (f64, f64, f64) {
    let p = logistic(mean);
    let information = (p * (1.0 - p)).max(LEAST_INFORMATION);
    let expected = moderated(mean, variance).clamp(1e-4, 1.0 - 1e-4);
    let likelihood = observed * libm::log(expected) + (1.0 - observed) * libm::log(1.0 - expected);
    ((observed - p) / information, 1.0 / information, likelihood)
}

/// Innovation and noise of a duration, outliers cut; the noise's estimate follows.
fn seconds(mean: f64, variance: f64, observed: f64, noise: &mut f64) -> (f64, f64, f64) {
    let total = variance + *noise;
    let most = OUTLIER * total.sqrt();
    let innovation = (observed - mean).clamp(-most, most);
    let likelihood = -0.5 * (innovation * innovation / total + libm::log(total));
    let now = *noise;
    // The share of the surprise that is noise rather than ignorance.
    let seen = innovation * innovation * (now / total);
    *noise = (now + NOISE_FOLLOWS * (seen - now)).max(NOISE_LEAST);
    (innovation, now, likelihood)
}
