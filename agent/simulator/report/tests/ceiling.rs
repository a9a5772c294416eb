//! The ceiling against hand-worked cases and an exhaustive search.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![allow(clippy::cast_possible_truncation)]

mod common;

use common::pair;
use proptest::prelude::*;
use wattpool_report::ceiling::{pair_trades, Ceiling};
use wattpool_scenario::model::ZonePair;
use wattpool_schema::{Ppm, Price, Tariff, Zone};

const IMPORT: Tariff = Tariff(300_000);
const FEED_IN: Tariff = Tariff(80_000);

fn ceiling(zones: u16, pairs: &[ZonePair], surplus: &[u64], deficit: &[u64]) -> f64 {
    Ceiling::from_terms((0..zones).map(Zone), pairs)
        .window(surplus, deficit, IMPORT, FEED_IN)
        .unwrap()
}

fn near(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-6,
        "{found}, expected {expected}"
    );
}

#[test]
fn one_zone_is_the_smaller_side() {
    near(ceiling(1, &[pair(0, 0, 0, 0, None)], &[700], &[900]), 700.0);
    near(ceiling(1, &[pair(0, 0, 0, 0, None)], &[900], &[700]), 700.0);
    near(
        ceiling(1, &[pair(0, 0, 100_000, 0, None)], &[900], &[820]),
        810.0,
    );
    near(ceiling(1, &[], &[900], &[700]), 0.0);
}

#[test]
fn own_zone_first_when_the_way_out_loses() {
    let pairs = [
        pair(0, 0, 0, 0, None),
        pair(0, 1, 100_000, 0, None),
        pair(1, 1, 0, 0, None),
    ];
    // 600 at home, the other 400 arrive as 360.
    near(ceiling(2, &pairs, &[1_000, 0], &[600, 500]), 960.0);
}

#[test]
fn filling_the_best_link_first_can_be_wrong() {
    // Zone 0 can serve both zones, zone 1 only zone 2's need over the better link: greedy by loss
    // would spend zone 0 on zone 2 and strand zone 1.
    let pairs = [
        pair(0, 2, 0, 0, None),
        pair(0, 3, 10_000, 0, None),
        pair(1, 2, 20_000, 0, None),
    ];
    near(
        ceiling(4, &pairs, &[100, 100, 0, 0], &[0, 0, 98, 99]),
        98.0 + 99.0,
    );
}

#[test]
fn capacity_holds_a_pair_back() {
    let pairs = [pair(0, 0, 0, 0, None), pair(0, 1, 0, 0, Some(150))];
    near(ceiling(2, &pairs, &[1_000, 0], &[100, 500]), 250.0);
    near(
        ceiling(
            2,
            &[pair(0, 1, 500_000, 0, Some(150))],
            &[200, 0],
            &[0, 500],
        ),
        100.0,
    );
}

#[test]
fn a_pair_nobody_gains_from_is_outside_the_ceiling() {
    let pairs = [pair(0, 0, 0, 220_001, None)];
    near(ceiling(1, &pairs, &[500], &[500]), 0.0);
    near(
        ceiling(1, &[pair(0, 0, 0, 220_000, None)], &[500], &[500]),
        500.0,
    );
}

#[test]
fn gain_is_judged_exactly() {
    let trades = |loss, charge, import, feed_in| {
        pair_trades(Ppm(loss), Price(charge), Tariff(import), Tariff(feed_in))
    };
    assert!(trades(0, 0, 80, 80));
    assert!(!trades(0, 1, 80, 80));
    // L = 93 / 0.93 = 100: a tie trades, one more ppm of loss does not.
    assert!(trades(70_000, 0, 100, 93));
    assert!(!trades(70_001, 0, 100, 93));
    // A negative feed-in tariff counts as nothing; a negative U never trades.
    assert!(trades(0, 10, 10, -50));
    assert!(!trades(0, 11, 10, -50));
    assert!(!trades(0, 0, -1, -50));
    assert!(!trades(1_000_000, 0, 100, 0));
}

/// Exhaustive: arriving flows in whole steps over every link, losses chosen so that steps are exact.
fn exhaustive(links: &[ZonePair], surplus: &[u64], deficit: &[u64], step: u64) -> u64 {
    let Some((link, rest)) = links.split_first() else {
        return 0;
    };
    let (from, to) = (usize::from(link.from.0), usize::from(link.to.0));
    let kept = u64::from(1_000_000 - link.loss.0);
    let mut best = 0;
    let mut arriving = 0;
    while arriving <= deficit[to]
        && link.capacity.is_none_or(|cap| arriving <= cap.0)
        && arriving * 1_000_000 <= surplus[from] * kept
    {
        let (mut s, mut d) = (surplus.to_vec(), deficit.to_vec());
        s[from] -= (arriving * 1_000_000).div_ceil(kept);
        d[to] -= arriving;
        best = best.max(arriving + exhaustive(rest, &s, &d, step));
        arriving += step;
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Without loss the transport problem is totally unimodular: its optimum is a whole number of
    /// steps, which the exhaustive search finds exactly.
    #[test]
    fn lossless_networks_match_an_exhaustive_search(
        surplus in prop::collection::vec(0u64..5, 3),
        deficit in prop::collection::vec(0u64..5, 3),
        present in prop::collection::vec(prop::option::of(prop::option::of(0u64..4)), 9),
    ) {
        let pairs: Vec<ZonePair> = present.iter().enumerate().filter_map(|(i, terms)| {
            let (from, to) = ((i / 3) as u16, (i % 3) as u16);
            terms.map(|capacity| pair(from, to, 0, 0, capacity))
        }).collect();
        let found = ceiling(3, &pairs, &surplus, &deficit);
        let expected = exhaustive(&pairs, &surplus, &deficit, 1) as f64;
        prop_assert!((found - expected).abs() < 1e-6, "{} instead of {}", found, expected);
    }

    /// With losses the search on a grid is a lower bound within one step per link, and the optimum
    /// never delivers more than sources and sinks allow.
    #[test]
    fn lossy_networks_lie_between_the_search_and_the_bounds(
        surplus in prop::collection::vec(0u64..40, 2),
        deficit in prop::collection::vec(0u64..40, 2),
        terms in prop::collection::vec((0u32..4, prop::option::of(0u64..30)), 4),
    ) {
        let pairs: Vec<ZonePair> = terms.iter().enumerate()
            .map(|(i, (loss, capacity))| pair((i / 2) as u16, (i % 2) as u16, loss * 150_000, 0, *capacity))
            .collect();
        let found = ceiling(2, &pairs, &surplus, &deficit);
        let expected = exhaustive(&pairs, &surplus, &deficit, 1) as f64;
        prop_assert!(found >= expected - 1e-6, "{} is less than {}", found, expected);
        // Rounding each of four flows down costs less than 1 Wh arriving, and its ceiling at the
        // source less than 1 Wh sent.
        prop_assert!(found <= expected + 8.0, "{} is far more than {}", found, expected);
        prop_assert!(found <= surplus.iter().sum::<u64>() as f64 + 1e-6);
        prop_assert!(found <= deficit.iter().sum::<u64>() as f64 + 1e-6);
    }
}
