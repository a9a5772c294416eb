//! Several files in one scenario, and what the mapping that is printed does about what it remarks on.

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

use std::fs;
use std::path::PathBuf;
use wattpool_scenario::inspect::{inspect, together, Together};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{load, Overrides};

/// Writes files, looks at all of them together, and reads the scenario that is printed.
fn looked(files: &[(&str, String)], zone: &str) -> (Together, Option<Neighbourhood>) {
    let dir = tempfile::tempdir().unwrap();
    let mut paths: Vec<PathBuf> = Vec::new();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        paths.push(path);
    }
    let found = together(&paths, Some(zone)).unwrap();
    let n = found.scenario.as_ref().map(|text| {
        let path = found.folder.join("pasted.toml");
        fs::write(&path, text).unwrap();
        let read = load(&path, None, &Overrides::default());
        read.unwrap_or_else(|e| panic!("{e}\n{text}\n{:?}", found.remarks))
    });
    (found, n)
}

fn total(wh: &[u32]) -> u64 {
    wh.iter().map(|wh| u64::from(*wh)).sum()
}

/// Name, demand and generation of each home, Wh.
fn homes(n: &Neighbourhood) -> Vec<(&str, u64, u64)> {
    let of = |h: &wattpool_scenario::model::Home| (total(&h.demand_wh), total(&h.generation_wh));
    let all = n.homes.iter();
    all.map(|h| (h.name.as_str(), of(h).0, of(h).1)).collect()
}

/// Hourly rows of days in UTC from 4 May 2026.
fn days(header: &str, count: u32, value: impl Fn(u32) -> String) -> String {
    let row = |h: u32| {
        let (day, hour) = (4 + h / 24, h % 24);
        format!("2026-05-{day:02} {hour:02}:00,{}\n", value(h))
    };
    format!("{header}\n{}", (0..count * 24).map(row).collect::<String>())
}

/// Demand that moves.
fn load_kwh(h: u32) -> f64 {
    0.2 + f64::from(h % 7) * 0.05
}

/// The sun on a kW of panels: other every day, nothing at night.
fn sun(h: u32) -> f64 {
    let height = (f64::from(h % 24) - 12.0) / 7.0;
    let clouds = 0.5 + f64::from(h * 7 % 11) / 22.0;
    ((1.0 - height * height).max(0.0) * clouds * 1000.0).round() / 1000.0
}

fn of_load(header: &str) -> String {
    days(header, 3, |h| format!("{:.2}", load_kwh(h)))
}

#[test]
fn a_file_for_each_home() {
    let (found, n) = looked(
        &[
            ("anna-2026.csv", of_load("time,load kWh")),
            ("bert-2026.csv", of_load("time,load kWh")),
        ],
        "UTC",
    );
    let scenario = found.scenario.unwrap();
    assert!(
        scenario.contains("file = \"{home}-2026.csv\""),
        "{scenario}"
    );
    let wh: u64 = (0..72).map(|h| (load_kwh(h) * 1e3).round() as u64).sum();
    assert_eq!(homes(&n.unwrap()), [("anna", wh, 0), ("bert", wh, 0)]);
    assert!(found
        .read
        .unwrap()
        .contains("2 homes, 72 windows of 3600 s"));
    assert_eq!(found.files.len(), 2);
}

