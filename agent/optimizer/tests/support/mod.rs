//! Offers for the searches, and an oracle that tries every subset and every split of the rest.

// Each test file uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use wattpool_optimizer::problems::{self, Family, Numbers};
use wattpool_optimizer::{plan_score, Candidate, Choice, Demand, Scoring, Share, Weights};

/// Weights under which values spread over all of their range.
const SPREAD: Weights = Weights {
    surplus: 0.25,
    efficiency: 0.0,
    duration: 0.0,
    quality: 0.75,
    participation: 0.0,
    price: 0.0,
};

pub fn offers(n: usize, family: Family, numbers: &mut Numbers) -> Vec<Candidate> {
    let scoring = Scoring::new(SPREAD, 900.0, 20.0, 0).unwrap();
    problems::offers(family, n, numbers)
        .iter()
        .map(|offer| offer.candidate(&scoring))
        .collect()
}

/// A need that the `k` largest just cover and fewer do not, at a random place of that range.
pub fn need_for(candidates: &[Candidate], k: usize, numbers: &mut Numbers) -> u64 {
    let sizes: Vec<u64> = candidates.iter().map(|c| c.deliverable_wh).collect();
    problems::need_for(&sizes, k, numbers).unwrap()
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
    if let Err(flaw) = problems::check(demand, choice) {
        panic!("{flaw}: {choice:?}");
    }
}
