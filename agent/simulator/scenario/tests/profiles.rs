//! Profiles as they are published: units, time zones, gaps, net columns, steps unlike the window.

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
use wattpool_scenario::model::{HomeKind, Neighbourhood};
use wattpool_scenario::{load, Overrides};
use wattpool_schema::{Price, Tariff, Zone};

const TARIFF: &str =
    "\n[tariff.import]\nflat = 300_000\n[tariff.feed_in]\nflat = 0\n[carbon]\nflat = 0\n";

fn read_with(scenario: &str, files: &[(&str, &str)], overrides: Overrides) -> Neighbourhood {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    fs::write(dir.path().join("case.toml"), scenario).unwrap();
    load(&dir.path().join("case.toml"), None, &overrides).unwrap_or_else(|e| panic!("{e}"))
}

fn read(scenario: &str, files: &[(&str, &str)]) -> Neighbourhood {
    read_with(&format!("{scenario}{TARIFF}"), files, Overrides::default())
}

/// Time settings of rows without stamps.
const COUNTED: &str = "step_s = 3600\nstart = \"2026-05-04T00:00:00Z\"";

/// One home `a` in `a.csv`, hourly windows from midnight UTC, with these columns.
fn hourly(columns: &str) -> String {
    format!(
        "name = \"case\"\nwindow_s = 3600\nstart = \"2026-05-04T00:00:00Z\"\n[profiles]\nfile = \"a.csv\"\n\
         homes = [\"a\"]\n{columns}\n[profiles.time]\n{COUNTED}\n"
    )
}

#[test]
fn every_unit_becomes_watt_hours() {
    for (unit, factor) in [
        ("kWh", 1000.0),
        ("Wh", 1.0),
        ("kW", 500.0),
        ("W", 0.5),
        ("W per kWp", 2.0),
        ("kW per kWp", 2000.0),
    ] {
        let scenario = format!(
            "name = \"case\"\nwindow_s = 1800\nstart = \"2026-05-04T00:00:00Z\"\n[profiles]\nfile = \"a.csv\"\n\
             homes = [\"a\"]\nkwp = 4\nload = [{{ column = \"x\", unit = \"{unit}\" }}]\n[profiles.time]\nstep_s = 1800\n"
        );
        let n = read(&scenario, &[("a.csv", "x\n2\n6\n")]);
        let expected = [(2.0 * factor) as u32, (6.0 * factor) as u32];
        assert_eq!(n.homes[0].demand_wh, expected, "{unit}");
    }
}

#[test]
fn columns_are_scaled_and_added_up() {
    let n = read(
        &hourly(
            "load = [{ column = \"x\", unit = \"kWh\" }, { column = \"y\", unit = \"Wh\", scale = 2 }]\n\
             generation = [{ column = \"pv\", unit = \"kWh\", scale = -1 }]",
        ),
        &[("a.csv", "x,y,pv\n1,5,0\n0,50,-2\n")],
    );
    assert_eq!(n.homes[0].demand_wh, [1010, 100]);
    assert_eq!(n.homes[0].generation_wh, [0, 2000]);
    assert_eq!(n.homes[0].kind, HomeKind::Pv);
}

#[test]
fn net_columns_are_import_or_export_by_sign() {
    let n = read(
        &hourly("net = [{ column = \"grid\", unit = \"kW\" }]"),
        &[("a.csv", "grid\n1.5\n-0.75\n0\n")],
    );
    assert_eq!(
        (&n.homes[0].demand_wh[..], &n.homes[0].generation_wh[..]),
        (&[1500, 0, 0][..], &[0, 750, 0][..])
    );
    assert_eq!(n.homes[0].kind, HomeKind::Pv);
    assert!(n.notes[0].contains("net import only"), "{:?}", n.notes);
}