#[test]
fn folders_of_homes_with_roofs_prices_and_what_is_none() {
    let pv = |h: u32| format!("{:.2},{:.3}", load_kwh(h), sun(h) * 4.0);
    let (found, n) = looked(
        &[
            ("data/1/meter.csv", days("time,load kWh,pv kWh", 3, pv)),
            ("data/2/meter.csv", of_load("time,load kWh")),
            (
                "data/3/meter.csv",
                of_load("time,load kWh").replace(',', ";").replace('.', ","),
            ),
            (
                "data/pv_2.csv",
                days("time,power", 3, |h| format!("{:.3}", sun(h))),
            ),
            (
                "data/prices.csv",
                days("time,price EUR/MWh", 4, |h| (50 + h % 9).to_string()),
            ),
            (
                "data/weather.csv",
                days("time,temperature,wind", 3, |h| {
                    format!("{},{}", h % 24, h % 5)
                }),
            ),
        ],
        "UTC",
    );
    let n = n.unwrap_or_else(|| panic!("{:?}", found.remarks));
    let all = homes(&n);
    let wh: u64 = (0..72).map(|h| (load_kwh(h) * 1e3).round() as u64).sum();
    assert!(all.iter().all(|h| h.1 == wh), "{all:?}");
    assert_eq!(
        all.iter().map(|h| h.0).collect::<Vec<_>>(),
        ["1", "2", "meter"]
    );
    // 5 kWp of the roof that bears the home's number.
    let roof: f64 = (0..72).map(sun).sum();
    assert!(all[0].2 > 0 && all[2].2 == 0, "{all:?}");
    assert!(
        (all[1].2 as f64 - roof * 5_000.0).abs() < 2.0,
        "{all:?} {roof}"
    );
    assert_eq!(n.import_tariff[1].0, 51_000);
    let said = |part: &str| found.remarks.iter().any(|r| r.contains(part));
    assert!(said("weather.csv: not used"), "{:?}", found.remarks);
}

#[test]
fn a_roof_alone_is_generation() {
    for (name, header) in [
        ("pv_1_pu.csv", "timestamp,electricity"),
        ("export.csv", "timestamp,power"),
        ("P.csv", "t,P"),
    ] {
        let file = days(header, 4, |h| format!("{:.3}", sun(h)));
        let (found, n) = looked(&[(name, file)], "UTC");
        let column = &found.files[0].columns[0];
        assert_eq!(
            (column.role, column.unit),
            ("generation", "kW per kWp"),
            "{name}: {:?}",
            found.files[0].remarks
        );
        assert!(column.least == 0.0 && column.mean > 0.1 && (0.8..1.0).contains(&column.most));
        assert!(column.day.contains('█'), "{:?}", column.day);
        let n = n.unwrap();
        assert_eq!(total(&n.homes[0].demand_wh), 0);
        let roof: f64 = (0..96).map(sun).sum();
        assert!((total(&n.homes[0].generation_wh) as f64 - roof * 5_000.0).abs() < 2.0);
    }
    // What is called a demand stays one, and so does a charger that is on or off at night.
    for (header, value) in [
        ("t,load kWh", sun as fn(u32) -> f64),
        ("t,kWh", |h| if h % 24 < 4 { 3.7 } else { 0.0 }),
    ] {
        let file = days(header, 4, |h| format!("{:.3}", value(h)));
        let (found, _) = looked(&[("a.csv", file)], "UTC");
        assert_eq!(found.files[0].columns[0].role, "load", "{header}");
    }
}

#[test]
fn roofs_whose_homes_nobody_names_are_given_out_and_that_is_said() {
    let (found, n) = looked(
        &[
            ("hh_2012_3.csv", of_load("time,electricity")),
            ("hh_2262_0.csv", of_load("time,electricity")),
            ("hh_2455_0.csv", of_load("time,electricity")),
            (
                "pv_north_pu.csv",
                days("time,electricity", 3, |h| format!("{:.3}", sun(h))),
            ),
        ],
        "UTC",
    );
    let n = n.unwrap_or_else(|| panic!("{:?}", found.remarks));
    let generating: Vec<_> = homes(&n)
        .into_iter()
        .filter(|h| h.2 > 0)
        .map(|h| h.0)
        .collect();
    assert_eq!(generating, ["2012_3"]);
    let said = |part: &str| found.remarks.iter().any(|r| r.contains(part));
    assert!(
        said("pv_north_pu.csv") && said("a guess"),
        "{:?}",
        found.remarks
    );
}

