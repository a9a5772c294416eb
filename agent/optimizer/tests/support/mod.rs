//! Seeded problems and an oracle that tries every subset and every split of the rest.

// Each test file uses a part of it.
#![allow(dead_code)]

use wattpool_optimizer::{plan_score, Candidate, Choice, Demand, Share};

/// SplitMix64 (Steele et al. 2014): the tests' own numbers, independent of the crate's generator.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How the sizes and values of random offers are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Plain,
    /// Few sizes and few values: many alike offers.
    Ties,
    Equal,
    OneGiant,
    Tiny,
    /// The larger, the less valuable.
    Opposed,
}

pub const SHAPES: [Shape; 6] = [
    Shape::Plain,
    Shape::Ties,
    Shape::Equal,
    Shape::OneGiant,
    Shape::Tiny,
    Shape::Opposed,
];

pub fn offers(n: usize, shape: Shape, numbers: &mut Numbers) -> Vec<Candidate> {
    (0..n)
        .map(|at| {
            let plain = 50 + numbers.below(950);
            let value = 0.75 * numbers.unit();
            let (deliverable_wh, value) = match shape {
                Shape::Plain => (plain, value),
                Shape::Ties => (
                    100 * (1 + numbers.below(5)),
                    0.25 * (1 + numbers.below(3)) as f64,
                ),
                Shape::Equal => (400, 0.5),
                Shape::OneGiant => (if at == n / 2 { 5_000 } else { plain }, value),
                Shape::Tiny => (1 + numbers.below(4), value),
                Shape::Opposed => (plain, 0.75 * (1.0 - plain as f64 / 1_000.0)),
            };
            Candidate {
                deliverable_wh,
                value,
                tie: numbers.below(4),
            }
        })
        .collect()
}

/// The least number of sellers that cover, by sorting.
pub fn fewest(candidates: &[Candidate], need: u64) -> Option<usize> {
    let mut sizes: Vec<u64> = candidates.iter().map(|c| c.deliverable_wh).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut sum = 0;
    sizes
        .iter()
        .position(|g| {
            sum += g;
            sum >= need
        })
        .map(|at| at + 1)
}

/// A need that the `k` largest just cover and fewer do not, at a random place of that range.
pub fn need_for(candidates: &[Candidate], k: usize, numbers: &mut Numbers) -> u64 {
    let mut sizes: Vec<u64> = candidates.iter().map(|c| c.deliverable_wh).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let fewer: u64 = sizes[..k - 1].iter().sum();
    fewer + 1 + numbers.below(sizes[k - 1])
}

/// Best `(sellers, f)` over every subset, with every seller of it as the one that takes the rest.
pub fn brute_force(demand: &Demand<'_>) -> Option<(usize, f64)> {
    let all = demand.candidates;
    let mut best: Option<(usize, f64)> = None;
    for mask in 1u32..(1 << all.len()) {
        let set: Vec<&Candidate> = (0..all.len())
            .filter(|i| mask >> i & 1 == 1)
            .map(|i| &all[i])
            .collect();
        let total: u64 = set.iter().map(|c| c.deliverable_wh).sum();
        if total < demand.need_wh || best.is_some_and(|(k, _)| set.len() > k) {
            continue;
        }
        for rest in 0..set.len() {
            let Some(last) = set[rest].deliverable_wh.checked_sub(total - demand.need_wh) else {
                continue;
            };
            if last == 0 {
                continue;
            }
            let shares = set.iter().enumerate().map(|(i, c)| Share {
                deliverable_wh: c.deliverable_wh,
                delivered_wh: if i == rest { last } else { c.deliverable_wh },
                value: c.value,
            });
            let f = plan_score(demand.need_wh, demand.surplus_weight, shares);
            if best.is_none_or(|(k, top)| set.len() < k || f > top) {
                best = Some((set.len(), f));
            }
        }
    }
    best
}

/// What every plan must satisfy, whatever found it.
pub fn check_plan(demand: &Demand<'_>, choice: &Choice<'_>) {
    let mut last = None;
    for pick in choice.plan {
        assert!(last < Some(pick.index), "indices rise, none twice");
        last = Some(pick.index);
        let g = demand.candidates[pick.index].deliverable_wh;
        assert!(
            pick.delivered_wh > 0 && pick.delivered_wh <= g,
            "0 < z <= g"
        );
    }
    let delivered: u64 = choice.plan.iter().map(|pick| pick.delivered_wh).sum();
    let fewest = fewest(demand.candidates, demand.need_wh);
    let allowed = demand.max_sellers.unwrap_or(usize::MAX);
    match fewest.filter(|k| *k <= allowed) {
        Some(k) => {
            assert!(choice.covered);
            assert_eq!(choice.plan.len(), k, "fewest sellers");
            assert_eq!(delivered, demand.need_wh, "the deliveries sum to the need");
            let shares = choice.plan.iter().map(|pick| Share {
                deliverable_wh: demand.candidates[pick.index].deliverable_wh,
                delivered_wh: pick.delivered_wh,
                value: demand.candidates[pick.index].value,
            });
            let f = plan_score(demand.need_wh, demand.surplus_weight, shares);
            assert_eq!(choice.score, f, "the score is that of the plan");
            let best_value = demand
                .candidates
                .iter()
                .map(|c| c.value)
                .fold(0.0, f64::max);
            assert!(f >= 0.0 && f <= demand.surplus_weight + best_value + 1e-12);
        }
        None => {
            assert!(!choice.covered && choice.score == 0.0);
            let mut sizes: Vec<u64> = demand.candidates.iter().map(|c| c.deliverable_wh).collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            let most: u64 = sizes.iter().take(allowed).sum();
            assert_eq!(delivered, most, "the most that can be had");
        }
    }
}
