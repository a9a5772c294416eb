//! What a choice promises, whatever the offers: cover, fewest sellers, ties, limits, odd input.

// Test arithmetic is on small numbers.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing
)]

mod support;

use proptest::prelude::*;
use support::{brute_force, check_plan, need_for, offers};
use wattpool_optimizer::problems::{Family, Numbers};
use wattpool_optimizer::{
    choose, deliverable, plan_score, Candidate, Demand, FoundBy, Method, Settings, Share, Workspace,
};

fn candidate(deliverable_wh: u64, value: f64, tie: u64) -> Candidate {
    Candidate {
        deliverable_wh,
        value,
        tie,
    }
}

fn demand(candidates: &[Candidate], need_wh: u64) -> Demand<'_> {
    Demand {
        need_wh,
        surplus_weight: 0.25,
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

/// (index, Wh) of the plan.
fn plan(demand: &Demand<'_>, method: Method) -> Vec<(usize, u64)> {
    let mut workspace = Workspace::new();
    let choice = choose(demand, &settings(method), &mut workspace);
    choice
        .plan
        .iter()
        .map(|pick| (pick.index, pick.delivered_wh))
        .collect()
}

const METHODS: [Method; 3] = [Method::Exact, Method::Ga, Method::Auto];

#[test]
fn a_hand_computed_plan() {
    // d = 100: two are needed. {0, 1}: G = 120, f = .25·100/120 + (80·.6 + 20·.4)/100 = .76833…
    // {0, 2}: G = 110, f = .25·100/110 + (80·.6 + 20·.1)/100 = .72727…; {1, 2} does not cover.
    let offers = [
        candidate(80, 0.6, 0),
        candidate(40, 0.4, 0),
        candidate(30, 0.1, 0),
    ];
    let mut workspace = Workspace::new();
    for method in METHODS {
        let demand = demand(&offers, 100);
        let choice = choose(&demand, &settings(method), &mut workspace);
        assert!((choice.score - (0.25 * 100.0 / 120.0 + 0.56)).abs() < 1e-12);
        assert_eq!(plan(&demand, method), [(0, 80), (1, 20)]);
    }
}

#[test]
fn fewer_sellers_come_before_a_better_score() {
    // The giant is bad in every factor, yet alone.
    let offers = [
        candidate(60, 0.75, 0),
        candidate(40, 0.75, 0),
        candidate(900, 0.0, 0),
    ];
    for method in METHODS {
        assert_eq!(plan(&demand(&offers, 100), method), [(2, 100)]);
    }
}

#[test]
fn a_need_that_nobody_covers_takes_everything() {
    let offers = [
        candidate(60, 0.7, 0),
        candidate(0, 0.7, 0),
        candidate(39, 0.1, 0),
    ];
    let mut workspace = Workspace::new();
    for method in METHODS {
        let choice = choose(&demand(&offers, 100), &settings(method), &mut workspace);
        assert!(!choice.covered && choice.optimal);
        assert_eq!((choice.score, choice.found_by), (0.0, FoundBy::Exact));
        assert_eq!(plan(&demand(&offers, 100), method), [(0, 60), (2, 39)]);
    }
    let nothing = choose(&demand(&[], 100), &settings(Method::Auto), &mut workspace);
    assert!(!nothing.covered && nothing.plan.is_empty());
}

#[test]
fn too_few_sellers_allowed_take_the_largest() {
    let offers = [
        candidate(30, 0.7, 0),
        candidate(50, 0.2, 0),
        candidate(30, 0.7, 1),
        candidate(40, 0.1, 0),
    ];
    let limited = |max| Demand {
        max_sellers: Some(max),
        ..demand(&offers, 115)
    };
    for method in METHODS {
        assert_eq!(plan(&limited(2), method), [(1, 50), (3, 40)]);
        assert_eq!(plan(&limited(3), method).len(), 3);
        assert_eq!(plan(&limited(0), method), []);
    }
    // Three of the largest deliver 120 Wh: enough, so all three methods split 115.
    let mut workspace = Workspace::new();
    check_plan(
        &limited(3),
        &choose(&limited(3), &settings(Method::Auto), &mut workspace),
    );
}

#[test]
fn a_need_of_zero_wants_nobody() {
    let offers = [candidate(60, 0.7, 0)];
    let mut workspace = Workspace::new();
    let choice = choose(&demand(&offers, 0), &settings(Method::Auto), &mut workspace);
    assert!(choice.covered && choice.plan.is_empty() && choice.score == 0.0);
}

#[test]
fn offers_with_a_value_that_is_no_utility_are_passed_over() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1, 1.1];
    let mut offers: Vec<Candidate> = odd.iter().map(|v| candidate(500, *v, 0)).collect();
    offers.extend([
        candidate(60, 0.5, 0),
        candidate(60, 0.5, 0),
        candidate(60, 0.2, 0),
    ]);
    for method in METHODS {
        let indices: Vec<usize> = plan(&demand(&offers, 100), method)
            .iter()
            .map(|p| p.0)
            .collect();
        assert_eq!(indices, [5, 6]);
    }
}

