//! The exact search against every subset of small problems.

// Test arithmetic is on small numbers.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

mod support;

use support::{brute_force, check_plan, need_for, offers};
use wattpool_optimizer::problems::{fewest, Family, Numbers};
use wattpool_optimizer::{choose, Candidate, Demand, FoundBy, Method, Settings, Workspace};

fn demand(candidates: &[Candidate], need_wh: u64, surplus_weight: f64) -> Demand<'_> {
    Demand {
        need_wh,
        surplus_weight,
        candidates,
        max_sellers: None,
        last_plan: &[],
    }
}

fn settings(method: Method) -> Settings {
    Settings {
        method,
        ..Settings::default()
    }
}

#[test]
fn every_method_agrees_with_brute_force_on_small_problems() {
    let mut numbers = Numbers::new(1);
    let mut workspace = Workspace::new();
    for round in 0..2_400 {
        let family = Family::ALL[round % Family::ALL.len()];
        let n = 1 + numbers.below(if round % 40 == 0 { 12 } else { 9 }) as usize;
        let candidates = offers(n, family, &mut numbers);
        let total: u64 = candidates.iter().map(|c| c.deliverable_wh).sum();
        let need = 1 + numbers.below(total);
        let weight = [0.25, 0.0, 0.9, 0.6][round % 4];
        let demand = demand(&candidates, need, weight);
        let (sellers, f) = brute_force(&demand).unwrap();
        for method in [Method::Exact, Method::Auto, Method::Ga] {
            let choice = choose(&demand, &settings(method), &mut workspace);
            check_plan(&demand, &choice);
            assert_eq!(choice.plan.len(), sellers);
            let gap = f - choice.score;
            assert!(gap > -1e-9, "round {round}: better than every subset");
            if choice.optimal {
                assert!(
                    gap < 1e-9,
                    "round {round} {method:?} {family:?}: {} below {f}",
                    choice.score
                );
            }
            if method == Method::Exact {
                assert!(choice.optimal && choice.found_by == FoundBy::Exact);
            }
            // So small that the genetic algorithm has no excuse either.
            assert!(
                gap < 1e-9,
                "round {round} {method:?} {family:?}: {} below {f}",
                choice.score
            );
        }
    }
}

/// The optimum by trying all sets of `k` with the closed form, independent of the search.
fn enumerate(candidates: &[Candidate], need: u64, weight: f64, k: usize) -> f64 {
    fn grow(
        left: &[Candidate],
        set: &mut Vec<Candidate>,
        k: usize,
        score: &dyn Fn(&[Candidate]) -> f64,
    ) -> f64 {
        if set.len() == k {
            return score(set);
        }
        let mut best = f64::NEG_INFINITY;
        for (at, candidate) in left.iter().enumerate() {
            set.push(*candidate);
            best = best.max(grow(&left[at + 1..], set, k, score));
            set.pop();
        }
        best
    }
    let d = need as f64;
    let score = |set: &[Candidate]| {
        let total: u64 = set.iter().map(|c| c.deliverable_wh).sum();
        if total < need {
            return f64::NEG_INFINITY;
        }
        let least = set.iter().map(|c| c.value).fold(f64::INFINITY, f64::min);
        let value: f64 = set.iter().map(|c| c.deliverable_wh as f64 * c.value).sum();
        weight * d / total as f64 + (value - least * (total as f64 - d)) / d
    };
    grow(candidates, &mut Vec::new(), k, &score)
}

#[test]
fn two_to_five_sellers_agree_with_enumeration_on_larger_problems() {
    let mut numbers = Numbers::new(2);
    let mut workspace = Workspace::new();
    for round in 0..480 {
        let k = 2 + round % 4;
        let candidates = offers(
            [120, 40, 22, 18][k - 2],
            Family::ALL[(round / 4) % Family::ALL.len()],
            &mut numbers,
        );
        let need = need_for(&candidates, k, &mut numbers);
        let weight = [0.25, 0.0, 1.0, 0.7, 0.05][round % 5];
        let demand = demand(&candidates, need, weight);
        let choice = choose(&demand, &settings(Method::Exact), &mut workspace);
        check_plan(&demand, &choice);
        assert!(choice.optimal);
        let f = enumerate(
            &candidates,
            need,
            weight,
            fewest(&candidates, need).unwrap(),
        );
        assert!(
            (choice.score - f).abs() < 1e-9,
            "round {round}: {} and {f}",
            choice.score
        );
    }
}

#[test]
fn a_small_node_budget_is_admitted() {
    let mut numbers = Numbers::new(3);
    let mut workspace = Workspace::new();
    let mut unproven = 0;
    for _ in 0..40 {
        let candidates = offers(60, Family::Random, &mut numbers);
        let need = need_for(&candidates, 6, &mut numbers);
        let demand = demand(&candidates, need, 0.25);
        let few = Settings {
            nodes: 1,
            ..settings(Method::Exact)
        };
        let hasty = choose(&demand, &few, &mut workspace);
        check_plan(&demand, &hasty);
        let (score, proven) = (hasty.score, hasty.optimal);
        let best = choose(&demand, &settings(Method::Exact), &mut workspace);
        assert!(best.optimal && best.score >= score - 1e-12);
        if proven {
            assert!((best.score - score).abs() < 1e-9);
        } else {
            unproven += 1;
        }
    }
    assert!(unproven > 0, "one node proves hardly anything");
}
