//! A Bayesian linear regression that takes one observation at a time (a Kalman filter without motion).

// Every index comes from a loop over the vectors' own lengths.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::target::Nature;
use serde::{Deserialize, Serialize};

/// Share of the prior's uncertainty that comes back with each observation: what was learned some five
/// hundred observations ago no longer counts.
const FORGET: f64 = 0.002;

/// Mean and covariance of the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Regression {
    weights: Vec<f64>,
    /// Rows of the covariance's lower triangle, one after the other.
    covariance: Vec<f64>,
}

const fn prior_variance(nature: &Nature, at: usize) -> f64 {
    if at == 0 {
        nature.constant
    } else {
        nature.slope
    }
}

impl Regression {
    /// With these weights before anything is known.
    pub fn new(weights: &[f64], nature: &Nature) -> Self {
        let inputs = weights.len();
        let mut covariance = Vec::with_capacity(inputs * (inputs + 1) / 2);
        for row in 0..inputs {
            covariance.extend(std::iter::repeat_n(0.0, row));
            covariance.push(prior_variance(nature, row));
        }
        Self {
            weights: weights.to_vec(),
            covariance,
        }
    }

    pub fn fits(&self, inputs: usize) -> bool {
        self.weights.len() == inputs
            && self.covariance.len() == inputs * (inputs + 1) / 2
            && self
                .weights
                .iter()
                .chain(&self.covariance)
                .all(|x| x.is_finite())
    }

    /// Expected value.
    pub fn mean(&self, x: &[f64]) -> f64 {
        self.weights.iter().zip(x).map(|(w, x)| w * x).sum()
    }

    /// Variance of the expected value, noise not included.
    pub fn variance(&self, x: &[f64]) -> f64 {
        let mut variance = 0.0;
        let mut at = 0;
        for row in 0..self.weights.len() {
            let mut sum = 0.0;
            for (covariance, value) in self.covariance[at..at + row].iter().zip(x) {
                sum += covariance * value;
            }
            variance += x[row] * (2.0 * sum + self.covariance[at + row] * x[row]);
            at += row + 1;
        }
        variance.max(0.0)
    }

    /// Takes an observation whose innovation (observed less expected) has this variance in all.
    pub fn learn(&mut self, x: &[f64], innovation: f64, total_variance: f64, nature: &Nature) {
        let n = self.weights.len();
        let mut gain = [0.0; super::conditions::FEATURES];
        let mut at = 0;
        for row in 0..n {
            for column in 0..=row {
                let c = self.covariance[at + column];
                gain[row] += c * x[column];
                if column != row {
                    gain[column] += c * x[row];
                }
            }
            at += row + 1;
        }
        at = 0;
        for row in 0..n {
            self.weights[row] += gain[row] * innovation / total_variance;
            for column in 0..=row {
                let c = &mut self.covariance[at + column];
                *c -= gain[row] * gain[column] / total_variance;
                let prior = if column == row {
                    prior_variance(nature, row)
                } else {
                    0.0
                };
                *c += FORGET * (prior - *c);
            }
            at += row + 1;
        }
    }
}
