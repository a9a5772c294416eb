//! A third of the nodes hostile, a fifth of the others leaving and joining.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of a test"
)]

mod common;

use common::run;
use wattpool_testbed::{self, Scenario};

#[test]
fn hostile_nodes_hide_hardly_an_offer_and_forge_none() {
    let course = Scenario {
        nodes: 24,
        hostile_percent: 30,
        churn_percent: 20,
        windows: 2,
        seekers: 6,
        within_ms: 20_000,
        seed: 7,
    };
    let outcome = run(wattpool_testbed::run(course, &mut |line| {
        eprintln!("{line}")
    }))
    .unwrap();
    assert_eq!(outcome.forged(), 0, "{outcome:#?}");
    assert!(outcome.found_permille() >= 950, "{outcome:#?}");
    // That it was put to the test: the hostile ones were met, and only they.
    let figures = outcome.figures;
    assert!(
        figures.dropped > 0 && figures.refused > 0 && figures.bans > 0,
        "{figures:#?}"
    );
    assert_eq!(outcome.wrongly_banned, 0, "{outcome:#?}");
    let churned: u64 = outcome.windows.iter().map(|w| w.left.min(w.joined)).sum();
    assert!(churned >= 3, "{outcome:#?}");
}
