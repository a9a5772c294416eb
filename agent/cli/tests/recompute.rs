//! The figures of a real neighbourhood against a recomputation from the input files alone: it shares no code
//! with the project.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::path::Path;
use wattpool_program_harness::{data, number, scenario, wattpool};

/// The scenario's feed-in tariff, per kWh.
const FEED_IN: f64 = 0.08;

/// What the input files say, in Wh and currency.
#[derive(Debug, Default)]
struct Expected {
    demand: f64,
    generation: f64,
    own_use: f64,
    import: f64,
    bill: f64,
    ceiling: f64,
    /// The same with nothing traded between streets.
    ceiling_within: f64,
}

/// A column of a CSV file without quotes.
fn column(path: &Path, name: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let at = lines
        .next()
        .unwrap()
        .split(',')
        .position(|c| c.trim() == name)
        .unwrap();
    lines
        .map(|line| line.split(',').nth(at).unwrap().trim().parse().unwrap())
        .collect()
}

/// Street of a home in `citylearn-losses.toml`: 1 to 5, 6 to 9, 10 to 13, 14 to 17.
fn street(home: usize) -> usize {
    [5, 9, 13, 17]
        .iter()
        .position(|last| home <= *last)
        .unwrap()
}

fn recompute(folder: &Path) -> Expected {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("schema.json")).unwrap())
            .unwrap();
    let price = column(&folder.join("pricing.csv"), "electricity_pricing");
    let mut e = Expected::default();
    let mut surplus = vec![[0.0; 4]; price.len()];
    let mut deficit = surplus.clone();
    for home in 1..=17 {
        let name = format!("Building_{home}");
        let building = &schema["buildings"][&name];
        let kwp = building["pv"]["attributes"]["nominal_power"]
            .as_f64()
            .unwrap();
        let file = folder.join(building["energy_simulation"].as_str().unwrap());
        let load = column(&file, "non_shiftable_load");
        let sun = column(&file, "solar_generation");
        assert_eq!((load.len(), sun.len()), (price.len(), price.len()));
        for hour in 0..price.len() {
            // kWh in the hour; W for every kWp over one hour are Wh.
            let (demand, generation) = (load[hour] * 1_000.0, sun[hour] * kwp);
            e.demand += demand;
            e.generation += generation;
            e.own_use += demand.min(generation);
            let (lacks, has) = (
                (demand - generation).max(0.0),
                (generation - demand).max(0.0),
            );
            e.import += lacks;
            e.bill += lacks / 1_000.0 * price[hour] - has / 1_000.0 * FEED_IN;
            deficit[hour][street(home)] += lacks;
            surplus[hour][street(home)] += has;
        }
    }
    for (has, lacks) in surplus.iter().zip(&deficit) {
        e.ceiling += has.iter().sum::<f64>().min(lacks.iter().sum());
        e.ceiling_within += has.iter().zip(lacks).map(|(a, b)| a.min(*b)).sum::<f64>();
    }
    e
}

fn simulate(name: &str, folder: &Path) -> Value {
    let ran = wattpool(&[
        "simulate",
        &scenario(name),
        "--data",
        folder.to_str().unwrap(),
        "--threads",
        "1",
        "--json",
    ]);
    let summary = ran.json();
    assert_eq!(summary["windows"], 8_760);
    assert_eq!(summary["finished"], true);
    assert!(summary["invariant_checks"].as_u64().unwrap() > 8_760);
    assert_eq!(
        summary["invariant_violations"], 0,
        "{}",
        summary["violations"]
    );
    summary
}

/// Within one in a thousand.
fn agree(what: &str, found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= expected.abs() * 1e-3,
        "{what}: {found}, recomputed {expected}"
    );
}

fn base_case_agrees(summary: &Value, e: &Expected) {
    agree("demand", number(summary, "demand_wh"), e.demand);
    agree("generation", number(summary, "generation_wh"), e.generation);
    agree("own use", number(summary, "own_use_wh"), e.own_use);
    agree(
        "self-sufficiency without trading",
        number(summary, "self_sufficiency_without_trading"),
        e.own_use / e.demand,
    );
    agree(
        "grid import without trading",
        number(summary, "grid_import_without_trading_wh"),
        e.import,
    );
    agree(
        "bill without trading",
        number(summary, "bill_without_trading") / 1e6,
        e.bill,
    );
}

/// What follows from the recomputed base case and what was traded.
fn trading_adds_up(summary: &Value, e: &Expected) {
    let (traded, lost) = (number(summary, "traded_wh"), number(summary, "lost_wh"));
    agree(
        "grid import",
        number(summary, "grid_import_wh"),
        e.import - traded,
    );
    agree(
        "self-sufficiency",
        number(summary, "self_sufficiency"),
        (e.own_use + traded) / e.demand,
    );
    agree(
        "feed-in",
        number(summary, "feed_in_wh"),
        e.generation - e.own_use - traded - lost,
    );
    agree(
        "welfare",
        number(summary, "welfare"),
        number(summary, "bill_without_trading") - number(summary, "bill"),
    );
    assert!(number(summary, "bill") < number(summary, "bill_without_trading"));
}

#[test]
fn a_year_of_citylearn_agrees_with_its_files() {
    let Some(folder) = data() else { return };
    let e = recompute(&folder);
    let summary = simulate("citylearn.toml", &folder);
    base_case_agrees(&summary, &e);
    trading_adds_up(&summary, &e);
    agree("ceiling", number(&summary, "ceiling_wh"), e.ceiling);
    agree(
        "self-sufficiency at the ceiling",
        number(&summary, "self_sufficiency_ceiling"),
        (e.own_use + e.ceiling) / e.demand,
    );
    assert_eq!(summary["lost_wh"], 0);

    let near = |field: &str, expected: f64| {
        let found = number(&summary, field);
        assert!(
            (found - expected).abs() <= 1e-4,
            "{field}: {found}, expected {expected}"
        );
    };
    near("self_sufficiency_without_trading", 0.3391);
    near("self_sufficiency_ceiling", 0.4434);
    let reached = number(&summary, "self_sufficiency");
    assert!(reached >= 0.4424, "{reached}");
    let share = number(&summary, "ceiling_share");
    assert!((0.99..=1.0).contains(&share), "{share}");
}

#[test]
fn a_year_with_losses_reaches_its_ceiling() {
    let Some(folder) = data() else { return };
    let e = recompute(&folder);
    let summary = simulate("citylearn-losses.toml", &folder);
    base_case_agrees(&summary, &e);
    trading_adds_up(&summary, &e);
    let ceiling = number(&summary, "ceiling_wh");
    assert!(
        e.ceiling_within * 0.999 < ceiling && ceiling < e.ceiling,
        "{} < {ceiling} < {}",
        e.ceiling_within,
        e.ceiling
    );
    let share = number(&summary, "ceiling_share");
    assert!((0.99..=1.0).contains(&share), "{share}");
    assert!(number(&summary, "lost_wh") > 0.0);
}
