//! Files as portals, loggers and meters write them, read by mapping alone: look-alikes made here, with totals that are
//! worked out by hand.

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
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{load, Overrides, ScenarioError};

mod exports;
mod spellings;
mod strange;
mod workbooks;

const TARIFF: &str =
    "\n[tariff.import]\nflat = 300_000\n[tariff.feed_in]\nflat = 0\n[carbon]\nflat = 0\n";
/// 2026-05-04T00:00:00Z.
const MAY: u64 = 1_777_852_800;

fn attempt(scenario: &str, files: &[(&str, &[u8])]) -> Result<Neighbourhood, ScenarioError> {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    fs::write(dir.path().join("case.toml"), format!("{scenario}{TARIFF}")).unwrap();
    load(&dir.path().join("case.toml"), None, &Overrides::default())
}

fn read(scenario: &str, file: &str) -> Neighbourhood {
    attempt(scenario, &[("a.csv", file.as_bytes())]).unwrap_or_else(|e| panic!("{e}"))
}

fn refused(scenario: &str, file: &str) -> String {
    attempt(scenario, &[("a.csv", file.as_bytes())])
        .map(|n| n.notes)
        .expect_err("it is read")
        .to_string()
}

/// One home with hourly windows; further keys of the profiles, the columns, and the time table.
fn hourly(keys: &str, columns: &str, time: &str) -> String {
    format!(
        "name = \"case\"\nwindow_s = 3600\n[profiles]\nfile = \"a.csv\"\nhomes = [\"a\"]\n{keys}\n{columns}\n\
         [profiles.time]\n{time}\n"
    )
}

const LOAD: &str = "load = [{ column = \"x\", unit = \"Wh\" }]";
const ISO: &str = "column = \"t\"";

fn demand(n: &Neighbourhood) -> Vec<u32> {
    n.homes[0].demand_wh.clone()
}

#[test]
fn encodings() {
    let text = "Zeit;Leistung für Küche\n2026-05-04T00:00Z;1,5\n2026-05-04T01:00Z;2,5\n";
    let scenario = |encoding: &str| {
        hourly(
            &format!("delimiter = \";\"\ndecimal = \",\"\n{encoding}"),
            "load = [{ column = \"Leistung für Küche\", unit = \"kWh\" }]",
            "column = \"Zeit\"",
        )
    };
    let utf16 = |big: bool, mark: bool| -> Vec<u8> {
        let units = mark
            .then_some(0xfeff)
            .into_iter()
            .chain(text.encode_utf16());
        units
            .flat_map(|u: u16| {
                if big {
                    u.to_be_bytes()
                } else {
                    u.to_le_bytes()
                }
            })
            .collect()
    };
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let latin: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    for (encoding, bytes) in [
        ("", text.as_bytes()),
        ("", &marked),
        ("", &utf16(false, true)),
        ("", &utf16(true, true)),
        ("encoding = \"utf-16le\"", &utf16(false, false)),
        ("encoding = \"windows-1252\"", &latin),
    ] {
        let n = attempt(&scenario(encoding), &[("a.csv", bytes)]).unwrap();
        assert_eq!(demand(&n), [1_500, 2_500], "{encoding}");
    }
    for (bytes, hint) in [
        (
            &latin[..],
            "a.csv:1: bytes that are not UTF-8; expected UTF-8, or encoding = \"windows-1252\"",
        ),
        (&utf16(false, false)[..], "encoding = \"utf-16le\""),
        (&utf16(true, false)[..], "encoding = \"utf-16be\""),
    ] {
        let said = attempt(&scenario(""), &[("a.csv", bytes)])
            .unwrap_err()
            .to_string();
        assert!(said.contains(hint), "{said}");
    }
    let said = attempt(&scenario("encoding = \"klingon\""), &[])
        .unwrap_err()
        .to_string();
    assert!(said.contains("unknown encoding 'klingon'"), "{said}");
}

