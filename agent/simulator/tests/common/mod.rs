//! Small neighbourhoods and their runs.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::sync::atomic::AtomicBool;
use wattpool_report::{measure, Outcome};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_simulator::{run, RunOptions, Signatures};

/// SplitMix64 (Steele et al. 2014): the tests' own numbers, independent of the engine's streams.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// In `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Zero in one of three cases, else up to `most`.
    pub fn sometimes(&mut self, most: f64) -> f64 {
        if self.below(3) == 0 {
            0.0
        } else {
            self.unit() * most
        }
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
