//! What is found out about a file by looking, and that the mapping that is printed reads it.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use wattpool_scenario::inspect::{inspect, Inspection};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{load, Overrides};

/// Inspects a file and reads it by the mapping that is printed.
fn looked(name: &str, bytes: &[u8], zone: Option<&str>) -> (Inspection, Neighbourhood) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    fs::write(&file, bytes).unwrap();
    let found = inspect(&file, zone).unwrap();
    let scenario = dir.path().join("pasted.toml");
    fs::write(&scenario, &found.mapping).unwrap();
    let n = load(&scenario, None, &Overrides::default())
        .unwrap_or_else(|e| panic!("{e}\n{}\n{:?}", found.mapping, found.remarks));
    (found, n)
}

fn total(wh: &[u32]) -> u64 {
    wh.iter().map(|wh| u64::from(*wh)).sum()
}

#[test]
fn a_german_portal_file() {
    let mut text =
        "Zählpunkt;DE0001;\nEinheit;kWh;\n\nZeitstempel;Verbrauch (kWh);PV-Erzeugung (kWh)\n"
            .to_string();
    for i in 0..96 {
        text += &format!(
            "04.05.2026 {:02}:{:02};0,25;{}\n",
            i / 4,
            i % 4 * 15,
            if (40..60).contains(&i) { "0,500" } else { "0" }
        );
    }
    text += "Summe;24,00;10,00\n";
    let latin: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let (found, n) = looked("export.csv", &latin, Some("Europe/Berlin"));
    let written = |key: &str| found.written.get(key).map(String::as_str);
    assert_eq!(written("encoding"), Some("windows-1252"));
    assert_eq!(
        (written("delimiter"), written("decimal")),
        (Some(";"), Some(","))
    );
    assert_eq!((written("skip"), written("footer")), (Some("3"), Some("1")));
    assert_eq!(
        (found.format.as_deref(), found.step_s),
        (Some("%d.%m.%Y %H:%M"), Some(900))
    );
    assert_eq!(found.from.as_deref(), Some("2026-05-03T22:00:00Z"));
    let column = &found.columns[1];
    assert_eq!(
        (column.role, column.unit, column.kwh),
        ("generation", "kWh", Some(10.0))
    );
    // Noon of the clock, drawn in the middle of 24 hours.
    assert_eq!(column.day.chars().count(), 24);
    assert_eq!(column.day.chars().nth(12), Some('█'));
    assert_eq!(
        (
            total(&n.homes[0].demand_wh),
            total(&n.homes[0].generation_wh)
        ),
        (24_000, 10_000)
    );
}

#[test]
fn unix_seconds_and_watts() {
    let rows: String = (0..200)
        .map(|i| format!("{}.0,{}\n", 1_613_343_600 + i * 900, 200 + i % 50))
        .collect();
    let (found, n) = looked(
        "hh.csv",
        format!("timestamp,electricity\n{rows}").as_bytes(),
        None,
    );
    assert_eq!(
        (found.format.as_deref(), found.columns[0].unit),
        (Some("unix"), "W")
    );
    assert_eq!(n.windows, 200);
}

#[test]
fn a_table_of_several_homes_and_a_register() {
    let mut text = "id,time,meter_kwh\n".to_string();
    for hour in 0..24 {
        for (home, rise) in [("M1", 0.5), ("M2", 0.25)] {
            text += &format!(
                "{home},2026-05-04 {hour:02}:00,{}\n",
                1_000.0 + rise * f64::from(hour)
            );
        }
    }
    let (found, n) = looked("long.csv", text.as_bytes(), Some("UTC"));
    assert_eq!(
        found.homes,
        Some(("id".into(), vec!["M1".into(), "M2".into()]))
    );
    assert_eq!(found.columns[0].unit, "kWh register");
    assert_eq!(
        n.homes
            .iter()
            .map(|h| total(&h.demand_wh))
            .collect::<Vec<_>>(),
        [11_500, 5_750]
    );
}

#[test]
fn what_looks_wrong_is_said() {
    let file = |rows: &str| format!("t,load kWh\n{rows}");
    let (found, _) = looked(
        "jitter.csv",
        file("2026-05-04 10:00:00,0.3\n2026-05-04 10:15:02,0.3\n2026-05-04 10:30:01,0.3\n2026-05-04 10:45:00,0.3\n").as_bytes(),
        Some("UTC"),
    );
    assert!(
        found.mapping.contains("tolerance_s = 2"),
        "{}",
        found.mapping
    );
    let day: String = (0..96)
        .map(|i| {
            format!(
                "2026-05-04 {:02}:{:02},{}\n",
                i / 4,
                i % 4 * 15,
                if (30..70).contains(&i) { "0.7" } else { "0" }
            )
        })
        .collect();
    let (found, _) = looked("roof.csv", file(&day).as_bytes(), Some("UTC"));
    assert!(
        found
            .remarks
            .iter()
            .any(|r| r.contains("unit = \"kW per kWp\"")),
        "{:?}",
        found.remarks
    );
    let (found, n) = looked(
        "ends.csv",
        file("2026-05-04 06:00,1\n2026-05-04 12:00,1\n2026-05-04 18:00,1\n2026-05-05 00:00,1\n")
            .as_bytes(),
        Some("UTC"),
    );
    assert!(
        found.remarks.iter().any(|r| r.contains("stamp = \"end\"")),
        "{:?}",
        found.remarks
    );
    assert_eq!(n.start().get(), 1_777_874_400);
    let rows: String = (1..=24).map(|h| format!("2026/05/04,{h},0.3\n")).collect();
    let (found, n) = looked(
        "hours.csv",
        format!("Fecha,Hora,Consumo kWh\n{rows}").as_bytes(),
        Some("UTC"),
    );
    assert_eq!(found.format.as_deref(), Some("%Y/%m/%d %H"));
    assert_eq!((n.start().get(), n.windows), (1_777_852_800, 24));
    let rows: String = (0..24)
        .map(|h| format!("2026-05-04 {h:02}:00,\"0,{h}\"\n"))
        .collect();
    let (found, n) = looked("quoted.csv", file(&rows).as_bytes(), Some("UTC"));
    assert_eq!(found.written.get("decimal").map(String::as_str), Some(","));
    assert_eq!(n.homes[0].demand_wh[5], 500);
    let (found, _) = looked(
        "months.csv",
        file("04/05/2026 10:00,0.3\n04/05/2026 10:15,0.3\n").as_bytes(),
        None,
    );
    let said = |part: &str| found.remarks.iter().any(|r| r.contains(part));
    assert!(
        said("day and month may be the other way round: format = \"%m/%d/%Y %H:%M\""),
        "{:?}",
        found.remarks
    );
    assert!(said("zone is set to UTC"), "{:?}", found.remarks);
}

#[test]
fn what_is_no_table_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes, said) in [
        ("empty.csv", &b""[..], "the file is empty"),
        ("data.parquet", b"PAR1....PAR1", "it is a Parquet file"),
        ("data.csv.gz", b"\x1f\x8b\x08\x00", "compressed with gzip"),
        ("book.xlsx", b"PK\x03\x04nothing", "cannot be read"),
    ] {
        let file = dir.path().join(name);
        fs::write(&file, bytes).unwrap();
        let error = inspect(&file, None)
            .map(|f| f.mapping)
            .unwrap_err()
            .to_string();
        assert!(error.contains(said) && error.contains(name), "{error}");
    }
    let error = inspect(&dir.path().join("none.csv"), None)
        .map(|f| f.mapping)
        .unwrap_err();
    assert!(
        error.to_string().contains("none.csv: cannot be read"),
        "{error}"
    );
}
