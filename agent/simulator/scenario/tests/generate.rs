//! The generated neighbourhood: plausible, and the same bytes from the same seed.

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

use wattpool_scenario::model::{HomeKind, Neighbourhood};
use wattpool_scenario::{neighbourhood, GenerateOptions, ScenarioError};

fn made(change: impl FnOnce(&mut GenerateOptions)) -> Neighbourhood {
    let mut options = GenerateOptions::default();
    change(&mut options);
    neighbourhood(&options).unwrap()
}

fn total(series: &[u32]) -> u64 {
    series.iter().map(|wh| u64::from(*wh)).sum()
}

/// FNV-1a over all series: a fingerprint of what was generated.
fn fingerprint(n: &Neighbourhood) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for wh in n
        .homes
        .iter()
        .flat_map(|h| h.demand_wh.iter().chain(&h.generation_wh))
    {
        for byte in wh.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[test]
fn the_default_is_a_week_of_quarter_hours_for_a_mixed_street() {
    let n = made(|_| {});
    assert_eq!(n.windows, 7 * 96);
    assert_eq!(n.homes.len(), 32);
    // 4 May 2026, midnight in Berlin.
    assert_eq!(n.start().get(), 1_777_845_600);
    for kind in [HomeKind::Pv, HomeKind::Wind, HomeKind::Consumer] {
        assert!(n.homes.iter().any(|h| h.kind == kind), "no {kind:?}");
    }
    for home in &n.homes {
        assert_eq!(
            (home.demand_wh.len(), home.generation_wh.len()),
            (n.windows, n.windows)
        );
        assert_eq!(
            home.kind == HomeKind::Consumer,
            total(&home.generation_wh) == 0,
            "{}",
            home.name
        );
    }
    assert_eq!(
        (n.import_tariff.len(), n.feed_in_tariff.len()),
        (n.windows, n.windows)
    );
    assert!(n
        .carbon_g_per_kwh
        .iter()
        .all(|g| (200.0..500.0).contains(g)));
    assert_eq!(n.zone_pairs.len(), 1);
}

#[test]
fn panels_yield_by_day_what_the_season_allows() {
    let n = made(|o| o.days = 28);
    for home in n.homes.iter().filter(|h| h.kind == HomeKind::Pv) {
        // 1:00 local time, in every night.
        assert!(
            home.generation_wh.chunks(96).all(|day| day[4] == 0),
            "{} yields at night",
            home.name
        );
        let noon: u64 = home
            .generation_wh
            .chunks(96)
            .map(|day| u64::from(day[52]))
            .sum();
        assert!(noon > 0, "{} yields nothing at noon", home.name);
    }
    let daily: f64 = n
        .homes
        .iter()
        .filter(|h| h.kind == HomeKind::Pv)
        .map(|h| total(&h.generation_wh) as f64)
        .sum();
    let count = n.homes.iter().filter(|h| h.kind == HomeKind::Pv).count() as f64;
    let per_home = daily / count / 28.0 / 1_000.0;
    // 3–10 kWp at 3–5.5 kWh per kWp and day of May in Central Europe.
    assert!(
        (12.0..38.0).contains(&per_home),
        "{per_home} kWh a day and home"
    );
}

#[test]
fn a_seed_gives_the_same_bytes_everywhere() {
    let n = made(|o| (o.homes, o.days, o.seed) = (8, 2, 42));
    assert_eq!(fingerprint(&n), GOLDEN, "{:#x}", fingerprint(&n));
    assert_ne!(
        fingerprint(&made(|o| (o.homes, o.days, o.seed) = (8, 2, 43))),
        GOLDEN
    );
}

const GOLDEN: u64 = 0xb9a6_2f73_4d1e_1ca8;

#[test]
fn more_homes_and_more_days_leave_the_first_ones_alone() {
    let small = made(|o| (o.homes, o.days) = (9, 2));
    let large = made(|o| (o.homes, o.days) = (40, 5));
    for (a, b) in small.homes.iter().zip(&large.homes) {
        assert_eq!((&a.name, a.kind, a.zone), (&b.name, b.kind, b.zone));
        assert_eq!(a.demand_wh[..], b.demand_wh[..small.windows]);
        assert_eq!(a.generation_wh[..], b.generation_wh[..small.windows]);
    }
}

#[test]
fn hourly_windows_hold_the_same_energy_as_quarter_hours() {
    let (quarters, hours) = (made(|_| {}), made(|o| o.window_s = 3_600));
    for (a, b) in quarters.homes.iter().zip(&hours.homes) {
        assert_eq!(total(&a.demand_wh), total(&b.demand_wh));
        assert_eq!(total(&a.generation_wh), total(&b.generation_wh));
    }
}

#[test]
fn homes_go_to_zones_in_turn_and_every_pair_has_terms() {
    let n = made(|o| (o.homes, o.days, o.zones) = (7, 1, 3));
    let zones: Vec<u16> = n.homes.iter().map(|h| h.zone.get()).collect();
    assert_eq!(zones, [1, 2, 3, 1, 2, 3, 1]);
    assert_eq!(n.zone_pairs.len(), 9);
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    type Change = fn(&mut GenerateOptions);
    let cases: [(&str, Change); 10] = [
        ("homes", |o| o.homes = 0),
        ("homes", |o| (o.homes, o.days) = (1_000_000, 365)),
        ("days", |o| o.days = 0),
        ("window_s", |o| o.window_s = 7 * 60),
        ("zones", |o| o.zones = 0),
        ("zones", |o| o.zones = 257),
        ("latitude", |o| o.latitude = f64::NAN),
        ("pv_share", |o| o.pv_share = 1.5),
        ("kwp_max", |o| o.kwp_max = 1.0),
        ("start", |o| o.start = chrono::NaiveDate::MIN),
    ];
    for (expected, change) in cases {
        let mut options = GenerateOptions::default();
        change(&mut options);
        match neighbourhood(&options) {
            Err(ScenarioError::Option { option, .. }) => assert_eq!(option, expected),
            other => panic!("{expected}: {:?}", other.map(|n| n.name)),
        }
    }
}

/// What is below the owners' threshold is not traded: with windows of a minute that is much, and said.
#[test]
fn thresholds_that_are_large_for_a_window_are_said() {
    for (window_s, policy, said) in [
        (60, "", true),
        (300, "", false),
        (900, "", false),
        (60, "[policy]\nthreshold_wh = 1\n", false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("case.toml");
        let text = format!(
            "name = \"x\"\nwindow_s = {window_s}\ndays = 1\n[generate]\nhomes = 2\n{policy}"
        );
        std::fs::write(&file, text).unwrap();
        let n =
            wattpool_scenario::load(&file, None, &wattpool_scenario::Overrides::default()).unwrap();
        let noted = n
            .notes
            .iter()
            .any(|note| note.contains("leaves less than 300 W out of the market"));
        assert_eq!(noted, said, "{window_s} {policy}");
    }
}
