//! What is known of single sellers: how each deviates from what the regression expects.

use super::target::Target;
use serde::{Deserialize, Serialize};

/// Sellers remembered at most; the one not met for longest is forgotten.
const REMEMBERED: usize = 64;

/// Models that have an opinion of single sellers.
pub(super) const OPINIONS: usize = 2;

/// Seconds in which what is known of a seller fades under each of them (an Ornstein-Uhlenbeck process):
/// sellers that stay what they are, and sellers that change from day to day.
const FADE_S: [f64; OPINIONS] = [20.0 * 86_400.0, 3.0 * 86_400.0];

/// A deviation under each model, on the target's scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Deviation {
    pub mean: [f64; OPINIONS],
    pub variance: [f64; OPINIONS],
}

impl Deviation {
    /// Of a seller never met.
    pub const fn unknown(target: Target) -> Self {
        Self {
            mean: [0.0; OPINIONS],
            variance: target.nature().sellers,
        }
    }

    /// So many seconds later: fainter and less certain.
    fn after(mut self, seconds: f64, target: Target) -> Self {
        let priors = target.nature().sellers;
        let all = self.mean.iter_mut().zip(&mut self.variance);
        for ((mean, variance), (prior, fade_s)) in all.zip(priors.into_iter().zip(FADE_S)) {
            let keep = libm::exp(-seconds / fade_s);
            *mean *= keep;
            *variance = prior + keep * keep * (*variance - prior);
        }
        self
    }

    fn is_sound(&self) -> bool {
        let all = self.mean.iter().chain(&self.variance);
        all.copied().all(f64::is_finite) && self.variance.iter().all(|v| *v >= 0.0)
    }
}

/// A seller met.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known<K> {
    seller: K,
    /// When, chain seconds.
    met_s: u64,
    pub quality: Deviation,
    pub duration: Deviation,
}

impl<K> Known<K> {
    fn at(&mut self, at_s: u64) {
        let passed = at_s.saturating_sub(self.met_s) as f64;
        self.quality = self.quality.after(passed, Target::Quality);
        self.duration = self.duration.after(passed, Target::Duration);
        self.met_s = self.met_s.max(at_s);
    }
}

/// Sellers by name, bounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sellers<K>(Vec<Known<K>>);

impl<K> Default for Sellers<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Ord> Sellers<K> {
    pub fn fit(&self) -> bool {
        self.0.len() <= REMEMBERED
            && self.0.is_sorted_by(|a, b| a.seller < b.seller)
            && self
                .0
                .iter()
                .all(|known| known.quality.is_sound() && known.duration.is_sound())
    }

    /// What is known of a seller, as of a time.
    pub fn seen_at(&self, seller: &K, at_s: u64) -> Option<Known<K>> {
        let at = self.0.binary_search_by(|known| known.seller.cmp(seller));
        let mut known = *self.0.get(at.ok()?)?;
        known.at(at_s);
        Some(known)
    }

    /// The seller's entry to be changed, made if there is none.
    pub fn meet(&mut self, seller: K, at_s: u64) -> &mut Known<K> {
        let find = |all: &[Known<K>]| all.binary_search_by(|known| known.seller.cmp(&seller));
        if find(&self.0).is_err() && self.0.len() >= REMEMBERED {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, k)| k.met_s);
            if let Some((oldest, _)) = oldest {
                self.0.remove(oldest);
            }
        }
        let at = match find(&self.0) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(
                    at,
                    Known {
                        seller,
                        met_s: at_s,
                        quality: Deviation::unknown(Target::Quality),
                        duration: Deviation::unknown(Target::Duration),
                    },
                );
                at
            }
        };
        // Found or just inserted there.
        #[allow(clippy::indexing_slicing)]
        let known = &mut self.0[at];
        known.at(at_s);
        known
    }
}