#[test]
fn what_stands_before_and_after_the_rows() {
    let file = "Meter,4711\nUnit,Wh\n\nt,x\n2026-05-04T00:00Z,1\n2026-05-04T01:00Z,2\n\nTotal,3\nPrinted,today\n";
    let n = read(&hourly("skip = 3\nfooter = 2", LOAD, ISO), file);
    assert_eq!(demand(&n), [1, 2]);
    let said = refused(&hourly("skip = 3", LOAD, ISO), file);
    assert!(
        said.contains("a.csv:8:") && said.contains("footer = 2"),
        "{said}"
    );
    let said = refused(&hourly("", LOAD, ISO), file);
    assert!(said.contains("line 4 has it: skip = 3"), "{said}");
    // A file without a header.
    let n = read(
        &hourly("header = [\"t\", \"x\"]", LOAD, ISO),
        "2026-05-04T00:00Z,1\n2026-05-04T01:00Z,2\n",
    );
    assert_eq!(demand(&n), [1, 2]);
    // What spreadsheet programs write in the first line.
    let n = read(
        &hourly("", LOAD, ISO),
        "sep=;\r\nt;x\r\n2026-05-04T00:00Z;1\r\n2026-05-04T01:00Z;2\r\n",
    );
    assert_eq!(demand(&n), [1, 2]);
}

#[test]
fn stamps_in_two_columns_at_the_end_and_as_intervals() {
    let n = read(
        &hourly(
            "",
            LOAD,
            "columns = [\"d\", \"h\"]\nformat = \"%d/%m/%Y %H:%M\"\nstamp = \"end\"\nzone = \"UTC\"",
        ),
        "d,h,x\n03/05/2026,24:00,1\n04/05/2026,01:00,2\n",
    );
    assert_eq!((n.start().get(), demand(&n)), (MAY - 3_600, vec![1, 2]));
    let n = read(
        &hourly(
            "",
            LOAD,
            "column = \"t\"\nformat = \"%d.%m.%Y %H:%M\"\nzone = \"UTC\"\nstamp = \"interval\"",
        ),
        "t,x\n04.05.2026 00:00 - 04.05.2026 01:00,1\n04.05.2026 01:00 - 04.05.2026 02:00,2\n",
    );
    assert_eq!((n.start().get(), demand(&n)), (MAY, vec![1, 2]));
    // The interval says how long a single step is.
    let n = read(
        &hourly("", LOAD, "column = \"t\"\nstamp = \"interval\""),
        "t,x\n2026-05-04T00:00Z/2026-05-04T01:00Z,7\n",
    );
    assert_eq!(demand(&n), [7]);
}

#[test]
fn the_newest_row_first_also_where_the_clocks_change() {
    let time = "column = \"t\"\nformat = \"%d.%m.%Y %H:%M\"\nzone = \"Europe/Berlin\"";
    let file = "t,x\n25.10.2026 03:00,5\n25.10.2026 02:00,4\n25.10.2026 02:00,3\n25.10.2026 01:00,2\n25.10.2026 00:00,1\n";
    let n = read(&hourly("", LOAD, time), file);
    assert_eq!(demand(&n), [1, 2, 3, 4, 5]);
    assert!(
        n.notes[0].contains("newest row stands first"),
        "{:?}",
        n.notes
    );
}

#[test]
fn the_same_rows_every_day_where_the_clocks_change() {
    for (stamp, first) in [("start", 0), ("end", 1)] {
        let time = format!(
            "column = \"t\"\nformat = \"%Y-%m-%d %H:%M\"\nzone = \"Europe/Berlin\"\nclock_change = \"same_rows\"\nstamp = \"{stamp}\""
        );
        let rows = |date: &str| -> String {
            (first..first + 5)
                .map(|h| format!("{date} {h:02}:00,{}\n", (h - first + 1) * 10))
                .collect()
        };
        // Rows of 00, 01, 02, 03, 04: in spring that of 02 does not exist, in autumn it holds two hours.
        let spring = read(
            &hourly("", LOAD, &time),
            &format!("t,x\n{}", rows("2026-03-29")),
        );
        assert_eq!(demand(&spring), [10, 20, 40, 50], "{stamp}");
        assert!(
            spring.notes[0]
                .contains("1 rows of hours that summer time leaves out are dropped (30 in all)"),
            "{:?}",
            spring.notes
        );
        let autumn = read(
            &hourly("", LOAD, &time),
            &format!("t,x\n{}", rows("2026-10-25")),
        );
        assert_eq!(demand(&autumn), [10, 20, 15, 15, 40, 50], "{stamp}");
    }
}

