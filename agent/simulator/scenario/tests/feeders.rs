//! `[feeders]`: where homes hang, what is taken when nothing is said, what is refused.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use wattpool_core::lines::Place;
use wattpool_scenario::model::{Feeders, Neighbourhood};
use wattpool_scenario::{load, Overrides};

const SCENARIO: &str = r#"name = "street"
days = 1
[generate]
homes = 7
zones = 2
"#;

fn read(rest: &str) -> Result<Neighbourhood, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("street.toml");
    fs::write(&path, format!("{SCENARIO}{rest}")).unwrap();
    load(&path, None, &Overrides::default()).map_err(|e| {
        e.to_string()
            .replace(&format!("{}/", dir.path().display()), "")
    })
}

fn feeders(rest: &str) -> Feeders {
    read(rest).unwrap().feeders.expect("feeders")
}

fn places(rest: &str) -> Vec<(u16, u32)> {
    let places = feeders(rest).places;
    places.iter().map(|p| (p.line, p.metres)).collect()
}

#[test]
fn none_unless_asked_for() {
    assert_eq!(read("").unwrap().feeders, None);
    let typical = feeders("[feeders]\n");
    let n = read("").unwrap();
    assert_eq!(typical, Feeders::typical(&n, 1));
    assert_eq!(typical.air_c.len(), 96);
    assert!(typical.air_c.iter().all(|c| (8.9..21.1).contains(c)));
}

#[test]
fn homes_hang_in_turn_at_equal_distances() {
    // Homes 1, 3, 5, 7 are in zone 1, homes 2, 4, 6 in zone 2.
    assert_eq!(
        places("[feeders]\nlength_m = 300\n"),
        [
            (0, 75),
            (0, 100),
            (0, 150),
            (0, 200),
            (0, 225),
            (0, 300),
            (0, 300)
        ]
    );
    assert_eq!(
        places("[feeders]\nlength_m = 300\nlines_per_zone = 2\n"),
        [
            (0, 150),
            (0, 150),
            (0, 300),
            (0, 300),
            (1, 150),
            (1, 300),
            (1, 300)
        ]
    );
    let moved = "[feeders]\nlines_per_zone = 2\n[[feeders.homes]]\nname = \"home-0003\"\nline = 1\nmetres = 730\n";
    let feeders = feeders(moved);
    assert_eq!(
        feeders.places[2],
        Place {
            line: 1,
            metres: 730
        }
    );
}

#[test]
fn the_data_sheet_and_the_air() {
    let f = feeders("[feeders]\nohm_per_km = 0.32\nvoltage_v = 230\nrated_a = 215\nrated_rise_k = 50\n[feeders.air]\nflat = -3.5\n");
    assert_eq!(
        (
            f.line.ohm_per_km,
            f.line.voltage_v,
            f.line.rated_a,
            f.line.rated_rise_k
        ),
        (0.32, 230.0, 215.0, 50.0)
    );
    assert!(f.air_c.iter().all(|c| *c == -3.5));
}

#[test]
fn what_is_refused() {
    for (rest, message) in [
        ("[feeders]\nlenght_m = 3\n", "street.toml:7: feeders.lenght_m: unknown field `lenght_m`…"),
        ("[feeders]\nlength_m = 0\n", "street.toml:7: feeders.length_m: found 0; expected 1 to 5000 m"),
        ("[feeders]\nlines_per_zone = 65\n", "street.toml:7: feeders.lines_per_zone: found 65; expected 1 to 64"),
        ("[feeders]\nohm_per_km = nan\n", "street.toml:7: feeders.ohm_per_km: found NaN; expected 0.001 to 100"),
        ("[feeders]\nvoltage_v = 10.0\n", "street.toml:7: feeders.voltage_v: found 10; expected 50 to 1000"),
        ("[feeders]\nrated_a = 0.0\n", "street.toml:7: feeders.rated_a: found 0; expected 1 to 10000"),
        ("[feeders]\nrated_rise_k = -1.0\n", "street.toml:7: feeders.rated_rise_k: found -1; expected 0 to 200"),
        ("[feeders.air]\nflat = 99.0\n", "street.toml:7: feeders.air.flat: found 99; expected -90 to 70 degrees Celsius"),
        ("[[feeders.homes]]\nname = \"home-0001\"\nline = 1\nmetres = 5\n", "street.toml:8: feeders.homes[1].line: found 1; expected 0 to 0 (lines_per_zone)"),
        ("[[feeders.homes]]\nname = \"home-0001\"\nmetres = 0\n", "street.toml:8: feeders.homes[1].metres: found 0; expected 1 to 5000 m"),
        ("[[feeders.homes]]\nname = \"nobody\"\nmetres = 5\n", "street.toml:7: feeders.homes[1].name: there is no home \"nobody\"; expected the name of a home"),
        ("[[feeders.homes]]\nname = \"home-0001\"\nmetres = 5\n[[feeders.homes]]\nname = \"home-0001\"\nmetres = 6\n", "street.toml:10: feeders.homes[2].name: \"home-0001\" is given twice; expected each home once"),
        ("[faults]\nbad_sellers = 1.5\n", "street.toml:7: faults.bad_sellers: found 1.5; expected a share from 0 to 1"),
        ("[faults]\nbad_failures = -0.5\n", "street.toml:7: faults.bad_failures: found -0.5; expected a share from 0 to 1"),
        ("[policy]\nselection = \"best\"\n", "street.toml:7: policy.selection: unknown variant `best`…"),
    ] {
        let found = read(rest).map(|n| n.name).unwrap_err();
        match message.strip_suffix('…') {
            Some(beginning) => assert!(found.starts_with(beginning), "{found}"),
            None => assert_eq!(found, message),
        }
    }
}
