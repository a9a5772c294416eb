//! The scenario files that come with the project. Those of the CityLearn data set need its files: in
//! `$WATTPOOL_DATA/citylearn-2022`, by default in `shared/data` beside the checkout.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use wattpool_core::policy::Policy;
use wattpool_scenario::attackers::Attack;
use wattpool_scenario::model::{HomeKind, Neighbourhood};
use wattpool_scenario::{load, neighbourhood, GenerateOptions, Overrides};
use wattpool_schema::{Ppm, Price, Tariff, Wh, Zone};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(3)
        .unwrap()
        .to_path_buf()
}

fn scenario(name: &str) -> PathBuf {
    root().join("agent/simulator/scenarios").join(name)
}

/// The data folder, or `None` with a line that says so.
fn data() -> Option<PathBuf> {
    let data = match std::env::var_os("WATTPOOL_DATA") {
        Some(dir) => PathBuf::from(dir),
        None => root().parent()?.join("shared/data"),
    };
    if data.join("citylearn-2022/schema.json").exists() {
        return Some(data);
    }
    println!("skipped: no data in {} (set WATTPOOL_DATA)", data.display());
    None
}

/// Self-sufficiency without trading, and with perfect matching in every window.
fn self_sufficiency(n: &Neighbourhood) -> (f64, f64) {
    let (mut demand, mut own, mut matched) = (0, 0, 0);
    for w in 0..n.windows {
        let (mut surplus, mut deficit) = (0, 0);
        for home in &n.homes {
            let (d, g) = (
                u64::from(home.demand_wh[w]),
                u64::from(home.generation_wh[w]),
            );
            demand += d;
            own += d.min(g);
            surplus += g.saturating_sub(d);
            deficit += d.saturating_sub(g);
        }
        matched += surplus.min(deficit);
    }
    let share = |wh: u64| wh as f64 / demand as f64;
    (share(own), share(own + matched))
}

#[test]
fn citylearn_reaches_the_published_self_sufficiency() {
    let Some(data) = data() else { return };
    let n = load(
        &scenario("citylearn.toml"),
        Some(&data),
        &Overrides::default(),
    )
    .unwrap();
    assert_eq!((n.homes.len(), n.windows, n.window_s), (17, 8_760, 3_600));
    // 31 July 2016, 23:00 Pacific standard time.
    assert_eq!(n.start().get(), 1_470_034_800);
    let (alone, perfect) = self_sufficiency(&n);
    assert!((alone - 0.3391).abs() < 0.0001, "{alone}");
    assert!((perfect - 0.4434).abs() < 0.0001, "{perfect}");

    let demand: u64 = n
        .homes
        .iter()
        .flat_map(|h| &h.demand_wh)
        .map(|wh| u64::from(*wh))
        .sum();
    let generation: u64 = n
        .homes
        .iter()
        .flat_map(|h| &h.generation_wh)
        .map(|wh| u64::from(*wh))
        .sum();
    // 169,644.0 kWh and 103,425.4 kWh in the files; each home's sum is rounded once.
    assert!(demand.abs_diff(169_644_031) <= 17, "{demand}");
    assert!(generation.abs_diff(103_425_402) <= 17, "{generation}");
    assert!(n.homes.iter().all(|h| h.kind == HomeKind::Pv));
    assert_eq!(n.import_tariff[0], Tariff(220_000));
    assert_eq!(n.import_tariff[16], Tariff(540_000));
    assert!((n.carbon_g_per_kwh[0] - 170.7244).abs() < 1e-9);
    assert_eq!(n.notes, Vec::<String>::new());
}