/// An hour that is shown twice and is there once: the refusal says which setting spreads it.
#[test]
fn a_doubled_hour_that_is_there_once() {
    let time = "column = \"t\"\nformat = \"%Y-%m-%d %H:%M\"\nzone = \"America/New_York\"";
    let rows: String = (0..4)
        .map(|h| format!("2026-11-01 {h:02}:00,{}\n", 10 * (h + 1)))
        .collect();
    let file = format!("t,x\n{rows}");
    let said = refused(&hourly("", LOAD, time), &file);
    assert!(
        said.contains("a.csv:4:") && said.contains("clock_change = \"same_rows\""),
        "{said}"
    );
    let n = read(
        &hourly("", LOAD, &format!("{time}\nclock_change = \"same_rows\"")),
        &file,
    );
    assert_eq!(demand(&n), [10, 10, 10, 30, 40]);
}

#[test]
fn footers_that_begin_like_rows() {
    let file = "t,x\n2026-05-04T00:00Z,1\n2026-05-04T01:00Z,2\n2 rows selected.\n";
    let said = refused(&hourly("", LOAD, ISO), file);
    assert!(
        said.contains("a.csv:4:") && said.contains("footer = 1"),
        "{said}"
    );
    let utf32 = [
        b"\xff\xfe\x00\x00".to_vec(),
        file.chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect(),
    ]
    .concat();
    let said = attempt(&hourly("", LOAD, ISO), &[("a.csv", &utf32)])
        .map(|n| n.notes)
        .unwrap_err()
        .to_string();
    assert!(said.contains("UTF-32"), "{said}");
}

/// Ends by a clock that shows the moment, and by one that is changed with the next step.
#[test]
fn ends_of_steps_where_the_clocks_change() {
    let time =
        "column = \"t\"\nformat = \"%d.%m.%Y %H:%M\"\nzone = \"Europe/Berlin\"\nstamp = \"end\"";
    let file = |date: &str, hours: &[&str]| -> String {
        let rows = hours.iter().enumerate();
        let rows: String = rows.map(|(i, h)| format!("{date} {h},{i}\n")).collect();
        format!("t,x\n{rows}")
    };
    // 22:00Z and 23:00Z of the day before.
    for (date, start, hours) in [
        (
            "25.10.2026",
            1_792_879_200,
            &["01:00", "02:00", "02:00", "03:00", "04:00"][..],
        ),
        (
            "25.10.2026",
            1_792_879_200,
            &["01:00", "02:00", "03:00", "03:00", "04:00"],
        ),
        (
            "29.03.2026",
            1_774_738_800,
            &["01:00", "03:00", "04:00", "05:00"],
        ),
        (
            "29.03.2026",
            1_774_738_800,
            &["01:00", "02:00", "04:00", "05:00"],
        ),
    ] {
        let n = read(&hourly("", LOAD, time), &file(date, hours));
        let values = u32::try_from(hours.len()).unwrap();
        assert_eq!(
            (n.start().get(), demand(&n)),
            (start, (0..values).collect()),
            "{hours:?}"
        );
    }
    // By quarters, the last of the doubled hour's first pass is written as the end of the second.
    let quarters = [
        "02:00", "02:15", "02:30", "02:45", "03:00", "02:15", "02:30", "02:45", "03:00", "03:15",
    ];
    let n = read(
        &hourly("", LOAD, time).replace("3600", "900"),
        &file("25.10.2026", &quarters),
    );
    assert_eq!(
        (n.start().get(), demand(&n)),
        (1_792_885_500, (0..10).collect())
    );
}

#[test]
fn stamps_that_jitter_or_are_shifted() {
    let file = "t,x\n2026-05-04T00:00:02Z,1\n2026-05-04T00:59:58Z,2\n2026-05-04T02:00:01Z,3\n2026-05-04T03:00:00Z,4\n";
    let n = read(&hourly("", LOAD, "column = \"t\"\ntolerance_s = 2"), file);
    assert_eq!((n.start().get(), demand(&n)), (MAY, vec![1, 2, 3, 4]));
    let said = refused(&hourly("", LOAD, "column = \"t\"\ntolerance_s = 1"), file);
    assert!(
        said.contains("a.csv:2:") && said.contains("tolerance_s = 1"),
        "{said}"
    );
    let shifted = "t,x\n2026-05-04T00:10Z,1\n2026-05-04T01:10Z,2\n";
    let n = read(&hourly("", LOAD, "column = \"t\"\nshift_s = -600"), shifted);
    assert_eq!((n.start().get(), demand(&n)), (MAY, vec![1, 2]));
    let said = refused(&hourly("", LOAD, ISO), shifted);
    assert!(
        said.contains("shift_s = -600") && said.contains("window_s = 600"),
        "{said}"
    );
}