#[test]
fn finer_steps_are_added_up_and_the_notes_say_so() {
    let scenario = hourly("load = [{ column = \"x\", unit = \"W\" }]")
        .replace("step_s = 3600", "step_s = 900");
    let n = read(
        &scenario,
        &[("a.csv", "x\n100\n200\n300\n400\n1000\n1000\n1000\n1001\n")],
    );
    // 250.0 and 1000.25 Wh.
    assert_eq!(n.homes[0].demand_wh, [250, 1000]);
    assert_eq!(
        n.notes,
        ["profiles: 4 steps of 900 s are added up to each window of 3600 s"]
    );
}

#[test]
fn coarser_steps_are_spread_with_the_remainder_carried() {
    let scenario = hourly("load = [{ column = \"x\", unit = \"Wh\" }]")
        .replace("window_s = 3600", "window_s = 900");
    let n = read(&scenario, &[("a.csv", "x\n10\n3\n")]);
    assert_eq!(n.homes[0].demand_wh, [3, 2, 3, 2, 1, 1, 0, 1]);
    assert_eq!(n.homes[0].demand_wh.iter().sum::<u32>(), 13);
    assert_eq!(
        n.notes,
        ["profiles: steps of 3600 s are spread evenly over 4 windows of 900 s (whole Wh, the remainder carried)"]
    );
}

#[test]
fn local_stamps_follow_summer_time_at_both_changes() {
    for (date, hours) in [
        ("29.03.2026", &[0, 1, 3, 4][..]),
        ("25.10.2026", &[0, 1, 2, 2, 3][..]),
    ] {
        let mut csv = "Zeit;Verbrauch\n".to_string();
        for (i, hour) in hours.iter().enumerate() {
            csv += &format!("{date} {hour:02}:00;{i},5\n");
        }
        let scenario = "name = \"case\"\nwindow_s = 3600\n[profiles]\nfile = \"a.csv\"\nhomes = [\"a\"]\n\
             delimiter = \";\"\ndecimal = \",\"\nload = [{ column = \"Verbrauch\", unit = \"kWh\" }]\n\
             [profiles.time]\ncolumn = \"Zeit\"\nformat = \"%d.%m.%Y %H:%M\"\nzone = \"Europe/Berlin\"\n";
        let n = read(scenario, &[("a.csv", &csv)]);
        assert_eq!(n.windows, hours.len(), "{date}");
        assert_eq!(n.homes[0].demand_wh[..3], [500, 1500, 2500]);
    }
}

#[test]
fn stamps_may_mark_the_end_and_rows_before_the_first_window_are_left_out() {
    let scenario = "name = \"case\"\nwindow_s = 3600\n[profiles]\nfile = \"a.csv\"\nhomes = [\"a\"]\n\
         load = [{ column = \"x\", unit = \"Wh\" }]\n[profiles.time]\ncolumn = \"t\"\nstamp = \"end\"\n";
    let rows: String = (1..=6)
        .map(|i| format!("2026-05-04T0{}:{:02}:00Z,{i}\n", i / 2, i % 2 * 30))
        .collect();
    // The first step is 00:00–00:30, stamped 00:30.
    let n = read(scenario, &[("a.csv", &format!("t,x\n{rows}"))]);
    assert_eq!(n.start().get(), 1_777_852_800);
    assert_eq!(n.homes[0].demand_wh, [3, 7, 11]);
    // Without that step the first whole window begins at 01:00.
    let (_, later) = rows.split_once('\n').unwrap();
    let n = read(scenario, &[("a.csv", &format!("t,x\n{later}"))]);
    assert_eq!(n.start().get(), 1_777_856_400);
    assert_eq!(n.homes[0].demand_wh, [7, 11]);
    assert!(n
        .notes
        .contains(&"profiles: steps before the first whole window are left out".to_string()));
}