#[test]
fn the_tie_number_decides_between_equal_offers() {
    for sellers in [1u64, 2, 3, 5, 40] {
        let mut offers = vec![candidate(100, 0.5, 9); 200];
        let favoured: Vec<usize> = (0..sellers as usize).map(|i| 199 - 3 * i).collect();
        for index in &favoured {
            offers[*index].tie = 1;
        }
        for method in METHODS {
            let plan = plan(&demand(&offers, 100 * sellers - 7), method);
            let mut expected = favoured.clone();
            expected.sort_unstable();
            assert_eq!(
                plan.iter().map(|p| p.0).collect::<Vec<_>>(),
                expected,
                "{method:?}"
            );
        }
    }
}

#[test]
fn without_tie_numbers_the_earliest_of_equal_offers_are_taken() {
    let offers = vec![candidate(100, 0.5, 0); 50];
    for method in METHODS {
        assert_eq!(
            plan(&demand(&offers, 250), method),
            [(0, 100), (1, 100), (2, 50)]
        );
    }
}

#[test]
fn a_used_workspace_serves_the_next_choice_without_allocating() {
    let mut numbers = Numbers::new(6);
    let mut workspace = Workspace::new();
    for (n, k) in [(40, 1), (40, 2), (60, 5), (300, 4), (1_000, 8)] {
        let candidates = offers(n, Family::Random, &mut numbers);
        let need = need_for(&candidates, k, &mut numbers);
        let demand = demand(&candidates, need);
        for method in METHODS {
            choose(&demand, &settings(method), &mut workspace);
            let count = allocation_counter::measure(|| {
                choose(&demand, &settings(method), &mut workspace);
            });
            assert_eq!(count.count_total, 0, "{method:?}, {n} offers");
        }
    }
}

#[test]
fn a_million_offers_are_chosen_from() {
    let mut numbers = Numbers::new(4);
    let candidates = offers(1_000_000, Family::Random, &mut numbers);
    let mut workspace = Workspace::new();
    for k in [1, 2, 5] {
        let need = need_for(&candidates, k, &mut numbers);
        let demand = demand(&candidates, need);
        let choice = choose(&demand, &settings(Method::Auto), &mut workspace);
        check_plan(&demand, &choice);
        assert_eq!(choice.plan.len(), k);
    }
}

#[test]
fn plans_of_hundreds_of_sellers_are_found() {
    let mut numbers = Numbers::new(5);
    let mut workspace = Workspace::new();
    for (n, k) in [
        (300, 200),
        (1_000, 250),
        (2_000, 257),
        (2_000, 700),
        (500, 499),
    ] {
        let candidates = offers(n, Family::Random, &mut numbers);
        let need = need_for(&candidates, k, &mut numbers);
        let demand = demand(&candidates, need);
        let few = Settings {
            nodes: 100_000,
            ..Settings::default()
        };
        for method in METHODS {
            let choice = choose(&demand, &Settings { method, ..few }, &mut workspace);
            check_plan(&demand, &choice);
        }
    }
}