#[test]
fn steps_that_change_within_a_file() {
    let file = "t,x,w\n2026-05-04T00:00Z,60,60\n2026-05-04T01:00Z,60,60\n2026-05-04T02:00Z,60,60\n2026-05-04T03:00Z,10,40\n\
                2026-05-04T03:15Z,20,80\n2026-05-04T03:30Z,30,120\n2026-05-04T03:45Z,40,160\n";
    for unit in [
        "{ column = \"x\", unit = \"Wh\" }",
        "{ column = \"w\", unit = \"W\" }",
    ] {
        let scenario = hourly(
            "",
            &format!("load = [{unit}]"),
            "column = \"t\"\nstep_s = [3600, 900]",
        );
        assert_eq!(demand(&read(&scenario, file)), [60, 60, 60, 100], "{unit}");
        let quarters = scenario.replace("window_s = 3600", "window_s = 900");
        assert_eq!(
            demand(&read(&quarters, file))[8..],
            [15, 15, 15, 15, 10, 20, 30, 40],
            "{unit}"
        );
        // A single longer distance is a gap, not another step.
        let gap = file.replace("2026-05-04T03:30Z,30,120\n", "");
        let said = refused(&quarters, &gap);
        assert!(said.contains("1800 s after line 6"), "{said}");
    }
    let said = refused(&hourly("", LOAD, ISO), file);
    assert!(said.contains("step_s = [3600, 900]"), "{said}");
}

#[test]
fn own_marks_of_missing_values() {
    let file = "t,x\n2026-05-04T00:00Z,5\n2026-05-04T01:00Z,-9999.0\n2026-05-04T02:00Z,offline\n";
    let keys = "markers = [\"-9999\", \"offline\"]\nmissing = \"previous\"";
    let n = read(&hourly(keys, LOAD, ISO), file);
    assert_eq!(demand(&n), [5, 5, 5]);
    assert!(
        n.notes[0].starts_with("profiles: 2 missing values filled"),
        "{:?}",
        n.notes
    );
}

#[test]
fn registers_roll_over_are_exchanged_and_bridge_gaps() {
    let register = "load = [{ column = \"x\", unit = \"kWh register\" }]";
    let file = |readings: &[&str]| -> String {
        let rows = readings
            .iter()
            .enumerate()
            .map(|(h, r)| format!("2026-05-04T{h:02}:00Z,{r}\n"));
        format!("t,x\n{}", rows.collect::<String>())
    };
    let n = read(
        &hourly("", register, ISO),
        &file(&["100.0", "100.5", "101.5"]),
    );
    assert_eq!((n.start().get(), demand(&n)), (MAY, vec![500, 1_000]));
    let n = read(
        &hourly("", register, ISO),
        &file(&["99998", "99999", "0.5", "1"]),
    );
    assert_eq!(demand(&n), [1_000, 1_500, 500]);
    assert!(
        n.notes
            .iter()
            .any(|n| n.contains("line 4") && n.contains("rolled over")),
        "{:?}",
        n.notes
    );
    let n = read(
        &hourly("", register, ISO),
        &file(&["5000", "5001", "0.5", "1.5"]),
    );
    assert_eq!(demand(&n), [1_000, 500, 1_000]);
    assert!(
        n.notes.iter().any(|n| n.contains("exchanged")),
        "{:?}",
        n.notes
    );
    // What was counted in a gap is known, and spread over it.
    let gap = file(&["100", "101", "", "103"]);
    let n = read(&hourly("missing = \"previous\"", register, ISO), &gap);
    assert_eq!(demand(&n), [1_000, 1_000, 1_000]);
    let said = refused(&hourly("", register, ISO), &gap);
    assert!(
        said.contains("a.csv:4:") && said.contains("a missing reading"),
        "{said}"
    );
    let said = refused(
        &hourly("", register, ISO),
        &file(&["5000", "5001", "300", "301"]),
    );
    assert!(said.contains("300 after 5001"), "{said}");
    // Read at the end of each step.
    let n = read(
        &hourly(
            "",
            "load = [{ column = \"x\", unit = \"Wh register\" }]",
            "column = \"t\"\nstamp = \"end\"",
        ),
        &file(&["100", "105", "115"]),
    );
    assert_eq!((n.start().get(), demand(&n)), (MAY, vec![5, 10]));
}