#[test]
fn files_that_make_no_scenario_together_say_why() {
    let later = |header: &str| of_load(header).replace("2026-05", "2026-06");
    for (files, why) in [
        (
            vec![
                ("may.csv", of_load("time,load kWh")),
                ("june.csv", later("time,load kWh")),
            ],
            "follow one another",
        ),
        (
            vec![
                (
                    "a.csv",
                    of_load("time,temperature,wind").replace(",0", ",1,0"),
                ),
                ("b.csv", of_load("time,humidity,wind").replace(",0", ",1,0")),
            ],
            "no file holds the energy of homes",
        ),
    ] {
        let (found, n) = looked(&files, "UTC");
        assert!(n.is_none());
        assert!(
            found.remarks.iter().any(|r| r.contains(why)),
            "{:?}",
            found.remarks
        );
    }
}

#[test]
fn files_of_different_length_have_their_common_days() {
    let longer = days("time,load kWh", 5, |h| format!("{:.2}", load_kwh(h)));
    let (found, n) = looked(
        &[("a.csv", longer), ("b.csv", of_load("time,load kWh"))],
        "UTC",
    );
    let n = n.unwrap();
    assert_eq!((n.homes.len(), n.windows), (2, 72));
    assert!(
        found.remarks.iter().any(|r| r.contains("b.csv ends first")),
        "{:?}",
        found.remarks
    );
}

#[test]
fn a_column_for_each_home() {
    let two = |h: u32| format!("{:.2},{:.2}", load_kwh(h), load_kwh(h + 3));
    for header in [
        "t,MAC0001,MAC0002",
        "t,home1 load,home2 load",
        "t,anna,bert",
    ] {
        let (found, n) = looked(&[("wide.csv", days(header, 3, two))], "UTC");
        let n = n.unwrap_or_else(|| panic!("{header}: {:?}", found.files[0].remarks));
        assert_eq!(n.homes.len(), 2, "{header}");
        assert!(homes(&n).iter().all(|h| h.1 > 20_000), "{:?}", homes(&n));
        let said = found.files[0]
            .remarks
            .iter()
            .any(|r| r.contains("a home of its own"));
        assert!(said, "{:?}", found.files[0].remarks);
    }
    let three = |h: u32| format!("{:.2},{:.3},{:.2}", load_kwh(h), sun(h), load_kwh(h + 3));
    let (_, n) = looked(
        &[("w.csv", days("t,anna load,anna pv,bert load", 3, three))],
        "UTC",
    );
    let n = n.unwrap();
    assert_eq!(n.homes.len(), 2);
    assert!(homes(&n)[0].2 > 0 && homes(&n)[1].2 == 0, "{:?}", homes(&n));
    // Two tariffs of one meter are one home.
    let (_, n) = looked(
        &[("p1.csv", days("t,Import T1 kWh,Import T2 kWh", 3, two))],
        "UTC",
    );
    let n = n.unwrap();
    let wh: f64 = (0..72).map(|h| load_kwh(h) + load_kwh(h + 3)).sum();
    assert_eq!(
        (n.homes.len(), homes(&n)[0].1),
        (1, (wh * 1e3).round() as u64)
    );
}

#[test]
fn what_is_remarked_on_is_done() {
    // Meters' error values, signs, hundredths of the currency.
    let hours = |value: &dyn Fn(u32) -> String| days("time,load kWh", 3, value);
    let broken = |h: u32| match h {
        20 => "16777.215".to_string(),
        h => format!("{:.2}", load_kwh(h)),
    };
    let (found, n) = looked(&[("broken.csv", hours(&broken))], "UTC");
    assert!(
        found.files[0].mapping.contains("markers = [\"16777.215\"]"),
        "{}",
        found.files[0].mapping
    );
    assert!(total(&n.unwrap().homes[0].demand_wh) < 40_000);
    let both = |h: u32| format!("{:.2}", if h % 24 == 12 { -1.0 } else { load_kwh(h) });
    let (found, n) = looked(&[("both.csv", hours(&both))], "UTC");
    assert_eq!(found.files[0].columns[0].role, "net");
    assert_eq!(total(&n.unwrap().homes[0].generation_wh), 3_000);
    let fed = |h: u32| format!("{:.2},{:.3}", load_kwh(h), -sun(h));
    let (_, n) = looked(&[("fed.csv", days("t,load kWh,export kWh", 3, fed))], "UTC");
    assert!(total(&n.unwrap().homes[0].generation_wh) > 10_000);
    let priced = |h: u32| format!("{:.2},{}", load_kwh(h), 28 + h % 5);
    let (_, n) = looked(
        &[("p.csv", days("t,load kWh,price ct/kWh", 3, priced))],
        "UTC",
    );
    assert_eq!(n.unwrap().import_tariff[0].0, 280_000);
}

