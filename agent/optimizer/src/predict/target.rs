//! The two quantities that are predicted, and what is assumed of each before anything is known.

use super::conditions::{FEATURES, RECORD};
use super::sellers::OPINIONS;
use serde::{Deserialize, Serialize};

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    /// A share.
    Quality,
    /// Seconds, in multiples of the prior.
    Duration,
}

/// Variances before anything is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    /// Of the regression's constant.
    pub constant: f64,
    /// Of its other weights.
    pub slope: f64,
    /// Of the noise.
    pub noise: f64,
    /// How fast the estimate of the noise follows what is seen.
    pub follows: f64,
    /// Of sellers' deviations, under each opinion of how they differ.
    pub sellers: [f64; OPINIONS],
}

const QUALITY: Nature = Nature {
    constant: 0.1,
    slope: 0.02,
    noise: 0.05,
    follows: 0.01,
    sellers: [0.05, 0.1],
};

const DURATION: Nature = Nature {
    constant: 1.0,
    slope: 0.25,
    noise: 0.25,
    follows: 0.03,
    sellers: [0.25, 0.5],
};

impl Target {
    pub const fn nature(self) -> &'static Nature {
        match self {
            Self::Quality => &QUALITY,
            Self::Duration => &DURATION,
        }
    }

    /// Seconds that 1 stands for; the prior itself is what a duration is reckoned in.
    pub fn unit(self, prior: f64) -> f64 {
        match self {
            Self::Quality => 1.0,
            Self::Duration => prior.max(1e-3),
        }
    }

    /// The regression's weights before anything is known: the prior, and for the quality the chain's record
    /// at its word.
    pub fn weights(self, prior: f64) -> [f64; FEATURES] {
        let mut weights = [0.0; FEATURES];
        match self {
            Self::Quality => {
                weights[0] = prior;
                weights[RECORD] = 1.0;
            }
            Self::Duration => weights[0] = 1.0,
        }
        weights
    }
}