#[test]
fn tables_with_rows_of_several_homes() {
    let scenario = "name = \"case\"\nwindow_s = 3600\n[profiles]\nfile = \"a.csv\"\nhome_column = \"id\"\nhomes = [\"M1\", \"M2\"]\n\
         load = [{ column = \"kWh\", unit = \"kWh\", where = { kind = \"use\" } }]\n\
         generation = [{ column = \"kWh\", unit = \"kWh\", where = { kind = \"sun\" }, optional = true }]\n\
         [profiles.time]\ncolumn = \"t\"\n";
    let file = "id,kind,t,kWh\nM1,use,2026-05-04T00:00Z,1\nM2,use,2026-05-04T00:00Z,2\nM2,sun,2026-05-04T00:00Z,4\n\
                M1,use,2026-05-04T01:00Z,3\nM2,use,2026-05-04T01:00Z,5\nM2,sun,2026-05-04T01:00Z,6\n";
    let n = read(scenario, file);
    let all: Vec<_> = n
        .homes
        .iter()
        .map(|h| (h.demand_wh.clone(), h.generation_wh.clone()))
        .collect();
    assert_eq!(
        all,
        [
            (vec![1_000, 3_000], vec![0, 0]),
            (vec![2_000, 5_000], vec![4_000, 6_000])
        ]
    );
    let said = refused(&scenario.replace("\"M2\"]", "\"M3\"]"), file);
    assert!(
        said.contains("no row with 'M3'") && said.contains("M2"),
        "{said}"
    );
}

#[test]
fn homes_without_a_generation_column() {
    let scenario = "name = \"case\"\nwindow_s = 3600\n[profiles]\nfile = \"{home}.csv\"\nhomes = [\"a\", \"b\"]\n\
         load = [{ column = \"x\", unit = \"Wh\" }]\ngeneration = [{ column = \"pv\", unit = \"Wh\", optional = true }]\n\
         [profiles.time]\ncolumn = \"t\"\n";
    let a = "t,x,pv\n2026-05-04T00:00Z,1,2\n2026-05-04T01:00Z,1,2\n";
    let b = "t,x\n2026-05-04T00:00Z,1\n2026-05-04T01:00Z,1\n";
    let n = attempt(
        scenario,
        &[("a.csv", a.as_bytes()), ("b.csv", b.as_bytes())],
    )
    .unwrap();
    assert_eq!(n.homes[0].generation_wh, [2, 2]);
    assert_eq!(n.homes[1].generation_wh, [0, 0]);
}

#[test]
fn each_file_has_its_own_dialect_and_stamps() {
    let scenario = "name = \"case\"\nwindow_s = 3600\n[profiles]\nfile = \"a.csv\"\nhomes = [\"a\"]\n\
         load = [{ column = \"x\", unit = \"Wh\" }]\n\
         generation = [{ file = \"pv.csv\", column = \"P\", unit = \"W\", delimiter = \";\", decimal = \",\", skip = 1, \
         time = { column = \"s\", format = \"unix_ms\" } }]\n\
         [profiles.time]\ncolumn = \"t\"\n";
    let n = attempt(
        scenario,
        &[
            (
                "a.csv",
                &b"t,x\n2026-05-04T00:00Z,1\n2026-05-04T01:00Z,2\n"[..],
            ),
            ("pv.csv", b"PV\ns;P\n1777852800000;1,5\n1777856400000;2,5\n"),
        ],
    )
    .unwrap();
    assert_eq!(
        (demand(&n), n.homes[0].generation_wh.clone()),
        (vec![1, 2], vec![2, 2])
    );
}
