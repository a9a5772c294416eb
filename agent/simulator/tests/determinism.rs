//! One seed is one run, to the byte, for any number of threads.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod common;

use common::{ceiling_share, day_part, simulate};
use wattpool_report::Outcome;
use wattpool_scenario::model::{Faults, Feeders, Neighbourhood};
use wattpool_simulator::Signatures;

/// More homes than the engine hands to one thread: every window opens for all of them in one tick.
fn wide(faults: Faults) -> Neighbourhood {
    // An hour and a half from 12:00 on.
    let n = day_part(220, 3, 2, 48, 6);
    Neighbourhood {
        faults,
        feeders: Some(Feeders::typical(&n, 4)),
        ..n
    }
}

fn every_fault() -> Faults {
    Faults {
        message_loss: 0.05,
        message_delay_ms: 400.0,
        silent_sellers: 0.1,
        failing_sellers: 0.05,
        bad_sellers: 0.1,
        bad_failures: 0.7,
        crashes_per_day: 6.0,
        late_restarts: 0.3,
        wrong_readings: 0.03,
        halts_per_day: 24.0,
        halt_seconds: 300.0,
        duplicates: 0.1,
        unfunded_per_day: 1.0,
        unfunded_hours: 2.0,
        ..Faults::default()
    }
}

/// All that a run hands over except its times, as bytes.
fn bytes(o: &Outcome) -> String {
    let trades = serde_json::to_string(&o.trades).unwrap();
    let cells =
        serde_json::to_string(&(&o.bought_wh, &o.sold_gross_wh, &o.spent, &o.earned)).unwrap();
    let counts = serde_json::to_string(&(
        (
            o.finished_windows,
            o.needs_served,
            o.requests,
            o.approvals,
            o.lookups,
            o.messages,
        ),
        (
            o.transactions,
            o.refused_transactions,
            &o.faults,
            o.invariant_checks,
            &o.invariant_violations,
        ),
    ));
    format!("{}\n{trades}\n{cells}\n{}", o.state_hash, counts.unwrap())
}

fn same_for_any_number_of_threads(n: &Neighbourhood) -> Outcome {
    let one = simulate(n, 7, 1, Signatures::Trusted);
    assert!(one.trades.len() > 100, "{} trades", one.trades.len());
    assert_eq!(one.state_hash.len(), 64);
    for threads in [1, 2, 5] {
        let again = simulate(n, 7, threads, Signatures::Trusted);
        assert!(
            bytes(&one) == bytes(&again),
            "{threads} threads: {} and {}",
            one.state_hash,
            again.state_hash
        );
    }
    assert_eq!(one.invariant_violations, Vec::<String>::new());
    one
}

#[test]
fn threads_do_not_change_a_run() {
    let n = wide(Faults::default());
    let one = same_for_any_number_of_threads(&n);
    let other = simulate(&n, 8, 2, Signatures::Trusted);
    assert_ne!(
        one.state_hash, other.state_hash,
        "another seed is another run"
    );
    assert_ne!(
        serde_json::to_string(&one.trades).unwrap(),
        serde_json::to_string(&other.trades).unwrap()
    );
}

#[test]
fn threads_do_not_change_a_run_with_faults() {
    let one = same_for_any_number_of_threads(&wide(every_fault()));
    for name in [
        "crashes",
        "messages_lost",
        "requests_to_silent_sellers",
        "sellers_without_tokens",
        "wrong_readings",
        "halts",
    ] {
        assert!(
            common::faults(&one, name) > 0,
            "no {name} in {:?}",
            one.faults
        );
    }
}

/// The homes' energy comes from the scenario's seed, all else from the run's.
#[test]
fn the_arithmetic_of_signatures_does_not_change_what_is_traded() {
    let n = day_part(12, 4, 1, 40, 16);
    for signatures in [Signatures::Trusted, Signatures::Verified] {
        let outcome = simulate(&n, 1, 1, signatures);
        assert_eq!(
            outcome.invariant_violations,
            Vec::<String>::new(),
            "{signatures:?}"
        );
        let share = ceiling_share(&n, &outcome);
        assert!(share >= 0.99, "{signatures:?}: {share}");
        assert_eq!(outcome.finished_windows, n.windows);
    }
}