#[test]
fn unix_stamps_and_stamps_with_an_offset_are_read() {
    for (format, stamps) in [
        ("unix", ["1777852800", "1777856400"]),
        (
            "%d/%m/%y %H:%M %z",
            ["04/05/26 02:00 +0200", "04/05/26 03:00 +0200"],
        ),
    ] {
        let scenario = format!(
            "name = \"case\"\nwindow_s = 3600\n[profiles]\nfile = \"a.csv\"\nhomes = [\"a\"]\n\
             load = [{{ column = \"x\", unit = \"Wh\" }}]\n[profiles.time]\ncolumn = \"t\"\nformat = \"{format}\"\n"
        );
        let n = read(
            &scenario,
            &[("a.csv", &format!("t,x\n{},1\n{},2\n", stamps[0], stamps[1]))],
        );
        assert_eq!(
            (n.start().get(), &n.homes[0].demand_wh[..]),
            (1_777_852_800, &[1, 2][..]),
            "{format}"
        );
    }
}

#[test]
fn missing_values_and_rows_are_filled_and_counted() {
    let csv = "t,x\n2026-05-04T00:00:00Z,4\n2026-05-04T01:00:00Z,NA\n2026-05-04T02:00:00Z,6\n2026-05-04T04:00:00Z,8\n";
    for (policy, expected) in [("zero", [4, 0, 6, 0, 8]), ("previous", [4, 4, 6, 6, 8])] {
        let scenario = hourly(&format!(
            "missing = \"{policy}\"\nload = [{{ column = \"x\", unit = \"Wh\" }}]"
        ))
        .replace(COUNTED, "column = \"t\"");
        let n = read(&scenario, &[("a.csv", csv)]);
        assert_eq!(n.homes[0].demand_wh, expected, "{policy}");
        assert!(
            n.notes[0].starts_with(&format!("profiles: 2 missing values filled ({policy}; ")),
            "{:?}",
            n.notes
        );
    }
}

#[test]
fn negative_generation_can_be_taken_as_zero() {
    let n = read(
        &hourly("negative = \"zero\"\ngeneration = [{ column = \"x\", unit = \"Wh\" }]"),
        &[("a.csv", "x\n-3\n5\n-1\n")],
    );
    assert_eq!(n.homes[0].generation_wh, [0, 5, 0]);
    assert_eq!(n.homes[0].demand_wh, [0, 0, 0]);
    assert_eq!(n.notes, ["profiles: 2 negative values taken as zero"]);
}

#[test]
fn one_file_can_hold_a_column_for_each_home() {
    let scenario = hourly(
        "load = [{ column = \"{home} load\", unit = \"Wh\" }]\ncomment = \"#\"\n\
         generation = [{ file = \"sun.csv\", column = \"roof\", unit = \"W per kWp\" }]",
    )
    .replace("homes = [\"a\"]", "homes = [\"a\", \"b\", \"c\"]\nkwp = 2")
        + "[[homes]]\nname = \"b\"\nkwp = 3\n[[homes]]\nname = \"c\"\ngeneration = []\n";
    let files = [
        (
            "a.csv",
            "\u{feff}a load,b load,c load\n1,2,3\n# remark\n4,5,6\n",
        ),
        ("sun.csv", "roof\n0\n10\n"),
    ];
    let n = read(&scenario, &files);
    let demand: Vec<_> = n.homes.iter().map(|h| h.demand_wh.clone()).collect();
    assert_eq!(demand, [[1, 4], [2, 5], [3, 6]]);
    let generation: Vec<_> = n.homes.iter().map(|h| h.generation_wh.clone()).collect();
    assert_eq!(generation, [[0, 20], [0, 30], [0, 0]]);
    assert_eq!(
        n.homes.iter().map(|h| h.kind).collect::<Vec<_>>(),
        [HomeKind::Pv, HomeKind::Pv, HomeKind::Consumer]
    );
}

