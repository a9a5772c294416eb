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

/// Exhaustive search over whole Wh arriving on every link, without losses.
fn exhaustive(links: &[ZonePair], surplus: &[u64], deficit: &[u64]) -> u64 {
    let Some((link, rest)) = links.split_first() else {
        return 0;
    };
    let (from, to) = (usize::from(link.from.0), usize::from(link.to.0));
    let most = surplus[from]
        .min(deficit[to])
        .min(link.capacity.map_or(u64::MAX, |wh| wh.0));
    let carrying = |arriving: u64| {
        let (mut left, mut open) = (surplus.to_vec(), deficit.to_vec());
        left[from] -= arriving;
        open[to] -= arriving;
        arriving + exhaustive(rest, &left, &open)
    };
    (0..=most).map(carrying).max().unwrap_or(0)
}

/// Solves a square system by elimination with pivoting; `None` when it is singular.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for column in 0..n {
        let pivot =
            (column..n).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        if rows[column][column].abs() < 1e-9 {
            return None;
        }
        let pivot = rows[column].clone();
        for (_, row) in rows
            .iter_mut()
            .enumerate()
            .filter(|(index, _)| *index != column)
        {
            let factor = row[column] / pivot[column];
            for (entry, from_pivot) in row.iter_mut().zip(&pivot) {
                *entry -= factor * from_pivot;
            }
        }
    }
    Some((0..n).map(|row| rows[row][n] / rows[row][row]).collect())
}

/// The optimum with losses as the best vertex of the feasible set: every choice of as many
/// constraints as there are links, met with equality.
fn best_vertex(links: &[ZonePair], surplus: &[u64], deficit: &[u64]) -> f64 {
    let n = links.len();
    let mut constraints: Vec<Vec<f64>> = Vec::new();
    let mut constrain = |coefficient: &dyn Fn(usize) -> f64, limit: f64| {
        constraints.push((0..n).map(coefficient).chain([limit]).collect());
    };
    for zone in 0..surplus.len() {
        let sent = |i: usize| 1e6 / f64::from(1_000_000 - links[i].loss.0);
        constrain(
            &|i| {
                if usize::from(links[i].from.0) == zone {
                    sent(i)
                } else {
                    0.0
                }
            },
            surplus[zone] as f64,
        );
        constrain(
            &|i| f64::from(u8::from(usize::from(links[i].to.0) == zone)),
            deficit[zone] as f64,
        );
    }
    for (link, pair) in links.iter().enumerate() {
        constrain(&|i| if i == link { -1.0 } else { 0.0 }, 0.0);
        if let Some(capacity) = pair.capacity {
            constrain(&|i| f64::from(u8::from(i == link)), capacity.0 as f64);
        }
    }
    let holds = |x: &[f64]| {
        constraints
            .iter()
            .all(|c| c.iter().zip(x).map(|(a, x)| a * x).sum::<f64>() <= c[n] + 1e-7)
    };
    let choices = (0u32..1 << constraints.len()).filter(|mask| mask.count_ones() as usize == n);
    let vertex = |mask: u32| {
        solve(
            (0..constraints.len())
                .filter(|i| mask >> i & 1 == 1)
                .map(|i| constraints[i].clone())
                .collect(),
        )
    };
    choices
        .filter_map(vertex)
        .filter(|x| holds(x))
        .map(|x| x.iter().sum())
        .fold(0.0, f64::max)
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
        let expected = exhaustive(&pairs, &surplus, &deficit) as f64;
        prop_assert!((found - expected).abs() < 1e-6, "{} instead of {}", found, expected);
    }

    /// With losses, the optimum of a linear problem is at a vertex.
    #[test]
    fn lossy_networks_match_the_best_vertex(
        surplus in prop::collection::vec(0u64..40, 2),
        deficit in prop::collection::vec(0u64..40, 2),
        terms in prop::collection::vec((0u32..5, prop::option::of(0u64..30)), 4),
    ) {
        let pairs: Vec<ZonePair> = terms.iter().enumerate()
            .map(|(i, (loss, capacity))| pair((i / 2) as u16, (i % 2) as u16, loss * 130_000, 0, *capacity))
            .collect();
        let found = ceiling(2, &pairs, &surplus, &deficit);
        let expected = best_vertex(&pairs, &surplus, &deficit);
        prop_assert!((found - expected).abs() < 1e-5, "{} instead of {}", found, expected);
    }
}