#[test]
fn the_largest_energies_do_not_wrap() {
    let offers = vec![candidate(u64::MAX, 0.5, 0), candidate(u64::MAX - 1, 0.6, 0)];
    assert_eq!(
        plan(&demand(&offers, u64::MAX), Method::Auto),
        [(0, u64::MAX)]
    );
    let halves = vec![candidate(u64::MAX / 2, 0.5, 0); 3];
    let total: u64 = plan(&demand(&halves, u64::MAX - 5), Method::Auto)
        .iter()
        .map(|p| p.1)
        .sum();
    assert_eq!(total, u64::MAX - 5);
}

#[test]
fn deliverable_is_the_floor_people_compute() {
    let table = [
        (500, 0.95, 475),
        (100, 0.29, 29),
        (100, 0.57, 57),
        (1_000, 0.001, 1),
        (999, 0.001, 0),
        (10, 0.99, 9),
        (3, 1.0, 3),
        (0, 0.5, 0),
        (1_000_000_000_000, 0.93, 930_000_000_000),
        (1_000_000_000_000, 1.0, 1_000_000_000_000),
        (10, f64::NAN, 0),
        (10, -0.5, 0),
        (10, 1.5, 0),
    ];
    for (offered, efficiency, expected) in table {
        assert_eq!(
            deliverable(offered, efficiency),
            expected,
            "{offered} at {efficiency}"
        );
    }
    // Every whole per-mille efficiency against integer arithmetic.
    for permille in 1..=1_000u64 {
        for offered in [1, 7, 100, 999, 123_457, 999_999_999] {
            let efficiency = permille as f64 / 1_000.0;
            assert_eq!(deliverable(offered, efficiency), offered * permille / 1_000);
        }
    }
}

#[test]
fn the_score_of_one_seller_is_that_of_the_srs() {
    // s = 25: u_s = 100/125.
    let share = Share {
        deliverable_wh: 125,
        delivered_wh: 100,
        value: 0.5,
    };
    assert!((plan_score(100, 0.25, [share]) - (0.25 * 0.8 + 0.5)).abs() < 1e-15);
    assert_eq!(
        plan_score(
            100,
            0.25,
            [Share {
                delivered_wh: 99,
                ..share
            }]
        ),
        0.0
    );
    assert_eq!(plan_score(0, 0.25, []), 0.0);
}

fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0u64..2_000, 0.0..0.75f64, 0u64..3);
    prop::collection::vec(one.prop_map(|(g, v, tie)| candidate(g, v, tie)), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_keeps_the_rules(
        candidates in any_candidates(),
        need in 1u64..20_000,
        weight in 0.0..1.0f64,
        most in prop::option::of(0usize..12),
        seed: u64,
    ) {
        let demand = Demand {
            need_wh: need, surplus_weight: weight, candidates: &candidates, max_sellers: most, last_plan: &[],
        };
        let mut workspace = Workspace::new();
        for method in METHODS {
            let settings = Settings { method, seed, nodes: 200_000, ..Settings::default() };
            check_plan(&demand, &choose(&demand, &settings, &mut workspace));
        }
    }

    #[test]
    fn no_subset_beats_the_exact_plan(
        candidates in prop::collection::vec((1u64..40, 0u32..8), 1..9),
        share in 0.0..1.0f64,
        weight in 0.0..1.0f64,
    ) {
        let candidates: Vec<Candidate> =
            candidates.iter().map(|(g, v)| candidate(*g, f64::from(*v) / 10.0, 0)).collect();
        let total: u64 = candidates.iter().map(|c| c.deliverable_wh).sum();
        let need = 1 + (share * total as f64) as u64;
        let demand = Demand { surplus_weight: weight, ..demand(&candidates, need.min(total)) };
        let mut workspace = Workspace::new();
        let choice = choose(&demand, &settings(Method::Exact), &mut workspace);
        check_plan(&demand, &choice);
        let (sellers, f) = brute_force(&demand).unwrap();
        prop_assert_eq!(choice.plan.len(), sellers);
        prop_assert!((choice.score - f).abs() < 1e-9);
    }
}
