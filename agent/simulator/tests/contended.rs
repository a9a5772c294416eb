//! Zones with losses, charges and thin lines, many deficits after the same sellers: the market ends near what a
//! linear program over each window finds.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{cut, simulate};
use wattpool_report::measure;
use wattpool_scenario::{contended, GenerateOptions};
use wattpool_simulator::Signatures;

/// Least share of the ceiling.
const LEAST: f64 = 0.995;

#[test]
fn zones_with_losses_and_thin_lines_reach_their_ceiling() {
    let mut scarce = 0;
    for (homes, seeds) in [(10, 1..=4), (40, 1..=4), (100, 2..=2)] {
        for seed in seeds {
            let options = GenerateOptions {
                homes,
                days: 1,
                seed,
                ..GenerateOptions::default()
            };
            let n = contended(&options).unwrap();
            assert!(n.zone_pairs.iter().any(|p| p.capacity.is_some()) || homes == 10);
            let outcome = simulate(&n, seed, 1, Signatures::Trusted);
            let s = measure(&n, &outcome).unwrap().summary;
            let share = s.ceiling_share.expect("something to match");
            println!(
                "{homes} homes, seed {seed}: {share:.5}, still to be matched {:.0} Wh, misplaced {:.0} Wh",
                s.left_over_wh, s.misplaced_wh
            );
            assert_eq!(s.invariant_violations, 0, "{:?}", s.violations);
            assert!(
                (LEAST..=1.0).contains(&share),
                "{homes} homes, seed {seed}: {share}"
            );
            // Lines of limited capacity were in use, many of them to their last Wh.
            let full = outcome.carried.iter().filter(|((_, from, to), wh)| {
                n.zone_pairs
                    .iter()
                    .any(|p| p.from == *from && p.to == *to && p.capacity == Some(**wh))
            });
            scarce += full.count();
        }
    }
    assert!(scarce > 20, "{scarce} lines were full");
}

/// The same in the mode in which every signature is checked, and on several threads.
#[test]
fn plans_are_the_same_on_any_number_of_threads() {
    let options = GenerateOptions {
        homes: 150,
        days: 1,
        seed: 3,
        ..GenerateOptions::default()
    };
    // From 17:00 on, when surplus and need are of the same size.
    let n = cut(contended(&options).unwrap(), 68, 6);
    let [one, two] = [1, 2].map(|threads| simulate(&n, 3, threads, Signatures::Trusted));
    assert_eq!(one.state_hash, two.state_hash);
    assert_eq!(one.trades, two.trades);
    assert!(!one.carried.is_empty());
}