#[test]
fn tariffs_by_time_of_use_and_from_csv_reach_every_window() {
    let scenario = hourly("load = [{ column = \"x\", unit = \"Wh\" }]")
        + "[tariff.import]\nunit = \"per kWh\"\nzone = \"+01:00\"\nperiods = [\n\
           { from = \"22:00\", to = \"02:00\", value = 0.20 },\n{ days = \"weekends\", value = 0.25 },\n\
           { months = [6], value = 0.1 },\n{ value = 0.3 }]\n\
           [tariff.feed_in]\nfile = \"price.csv\"\ncolumn = \"p\"\nunit = \"per MWh\"\n\
           time = { step_s = 1800, start = \"2026-05-03T23:00:00Z\" }\n\
           [carbon]\nfile = \"a.csv\"\ncolumn = \"c\"\nunit = \"kg per kWh\"\nscale = 0.5\n";
    let n = read_with(
        &scenario,
        &[
            ("a.csv", "x,c\n1,0.4\n1,0.6\n1,0.8\n"),
            ("price.csv", "p\n9\n9\n10\n20\n-40\n-60\n0\n1\n"),
        ],
        Overrides::default(),
    );
    assert_eq!(
        n.import_tariff,
        [Tariff(200_000), Tariff(300_000), Tariff(300_000)]
    );
    assert_eq!(
        n.feed_in_tariff,
        [Tariff(15_000), Tariff(-50_000), Tariff(500)]
    );
    assert_eq!(n.carbon_g_per_kwh, [200.0, 300.0, 400.0]);
}

#[test]
fn policies_are_layered_from_all_to_group_to_home() {
    let scenario = hourly("load = [{ column = \"x\", unit = \"Wh\" }]")
        .replace("homes = [\"a\"]", "homes = [\"a\", \"b\", \"c\"]")
        + "[policy]\nreserve_wh = 10\nmargin_permille = 5\n\
           [groups.consumer.policy]\nmargin_permille = 6\n\
           [groups.row]\nhomes = [\"b\"]\nzone = 3\npolicy = { max_buy_price = 250_000, weights = { price = 0.2, surplus = 0.05 } }\n\
           [[homes]]\nname = \"c\"\nzone = 2\npolicy = { reserve_wh = 0, hours = { from = 6, to = 22 } }\n";
    let n = read(&scenario, &[("a.csv", "x\n1\n1\n")]);
    let [a, b, c] = &n.homes[..] else {
        panic!("three homes")
    };
    assert_eq!(
        (a.policy.reserve_wh.get(), a.policy.margin_permille, a.zone),
        (10, 6, Zone(1))
    );
    assert_eq!(
        (b.policy.reserve_wh.get(), b.policy.margin_permille, b.zone),
        (10, 5, Zone(3))
    );
    assert_eq!(b.policy.max_buy_price, Some(Price(250_000)));
    assert_eq!(
        (b.policy.weights.price, b.policy.weights.efficiency),
        (0.2, 0.25)
    );
    assert_eq!(
        (c.policy.reserve_wh.get(), c.policy.margin_permille, c.zone),
        (0, 6, Zone(2))
    );
    assert_eq!(c.policy.hours.map(|h| (h.from, h.to)), Some((6, 22)));
    assert_eq!(n.zone_pairs.len(), 9);
}

#[test]
fn fewer_meters_need_only_their_files_and_keep_only_their_zones() {
    let scenario = hourly("load = [{ column = \"x\", unit = \"Wh\" }]")
        .replace("a.csv", "{home}.csv")
        .replace("homes = [\"a\"]\n", "")
        + "[[homes]]\nname = \"a\"\n[[homes]]\nname = \"b\"\nzone = 2\n[[zones.pairs]]\nfrom = 1\nto = 2\nloss = 0.1\n"
        + TARIFF;
    let one = Overrides {
        meters: Some(1),
        ..Default::default()
    };
    let n = read_with(&scenario, &[("a.csv", "x\n1\n")], one);
    assert_eq!((n.homes.len(), n.zone_pairs.len()), (1, 1));
}

