//! What the agent has learned of sellers: expected quality and duration (FR-12).
//!
//! Both shrink towards a prior: quality `= (κ·q₀ + chain arrived + own arrived) / (κ + chain asked + own asked)`,
//! energies in Wh and own experience fading by a quarter with each trade, so that a seller can change
//! for better or worse; duration is an exponential mean that starts from the prior.

use crate::ports::SellerRecord;
use wattpool_schema::MeterId;

/// Sellers remembered at most; the one not met for longest is forgotten.
const REMEMBERED: usize = 64;
/// Weight of the prior, Wh.
const PRIOR_WH: f64 = 2_000.0;
/// Quality expected of a seller never met.
const PRIOR_QUALITY: f64 = 0.95;
/// How much of own experience is kept with each new trade.
const KEEP: f64 = 0.75;
/// Own experience weighs more than what others report.
const OWN_WEIGHT: f64 = 4.0;

#[derive(Clone, Copy, Debug)]
struct Experience {
    meter: MeterId,
    asked: f64,
    arrived: f64,
    duration_s: f64,
    met: u64,
}

/// Experience with sellers, bounded.
#[derive(Clone, Debug, Default)]
pub struct SellerBook {
    met: u64,
    known: Vec<Experience>,
    prior_duration_s: f64,
}

impl SellerBook {
    /// Nothing learned yet.
    pub const fn new(prior_duration_s: f64) -> Self {
        Self {
            met: 0,
            known: Vec::new(),
            prior_duration_s,
        }
    }

    /// Records what became of a request: so much was asked, so much arrived, after so many chain seconds.
    pub fn observe(
        &mut self,
        meter: MeterId,
        asked_wh: u64,
        arrived_wh: u64,
        duration_s: Option<u64>,
    ) {
        self.met = self.met.saturating_add(1);
        let met = self.met;
        let prior = self.prior_duration_s;
        if let Some(e) = self.known.iter_mut().find(|e| e.meter == meter) {
            e.asked = e.asked * KEEP + asked_wh as f64;
            e.arrived = e.arrived * KEEP + arrived_wh as f64;
            if let Some(d) = duration_s {
                e.duration_s = e.duration_s * KEEP + d as f64 * (1.0 - KEEP);
            }
            e.met = met;
            return;
        }
        if self.known.len() >= REMEMBERED {
            if let Some(oldest) = self
                .known
                .iter()
                .enumerate()
                .min_by_key(|(_, e)| e.met)
                .map(|(i, _)| i)
            {
                self.known.swap_remove(oldest);
            }
        }
        let duration_s = duration_s.map_or(prior, |d| prior * KEEP + d as f64 * (1.0 - KEEP));
        self.known.push(Experience {
            meter,
            asked: asked_wh as f64,
            arrived: arrived_wh as f64,
            duration_s,
            met,
        });
    }

    /// Expected quality in `[0, 1]`.
    pub fn quality(&self, meter: &MeterId, chain: &SellerRecord) -> f64 {
        let own = self.known.iter().find(|e| e.meter == *meter);
        let (own_asked, own_arrived) = own.map_or((0.0, 0.0), |e| {
            (e.asked * OWN_WEIGHT, e.arrived * OWN_WEIGHT)
        });
        let asked = PRIOR_WH + chain.asked_wh as f64 + own_asked;
        let arrived = PRIOR_WH * PRIOR_QUALITY + chain.arrived_wh as f64 + own_arrived;
        (arrived / asked).clamp(0.0, 1.0)
    }

    /// Expected seconds from request to the last chunk, above zero.
    pub fn duration_s(&self, meter: &MeterId) -> f64 {
        let known = self
            .known
            .iter()
            .find(|e| e.meter == *meter)
            .map_or(self.prior_duration_s, |e| e.duration_s);
        known.max(0.001)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MeterId = MeterId([1; 16]);

    #[test]
    fn failure_lowers_and_success_restores() {
        let none = SellerRecord::default();
        let mut book = SellerBook::new(10.0);
        let fresh = book.quality(&A, &none);
        assert!((fresh - PRIOR_QUALITY).abs() < 1e-12);
        for _ in 0..3 {
            book.observe(A, 1_000, 0, None);
        }
        let bad = book.quality(&A, &none);
        assert!(bad < 0.3, "{bad}");
        for _ in 0..12 {
            book.observe(A, 1_000, 1_000, Some(30));
        }
        assert!(book.quality(&A, &none) > 0.9);
        assert!(book.duration_s(&A) > 29.0);
    }

    #[test]
    fn bounded() {
        let mut book = SellerBook::new(10.0);
        for i in 0..1000u16 {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&i.to_be_bytes());
            book.observe(MeterId(id), 1, 1, Some(1));
        }
        assert_eq!(book.known.len(), REMEMBERED);
    }
}