#[test]
fn what_stands_still_is_said() {
    let said = |file: String| {
        let (found, n) = looked(&[("a.csv", file)], "UTC");
        let notes = n.map(|n| n.notes).unwrap_or_default();
        let still = |all: &[String]| all.iter().filter(|r| r.contains("still")).count();
        (still(&found.files[0].remarks), still(&notes))
    };
    let of = |value: &dyn Fn(u32) -> String| days("time,load kWh", 9, value);
    assert_eq!(said(of(&|_| "0.3".into())), (1, 1));
    assert_eq!(said(of(&|h| format!("{:.2}", load_kwh(h)))), (0, 0));
    let stuck = |h: u32| {
        format!(
            "{:.2}",
            load_kwh(if (40..150).contains(&h) { 40 } else { h })
        )
    };
    assert_eq!(said(of(&stuck)), (1, 1));
}

#[test]
fn all_homes_of_a_long_table_are_found() {
    let mut text = "LCLid,time,kWh\n".to_string();
    for home in ["MAC1", "MAC2", "MAC3"] {
        for h in 0..1_200 {
            let (day, hour) = (1 + h / 24, h % 24);
            let (month, day) = if day > 31 { (6, day - 31) } else { (5, day) };
            text += &format!(
                "{home},2026-{month:02}-{day:02} {hour:02}:00,{:.2}\n",
                load_kwh(h)
            );
        }
    }
    let (found, n) = looked(&[("lcl.csv", text)], "UTC");
    assert_eq!(found.files[0].homes.as_ref().unwrap().1.len(), 3);
    assert_eq!(n.unwrap().homes.len(), 3);
}

