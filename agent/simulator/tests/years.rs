//! What agents need to live for years: eight homes through long halts of the chain, accounts without fees and
//! restarts. Every Wh is minted or credited exactly once, and what a device keeps stays small.
//!
//! Sixty days; `WATTPOOL_DAYS=1095` makes it three years.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod common;

use common::{faults, simulate};
use wattpool_scenario::model::Faults;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_simulator::Signatures;

const HOMES: u32 = 8;
/// Quiet at the end, so that what waits is stated before the run ends: days.
const QUIET: u32 = 4;
const DAY_S: f64 = 86_400.0;
/// Journal and history of a home fit into 20 MiB; the history keeps itself to 12.
const MOST_JOURNAL: u64 = 4 * 1024 * 1024;

#[test]
fn every_wh_is_counted_once_through_halts_empty_accounts_and_restarts() {
    let days = std::env::var("WATTPOOL_DAYS").map_or(60, |text| {
        text.parse::<u32>()
            .ok()
            .filter(|days| *days > 2 * QUIET)
            .unwrap_or_else(|| {
                panic!(
                    "WATTPOOL_DAYS: expected more than {} days, found {text:?}",
                    2 * QUIET
                )
            })
    });
    let options = GenerateOptions {
        homes: HOMES,
        days,
        seed: 7,
        ..GenerateOptions::default()
    };
    let mut n = neighbourhood(&options).unwrap();
    n.faults = Faults {
        // One in ten days, three days on average, ten at most.
        halts_per_day: 0.1,
        halt_seconds: 3.0 * DAY_S,
        longest_halt_seconds: 10.0 * DAY_S,
        // Each account is empty once a fortnight, for a day and a half on average.
        unfunded_per_day: 1.0 / 14.0,
        unfunded_hours: 36.0,
        // Some 200 restarts in sixty days, a third of them hours later.
        crashes_per_day: 200.0 / 60.0 / f64::from(HOMES),
        late_restarts: 0.3,
        quiet_days: f64::from(QUIET),
        duplicates: 0.02,
        ..Faults::default()
    };
    let o = simulate(&n, 7, 1, Signatures::Trusted);
    println!("{} trades, {:?}", o.trades.len(), o.faults);
    assert_eq!(o.invariant_violations, Vec::<String>::new());
    assert_eq!(o.finished_windows, n.windows, "every window is settled");
    let (mut late, mut minted) = (0_u64, 0_u64);
    for window in 0..n.windows {
        for (number, home) in n.homes.iter().enumerate() {
            let cell = window * n.homes.len() + number;
            let exported = home.generation_wh[window].saturating_sub(home.demand_wh[window]);
            let needed = home.demand_wh[window].saturating_sub(home.generation_wh[window]);
            assert_eq!(
                o.minted_wh[cell] + o.late_wh[cell],
                exported,
                "window {window}, home {number}: minted {}, credited late {}",
                o.minted_wh[cell],
                o.late_wh[cell]
            );
            assert!(
                o.sold_gross_wh[cell] <= o.minted_wh[cell] && o.bought_wh[cell] <= needed,
                "window {window}, home {number}: the rest is fed in or the grid's"
            );
            late += u64::from(o.late_wh[cell]);
            minted += u64::from(o.minted_wh[cell]);
        }
    }
    println!(
        "{minted} Wh minted, {late} Wh credited late; longest journal {} bytes",
        o.largest_journal_bytes
    );
    for (name, least) in [
        ("halts", u64::from(days) / 60),
        ("accounts_without_fees", u64::from(days) / 4),
        ("unsent_for_want_of_fees", u64::from(days)),
        ("crashes", u64::from(days) * 2),
        ("late_restarts", u64::from(days) / 4),
    ] {
        let count = faults(&o, name);
        assert!(count >= least.max(1), "{name}: {count}, expected {least}");
    }
    assert!(
        late > minted / 100 && minted > late / 10,
        "{late} of {minted}"
    );
    assert!(
        (1..MOST_JOURNAL).contains(&o.largest_journal_bytes),
        "{} bytes",
        o.largest_journal_bytes
    );
}
