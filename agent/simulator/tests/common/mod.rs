//! Small neighbourhoods and their runs.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::sync::atomic::AtomicBool;
use wattpool_chance::Chance;
use wattpool_report::{measure, Outcome};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_simulator::{run, RunOptions, Signatures};

/// In `[0, 1)`.
pub fn unit(numbers: &mut Chance) -> f64 {
    let drawn = (numbers.word() >> 11) as f64 / (1u64 << 53) as f64;
    assert!((0.0..1.0).contains(&drawn));
    drawn
}

/// Zero in one of three cases, else up to `most`.
pub fn sometimes(numbers: &mut Chance, most: f64) -> f64 {
    if numbers.below(3) == 0 {
        0.0
    } else {
        unit(numbers) * most
    }
}

/// A generated neighbourhood of one day, cut to `windows` quarter hours from local window `from` on.
pub fn day_part(homes: u32, seed: u64, zones: u16, from: usize, windows: usize) -> Neighbourhood {
    let options = GenerateOptions {
        homes,
        days: 1,
        seed,
        zones,
        ..GenerateOptions::default()
    };
    cut(neighbourhood(&options).unwrap(), from, windows)
}

/// Only these windows of it.
pub fn cut(mut n: Neighbourhood, from: usize, windows: usize) -> Neighbourhood {
    fn keep<T>(series: &mut Vec<T>, from: usize, windows: usize) {
        series.drain(..from);
        series.truncate(windows);
        assert_eq!(series.len(), windows);
    }
    for home in &mut n.homes {
        keep(&mut home.demand_wh, from, windows);
        keep(&mut home.generation_wh, from, windows);
    }
    keep(&mut n.import_tariff, from, windows);
    keep(&mut n.feed_in_tariff, from, windows);
    keep(&mut n.carbon_g_per_kwh, from, windows);
    n.first_window = n.first_window.plus(from as u64);
    n.windows = windows;
    n
}

/// A run to its end.
pub fn simulate(n: &Neighbourhood, seed: u64, threads: usize, signatures: Signatures) -> Outcome {
    let options = RunOptions {
        seed,
        threads,
        signatures,
        record: false,
    };
    run(n, &options, &AtomicBool::new(false), &mut |_| {}).unwrap()
}

/// Share of the ceiling that the run reached.
pub fn ceiling_share(n: &Neighbourhood, outcome: &Outcome) -> f64 {
    measure(n, outcome)
        .unwrap()
        .summary
        .ceiling_share
        .expect("something to match")
}

/// Injected faults of a kind.
pub fn faults(outcome: &Outcome, name: &str) -> u64 {
    outcome
        .faults
        .iter()
        .find(|(n, _)| n == name)
        .map_or(0, |(_, count)| *count)
}