/// Ways of writing that are found out by looking: the scenario that is printed reads the file.
#[test]
fn ways_of_writing_that_are_found_out() {
    let quarters = |stamp: &dyn Fn(u32) -> String, sep: &str| -> String {
        (0..8)
            .map(|i| format!("{}{sep}0.{}\n", stamp(i), 2 + i % 3))
            .collect()
    };
    let hm = |i: u32| format!("{:02}:{:02}", 10 + i / 4, i % 4 * 15);
    let end = |i: u32| hm(i + 1);
    let four = |i: u32| hm(i).replace(':', "");
    // 2026-05-04 10:00 in Berlin, eight quarters of an hour.
    let start = 1_777_881_600;
    for (what, text) in [
        (
            "two columns",
            format!(
                "Datum;Uhrzeit;a\n{}",
                quarters(&|i| format!("04.05.2026;{}", hm(i)), ";")
            ),
        ),
        (
            "digits",
            format!(
                "date,time,a\n{}",
                quarters(&|i| format!("20260504,{}", four(i)), ",")
            ),
        ),
        (
            "intervals",
            format!(
                "d,h,a\n{}",
                quarters(&|i| format!("04.05.2026,{}-{}", hm(i), end(i)), ",")
            ),
        ),
        (
            "parts",
            format!(
                "year,month,day,hour,minute,a\n{}",
                quarters(&|i| format!("2026,5,4,{}", hm(i).replace(':', ",")), ",")
            ),
        ),
        (
            "shifted",
            format!(
                "t,a\n{}",
                quarters(&|i| format!("2026-05-04 {}:07", hm(i)), ",")
            ),
        ),
        (
            "blank lines",
            format!(
                "t,a\n\n{}",
                quarters(&|i| format!("2026-05-04 {}", hm(i)), ",")
            ),
        ),
        (
            "title",
            format!(
                "Name;Haus\nOrt;Ulm\nt;a\n{}",
                quarters(&|i| format!("2026-05-04 {}", hm(i)), ";")
            ),
        ),
        (
            "first cell empty",
            format!(
                ",t,a\n{}",
                quarters(&|i| format!(",2026-05-04 {}", hm(i)), ",")
            ),
        ),
        (
            "a word",
            format!(
                "t,a\n{}",
                quarters(&|i| format!("2026-05-04 {}", hm(i)), ",").replacen("0.3", "offline", 1)
            ),
        ),
    ] {
        let (found, n) = looked(&[("a.csv", text)], "Europe/Berlin");
        let n = n.unwrap_or_else(|| panic!("{what}: {:?}", found.files[0].remarks));
        assert_eq!(
            (n.start().get(), n.windows, n.window_s),
            (start, 8, 900),
            "{what}"
        );
    }
    // Steps that begin at half past an hour of UTC, an hour that is there once, ends of steps, groups of digits.
    let hours = |date: &str, from: u32, to: u32| -> String {
        let rows = (from..to).map(|h| format!("{date} {h:02}:00,0.{}\n", 2 + h % 3));
        format!("t,a\n{}", rows.collect::<String>())
    };
    let (_, n) = looked(&[("a.csv", hours("2026-05-04", 0, 6))], "Asia/Kolkata");
    let n = n.unwrap();
    assert_eq!((n.window_s, n.windows), (1_800, 12));
    let (found, n) = looked(&[("a.csv", hours("2026-10-25", 0, 6))], "Europe/Berlin");
    assert!(found.scenario.unwrap().contains("same_rows"));
    assert_eq!(n.unwrap().windows, 7);
    let ends = ["02:00", "02:30", "03:00", "02:30", "03:00", "03:30"];
    let rows: String = ends
        .iter()
        .map(|t| format!("2026-10-25 {t},0.2\n"))
        .collect();
    let (found, n) = looked(&[("a.csv", format!("t,a\n{rows}"))], "Europe/Berlin");
    assert!(found.scenario.unwrap().contains("stamp = \"end\""));
    assert_eq!(n.unwrap().windows, 6);
    for number in ["1'250.5", "1 250,5", "1.250,5"] {
        let rows: String = (0..6)
            .map(|h| format!("2026-05-04 {h:02}:00;{number}\n"))
            .collect();
        let (_, n) = looked(&[("a.csv", format!("t;W\n{rows}"))], "UTC");
        assert_eq!(total(&n.unwrap().homes[0].demand_wh), 7_503, "{number}");
    }
}

/// The folders of data as they are, where they are.
#[test]
fn whole_folders_of_published_data() {
    let Some(data) = std::env::var_os("WATTPOOL_DATA").map(PathBuf::from) else {
        println!("skipped: no data (set WATTPOOL_DATA)");
        return;
    };
    for (folder, homes, days) in [("hamlet", 16, 44), ("citylearn-2022", 17, 365)] {
        let entries = fs::read_dir(data.join(folder)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        files.retain(|f| f.extension().is_some_and(|e| e == "csv"));
        files.sort();
        let found = together(&files, Some("Europe/Berlin")).unwrap();
        let read = found.read.unwrap_or_default();
        assert!(
            read.starts_with(&format!("read as it stands: {homes} homes")),
            "{read}\n{:?}\n{:?}",
            found.remarks,
            found.scenario
        );
        let windows: f64 = read
            .split(", ")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let step = if folder == "hamlet" { 96.0 } else { 24.0 };
        assert!((windows / step).round() >= f64::from(days - 3), "{read}");
        assert!(!read.contains("generation 0.0"), "{read}");
    }
    let roof = inspect(&data.join("hamlet/pv_1_pu.csv"), None).unwrap();
    assert_eq!(
        (roof.columns[0].role, roof.columns[0].unit),
        ("generation", "kW per kWp")
    );
}