#[test]
fn citylearn_is_cut_to_days_and_meters_without_changing_them() {
    let Some(data) = data() else { return };
    let whole = load(
        &scenario("citylearn.toml"),
        Some(&data),
        &Overrides::default(),
    )
    .unwrap();
    let cut = Overrides {
        days: Some(3),
        meters: Some(5),
        seed: None,
    };
    // The data folder itself will do as well.
    let part = load(
        &scenario("citylearn.toml"),
        Some(&data.join("citylearn-2022")),
        &cut,
    )
    .unwrap();
    assert_eq!((part.homes.len(), part.windows), (5, 72));
    for (a, b) in part.homes.iter().zip(&whole.homes) {
        assert_eq!((&a.name, &a.demand_wh[..]), (&b.name, &b.demand_wh[..72]));
        assert_eq!(a.generation_wh[..], b.generation_wh[..72]);
    }
    for (days, meters, expected) in [
        (
            Some(366),
            None,
            "--days: 366; expected at most 365, what the profiles hold",
        ),
        (
            None,
            Some(18),
            "--meters: 18; expected at most 17, the homes of the scenario",
        ),
    ] {
        let cut = Overrides {
            days,
            meters,
            seed: None,
        };
        let error = load(&scenario("citylearn.toml"), Some(&data), &cut).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn citylearn_with_losses_has_four_streets() {
    let Some(data) = data() else { return };
    let n = load(
        &scenario("citylearn-losses.toml"),
        Some(&data),
        &Overrides::default(),
    )
    .unwrap();
    let plain = load(
        &scenario("citylearn.toml"),
        Some(&data),
        &Overrides::default(),
    )
    .unwrap();
    for (a, b) in n.homes.iter().zip(&plain.homes) {
        assert_eq!(
            (&a.demand_wh, &a.generation_wh),
            (&b.demand_wh, &b.generation_wh),
            "{}",
            a.name
        );
    }
    assert_eq!(n.zone_pairs.len(), 16);
    let pair = |from, to| {
        *n.zone_pairs
            .iter()
            .find(|p| p.from == Zone(from) && p.to == Zone(to))
            .unwrap()
    };
    assert_eq!(
        (pair(2, 2).loss, pair(2, 2).charge, pair(2, 2).capacity),
        (Ppm(0), Price(0), None)
    );
    assert_eq!(
        (pair(2, 1).loss, pair(2, 1).charge, pair(2, 1).capacity),
        (Ppm(20_000), Price(10_000), None)
    );
    assert_eq!(pair(4, 1).capacity, Some(Wh(4_000)));
    assert_eq!(
        (pair(2, 3).loss, pair(3, 2).loss, pair(3, 4).loss),
        (Ppm(30_000), Ppm(70_000), Ppm(50_000))
    );
}

#[test]
fn the_commented_neighbourhood_is_the_default_one() {
    let n = load(&scenario("neighbourhood.toml"), None, &Overrides::default()).unwrap();
    let default = neighbourhood(&GenerateOptions::default()).unwrap();
    assert_eq!(
        (n.first_window, n.windows),
        (default.first_window, default.windows)
    );
    assert_eq!(n.homes.len(), default.homes.len());
    for (a, b) in n.homes.iter().zip(&default.homes) {
        assert_eq!((&a.name, a.kind, a.zone), (&b.name, b.kind, b.zone));
        assert_eq!(
            (&a.demand_wh, &a.generation_wh),
            (&b.demand_wh, &b.generation_wh)
        );
        assert_eq!(a.policy, Policy::default());
    }
    assert_eq!(n.import_tariff, default.import_tariff);
    assert_eq!(n.feed_in_tariff, default.feed_in_tariff);
    assert_eq!(n.carbon_g_per_kwh, default.carbon_g_per_kwh);
    assert_eq!(n.zone_pairs, default.zone_pairs);
}

#[test]
fn the_default_neighbourhood_has_something_to_trade() {
    let n = neighbourhood(&GenerateOptions::default()).unwrap();
    let (alone, perfect) = self_sufficiency(&n);
    assert!((0.1..0.4).contains(&alone), "{alone}");
    assert!(perfect > alone + 0.1 && perfect < 0.8, "{alone} {perfect}");
}

#[test]
fn overrides_change_days_meters_and_seed_of_a_generated_neighbourhood() {
    let change = Overrides {
        days: Some(1),
        meters: Some(40),
        seed: Some(9),
    };
    let n = load(&scenario("neighbourhood.toml"), None, &change).unwrap();
    let made = neighbourhood(&GenerateOptions {
        days: 1,
        homes: 40,
        seed: 9,
        ..Default::default()
    })
    .unwrap();
    assert_eq!((n.homes.len(), n.windows), (40, 96));
    assert!(n
        .homes
        .iter()
        .zip(&made.homes)
        .all(|(a, b)| a.demand_wh == b.demand_wh));
}

#[test]
fn the_faulty_scenario_loads_with_its_faults() {
    let n = load(&scenario("faults.toml"), None, &Overrides::default()).unwrap();
    assert_eq!((n.homes.len(), n.windows, n.zone_pairs.len()), (32, 192, 4));
    assert_eq!(n.faults.silent_sellers, 0.1);
    assert_eq!(n.faults.halt_seconds, 600.0);
}

#[test]
fn the_scenario_with_attackers_loads_and_names_every_attack() {
    let path = scenario("attackers.toml");
    let n = load(&path, None, &Overrides::default()).unwrap();
    let attackers = n.attackers.unwrap();
    assert_eq!((attackers.share, attackers.attack), (0.1, Attack::Hoarding));
    let text = std::fs::read_to_string(path).unwrap();
    for attack in Attack::ALL {
        let name = serde_json::to_value(attack).unwrap();
        assert!(
            text.contains(&format!("#   {} ", name.as_str().unwrap())),
            "{name}"
        );
    }
}

/// The example in the description of the format has no key that the format does not know.
#[test]
fn the_described_format_is_the_one_that_is_read() {
    let text = std::fs::read_to_string(scenario("README.md")).unwrap();
    let example = text
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let file: wattpool_scenario::file::ScenarioFile = toml::from_str(example).unwrap();
    assert_eq!((file.name.as_str(), file.homes.len()), ("street", 1));
}

/// A new key of the policy is explained where all of them are.
#[test]
fn every_key_of_the_policy_is_in_the_explained_scenario() {
    let text = std::fs::read_to_string(scenario("neighbourhood.toml")).unwrap();
    let policy = serde_json::to_value(Policy::default()).unwrap();
    for key in policy.as_object().unwrap().keys() {
        let found = text.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            line.starts_with(&format!("{key} ="))
                || line == format!("[policy.{key}]")
                || line.split([',', ' ']).any(|word| word == key)
        });
        assert!(found, "neighbourhood.toml does not name policy.{key}");
    }
}