#[test]
fn what_is_not_given_is_said_in_the_notes() {
    let scenario =
        hourly("load = [{ column = \"x\", unit = \"Wh\" }]") + "[tariff.import]\nflat = 300_000\n";
    let n = read_with(&scenario, &[("a.csv", "x\n1\n")], Overrides::default());
    assert_eq!(
        (n.feed_in_tariff[0], n.carbon_g_per_kwh[0]),
        (Tariff(0), 0.0)
    );
    assert_eq!(n.notes.len(), 2, "{:?}", n.notes);
}

#[test]
fn files_are_found_in_the_data_folder_or_in_the_first_folder_of_their_path() {
    let dir = tempfile::tempdir().unwrap();
    let (scenarios, set) = (dir.path().join("scenarios"), dir.path().join("data/set"));
    fs::create_dir_all(&scenarios).unwrap();
    fs::create_dir_all(&set).unwrap();
    fs::write(set.join("a.csv"), "x\n7\n").unwrap();
    let text =
        hourly("load = [{ column = \"x\", unit = \"Wh\" }]").replace("a.csv", "set/a.csv") + TARIFF;
    let path = scenarios.join("case.toml");
    fs::write(&path, text).unwrap();
    for data in [dir.path().join("data"), set] {
        let n = load(&path, Some(&data), &Overrides::default()).unwrap();
        assert_eq!(n.homes[0].demand_wh, [7], "{}", data.display());
    }
    let missing = load(&path, None, &Overrides::default())
        .map(|n| n.name)
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("scenarios/set/a.csv: cannot be read"),
        "{missing}"
    );
}

/// Whatever is cut out of a valid scenario and its file, the answer is a neighbourhood or a one-line refusal
/// that names a file of the folder.
#[test]
fn damaged_input_is_refused_and_never_crashes() {
    let dir = tempfile::tempdir().unwrap();
    let (path, csv) = (dir.path().join("case.toml"), dir.path().join("a.csv"));
    let scenario = hourly("load = [{ column = \"x\", unit = \"Wh\" }]")
        .replace(COUNTED, "column = \"t\"")
        + "[[zones.pairs]]\nfrom = 1\nto = 1\nloss = 0.5\n[policy]\nhours = { from = 1, to = 2 }\n"
        + TARIFF;
    let rows = "t,x\n2026-05-04T00:00:00Z,4\n2026-05-04T01:00:00Z,5\n2026-05-04T02:00:00Z,6\n";
    let folder = dir.path().display().to_string();
    let mut refused = 0;
    let mut attempt = |scenario: &[u8], rows: &[u8]| {
        for (file, bytes) in [(&path, scenario), (&csv, rows)] {
            // A new file each time: overwriting one makes some file systems wait for the disk.
            fs::remove_file(file).unwrap_or_default();
            fs::write(file, bytes).unwrap();
        }
        if let Err(error) = load(&path, None, &Overrides::default()) {
            let text = error.to_string();
            assert!(!text.contains('\n'), "{text}");
            assert!(text.contains(&folder), "{text}");
            refused += 1;
        }
    };
    for at in 0..scenario.len() {
        attempt(&scenario.as_bytes()[..at], rows.as_bytes());
        for byte in [b'\xff', b'"', b'9'] {
            let mut bytes = scenario.clone().into_bytes();
            bytes[at] = byte;
            attempt(&bytes, rows.as_bytes());
        }
    }
    for at in 0..rows.len() {
        attempt(scenario.as_bytes(), &rows.as_bytes()[..at]);
        for byte in [b'\xff', b'"', b'9', b'-', b'\n', b'e'] {
            let mut bytes = rows.to_string().into_bytes();
            bytes[at] = byte;
            attempt(scenario.as_bytes(), &bytes);
        }
    }
    assert!(refused > 1_000, "{refused}");
}
