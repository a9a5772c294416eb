//! One script through both shells: what happened to a home in a simulated run, with crashes and everything heard
//! twice, happens to it once more under the runtime of the real world, on tokio's paused clock. The effects are the
//! same, in the same order, at the same times.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod played;

use common::day_part;
use played::{replay, Played, Sent};
use wattpool_host::{Counters, Effect};
use wattpool_scenario::model::Faults;
use wattpool_simulator::{run_tapped, RunOptions, Signatures, Tap};

/// A run of two and a half hours around noon, and one home's part in it.
fn script(seed: u64, home: u32, faults: Faults) -> Tap {
    let mut n = day_part(14, seed, 2, 46, 10);
    n.faults = faults;
    let options = RunOptions {
        seed,
        threads: 1,
        signatures: Signatures::Trusted,
        record: false,
    };
    let (outcome, tap) = run_tapped(&n, &options, home).unwrap();
    assert_eq!(outcome.invariant_violations, Vec::<String>::new());
    tap
}

/// Everything that goes wrong, each a little different from seed to seed.
fn troubled(seed: u64, duplicates: f64) -> Faults {
    Faults {
        message_loss: 0.03,
        message_delay_ms: 150.0,
        crashes_per_day: if seed.is_multiple_of(3) { 0.0 } else { 24.0 },
        late_restarts: 0.2,
        halts_per_day: if seed.is_multiple_of(2) { 12.0 } else { 0.0 },
        halt_seconds: 200.0,
        failing_sellers: 0.05,
        wrong_readings: 0.02,
        duplicates,
        ..Faults::default()
    }
}

/// Effects that are compared. What only one world needs is left out: all homes' records are known to a simulation,
/// which keeps no history; tickets are the shell's names.
fn compared(effects: impl IntoIterator<Item = (u64, Effect)>) -> Vec<(u64, Effect)> {
    let effects = effects.into_iter().filter_map(|(at, effect)| {
        let effect = match effect {
            Effect::FetchSellers { .. }
            | Effect::Record { .. }
            | Effect::RecordTariffs { .. }
            | Effect::RecordedTo(_)
            | Effect::CatchUp { .. } => return None,
            Effect::Tell { notice, .. } => Effect::Tell {
                at: Default::default(),
                notice,
            },
            Effect::Reply { answer, .. } => Effect::Reply { ticket: 0, answer },
            Effect::Silence { .. } => Effect::Silence { ticket: 0 },
            other => other,
        };
        Some((at, effect))
    });
    effects.collect()
}

/// Replays a home's script and compares.
fn same_in_both(seed: u64, home: u32, tap: Tap, blocks_twice: bool) -> Vec<(u64, Effect)> {
    let simulated = compared(tap.effects.iter().cloned());
    let crashes = tap.crashes.len();
    let simulated_counts = traded(&tap.counted);
    let Sent {
        effects,
        starts,
        counted,
    } = replay(Played::new(tap, blocks_twice));
    // After the last crash the run may have been over.
    assert!(
        starts == crashes || starts == crashes + 1,
        "seed {seed}, home {home}: {starts} starts, {crashes} crashes"
    );
    let real = compared(effects);
    // Nothing that was heard twice is counted twice.
    if let Some(counted) = counted.filter(|_| starts == crashes + 1) {
        let counts = traded(&counted);
        assert_eq!(counts, simulated_counts, "seed {seed}, home {home}");
    }
    for (index, (a, b)) in simulated.iter().zip(&real).enumerate() {
        assert_eq!(
            a, b,
            "seed {seed}, home {home}: effect {index}; left the simulator's, right the runtime's"
        );
    }
    assert_eq!(
        simulated.len(),
        real.len(),
        "seed {seed}, home {home}: {:?}",
        simulated.get(real.len()).or(real.get(simulated.len()))
    );
    simulated
}

/// What a home counts of its trades, whichever shell it lives in.
fn traded(c: &Counters) -> [u64; 4] {
    [c.purchases, c.bought_wh, c.sales, c.sold_wh]
}

/// How many seeds; more with WATTPOOL_SCRIPTS.
fn seeds() -> u64 {
    std::env::var("WATTPOOL_SCRIPTS").map_or(4, |n| n.parse().expect("a number"))
}

fn count(all: &[(u64, Effect)], which: impl Fn(&Effect) -> bool) -> usize {
    all.iter().filter(|(_, e)| which(e)).count()
}

#[test]
fn one_script_has_the_same_effects_in_both_shells() {
    let (mut all, mut crashes) = (Vec::new(), 0);
    for seed in 0..seeds() {
        for home in [seed as u32 % 14, (seed as u32 + 5) % 14] {
            // Half of the scripts are heard twice by the simulated host, the others by the real one.
            let twice = if seed.is_multiple_of(2) { 0.3 } else { 0.0 };
            let tap = script(seed, home, troubled(seed, twice));
            crashes += tap.crashes.len();
            all.extend(same_in_both(seed, home, tap, twice == 0.0));
        }
    }
    let submits = count(&all, |e| matches!(e, Effect::Submit { .. }));
    let asks = count(&all, |e| matches!(e, Effect::Ask { .. }));
    let replies = count(&all, |e| matches!(e, Effect::Reply { .. }));
    println!(
        "{} effects, {submits} transactions, {asks} requests, {replies} answers, {crashes} crashes",
        all.len()
    );
    assert!(submits > 50 && asks > 10 && replies > 10 && crashes > 2);
}
