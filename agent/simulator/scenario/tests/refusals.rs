//! Bad input: each is refused in one line that names the file, the line, the key or column, and what was
//! expected.

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
use wattpool_scenario::{load, Overrides};

/// The scenario that the cases below change.
const SCENARIO: &str = r#"name = "case"
window_s = 3600
start = "2026-05-04T00:00:00Z"
[profiles]
file = "{home}.csv"
homes = ["a", "b"]
load = [{ column = "load", unit = "kWh" }]
generation = [{ column = "pv", unit = "kW" }]
[profiles.time]
step_s = 3600
[tariff.import]
flat = 300_000
"#;
const A: &str = "load,pv\n1.0,0.0\n0.5,1.5\n";
const B: &str = "load,pv\n2.0,0.0\n0.25,0.0\n";
/// Instead of `[profiles.time]` of two lines: stamps.
const STAMPED: &str = "[profiles.time]\ncolumn = \"time\"\n";

/// A case: what is replaced in the scenario, the content of `a.csv`, and the message without the folder.
struct Case {
    replace: &'static [(&'static str, &'static str)],
    a: &'static str,
    message: &'static str,
}

fn refusal(case: &Case) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut text = SCENARIO.to_string();
    for (from, to) in case.replace {
        assert!(text.contains(from), "nothing to replace: {from}");
        text = text.replace(from, to);
    }
    fs::write(dir.path().join("case.toml"), text).unwrap();
    fs::write(dir.path().join("b.csv"), B).unwrap();
    if !case.a.is_empty() {
        fs::write(dir.path().join("a.csv"), case.a.trim_end_matches('§')).unwrap();
    }
    let result = load(&dir.path().join("case.toml"), None, &Overrides::default());
    let error = result.map(|n| n.name).expect_err(case.message).to_string();
    assert!(!error.contains('\n'), "more than one line: {error}");
    error.replace(&format!("{}/", dir.path().display()), "")
}

fn check(cases: &[Case]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|case| (refusal(case), case.message))
        .filter(|(found, expected)| match expected.strip_suffix('…') {
            Some(beginning) => !found.starts_with(beginning),
            None => found != expected,
        })
        .map(|(found, expected)| format!("found    {found}\nexpected {expected}\n"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_case_that_the_others_change_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("case.toml", SCENARIO), ("a.csv", A), ("b.csv", B)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let n = load(&dir.path().join("case.toml"), None, &Overrides::default()).unwrap();
    assert_eq!(
        (
            n.homes[0].demand_wh.clone(),
            n.homes[0].generation_wh.clone()
        ),
        (vec![1000, 500], vec![0, 1500])
    );
}

#[test]
fn files_and_columns() {
    check(&[
        Case { replace: &[], a: "", message: "a.csv: cannot be read (No such file or directory (os error 2)); expected a CSV file with a header, in the data folder or beside the scenario" },
        Case { replace: &[], a: "§", message: "a.csv:1: the file is empty; expected a header and rows" },
        Case { replace: &[], a: "load,pv\n", message: "a.csv:1: no rows; expected rows after the header" },
        Case { replace: &[], a: "\n", message: "a.csv:1: the file is empty; expected a header and rows" },
        Case { replace: &[], a: "load;pv\n1;0\n", message: "a.csv:1: column 'load': is missing; expected one of: load;pv (line 1 has it: delimiter = \";\" beside the file)" },
        Case { replace: &[], a: "load,sun\n1,1\n1,1\n", message: "a.csv:1: column 'pv': is missing; expected one of: load, sun" },
        Case { replace: &[], a: "load,pv,pv\n1,1,1\n", message: "a.csv:1: column 'pv': is there twice; expected one column of that name (or header = [\"…\"] with names of your own, and skip for the file's)" },
        Case { replace: &[], a: "load,pv\n1,0\n2\n", message: "a.csv:3: 1 cells; expected 2 cells, as in the header (or footer = 1, if the rows end before this line)" },
        Case { replace: &[], a: "load,pv\n1,0\n", message: "a.csv:2: 1 steps until 2026-05-04T01:00:00Z; expected 2 steps until 2026-05-04T02:00:00Z, as in b.csv" },
        Case { replace: &[], a: "load,pv\n1,0\n1,0\n1,0\n", message: "b.csv:3: 2 steps until 2026-05-04T02:00:00Z; expected 3 steps until 2026-05-04T03:00:00Z, as in a.csv" },
        Case { replace: &[("window_s = 3600", "days = 1\nwindow_s = 3600")], a: A, message: "a.csv:3: 2 steps until 2026-05-04T02:00:00Z; expected steps until 2026-05-05T00:00:00Z" },
    ]);
}

#[test]
fn cells() {
    check(&[
        Case { replace: &[], a: "load,pv\n1,0\nmuch,0\n", message: "a.csv:3: column 'load': found 'much'; expected a number (or markers = [\"much\"], if it stands for a missing value) (or footer = 1, if the rows end before this line)" },
        Case { replace: &[], a: "load,pv\r\n1,0\r\n\r\nmuch,0\r\n", message: "a.csv:4: column 'load': found 'much'; expected a number (or markers = [\"much\"], if it stands for a missing value) (or footer = 1, if the rows end before this line)" },
        Case { replace: &[], a: "load,pv\n1,inf\n", message: "a.csv:2: column 'pv': found 'inf'; expected a finite number" },
        Case { replace: &[], a: "load,pv\n1,0\n-1,0\n", message: "a.csv:3: column 'load': found -1; expected no negative energy (or profiles.negative = \"zero\", or a net column)" },
        Case { replace: &[], a: "load,pv\n1,0\n,0\n", message: "a.csv:3: column 'load': found a missing value; expected a number (or profiles.missing = \"zero\" or \"previous\")" },
        Case { replace: &[], a: "load,pv\n1,NaN\n", message: "a.csv:2: column 'pv': found a missing value; expected a number (or profiles.missing = \"zero\" or \"previous\")" },
        Case { replace: &[("homes = [", "missing = \"previous\"\nhomes = [")], a: "load,pv\n,0\n1,0\n", message: "a.csv:2: column 'load': found a missing value; expected a number in the first row, to be repeated" },
        Case { replace: &[], a: "load,pv\n1,0\n-inf,0\n", message: "a.csv:3: column 'load': found '-inf'; expected a finite number (or footer = 1, if the rows end before this line)" },
        Case { replace: &[], a: "load,pv\n1e300,0\n1,0\n", message: "a.csv:2: column 'load': found 1000000000000…" },
        Case { replace: &[], a: "load,pv\n1e12,0\n", message: "a.csv:2: column 'load': found 1000000000000; expected at most 100 kW on average, 100 kWh in a step of 3600 s (profiles.most_kw); is the unit right?" },
        Case { replace: &[], a: "load,pv\n\"1,5\",0\n", message: "a.csv:2: column 'load': found '1,5'; expected a number with decimal = \".\": decimal = \",\"" },
    ]);
}

#[test]
fn times() {
    const COUNTED: &str = "[profiles.time]\nstep_s = 3600\n";
    const LOCAL: &str = "[profiles.time]\ncolumn = \"time\"\nformat = \"%d.%m.%Y %H:%M\"\nzone = \"Europe/Berlin\"\n";
    const FILLED: &str = "[profiles.time]\ncolumn = \"time\"\n[faults]\n";
    check(&[
        Case { replace: &[(COUNTED, STAMPED)], a: "time,load,pv\n2026-05-04T00:00:00Z,1,0\n2026-05-04T01:00:00Z,1,0\n2026-05-04T02:30:00Z,1,0\n", message: "a.csv:4: column 'time': found '2026-05-04T02:30:00Z', 5400 s after line 3; expected 3600 s, the length of a step (or resample_s, if rows come when something happens)" },
        Case { replace: &[(COUNTED, STAMPED)], a: "time,load,pv\n2026-05-04T00:00:00Z,1,0\n2026-05-04T01:00:00Z,1,0\n2026-05-04T03:00:00Z,1,0\n", message: "a.csv:4: column 'time': found '2026-05-04T03:00:00Z', 7200 s after line 3; expected 3600 s, the length of a step (or profiles.missing = \"zero\" or \"previous\")" },
        Case { replace: &[(COUNTED, FILLED), ("homes = [", "missing = \"zero\"\nhomes = [")], a: "time,load,pv\n2026-05-04T00:00:00Z,1,0\n2026-05-04T01:00:00Z,1,0\n2026-06-04T01:00:00Z,1,0\n", message: "a.csv:4: column 'time': found '2026-06-04T01:00:00Z', 2678400 s after line 3; expected gaps of at most a week" },
        Case { replace: &[(COUNTED, STAMPED)], a: "time,load,pv\n2026-05-04T00:00:00Z,1,0\n2026-05-04T00:00:00Z,1,0\n", message: "a.csv:3: column 'time': found '2026-05-04T00:00:00Z', the time of line 2; expected a later time" },
        Case { replace: &[(COUNTED, STAMPED)], a: "time,load,pv\n2026-05-04T00:00:00Z,1,0\n2026-05-04T01:00:00Z,1,0\n2026-05-03T23:00:00Z,1,0\n", message: "a.csv:4: column 'time': found '2026-05-03T23:00:00Z', a time before that of line 3; expected a later time" },
        Case { replace: &[(COUNTED, STAMPED)], a: "time,load,pv\nnoon,1,0\n", message: "a.csv:2: column 'time': found 'noon'; expected an RFC 3339 time such as 2026-05-04T00:00:00Z" },
        Case { replace: &[(COUNTED, STAMPED)], a: "time,load,pv\n2026-05-04T00:00:00Z,1,0\n", message: "a.csv:2: a single row; expected two rows at least, or step_s beside the time column" },
        Case { replace: &[(COUNTED, STAMPED)], a: "time,load,pv\n2026-05-04T01:00:00Z,1,0\n2026-05-04T02:00:00Z,1,0\n", message: "a.csv:2: rows from 2026-05-04T01:00:00Z on; expected rows from 2026-05-04T00:00:00Z on" },
        Case { replace: &[(COUNTED, STAMPED)], a: "time,load,pv\n2026-05-04T00:00:00Z,1,0\n2026-05-04T00:25:00Z,1,0\n2026-05-04T00:50:00Z,1,0\n2026-05-04T01:15:00Z,1,0\n", message: "a.csv:2: steps of 1500 s; expected a divisor or a multiple of window_s = 3600" },
        Case { replace: &[(COUNTED, LOCAL)], a: "time,load,pv\n29.03.2026 02:30,1,0\n", message: "a.csv:2: column 'time': found '29.03.2026 02:30'; expected a time of the form %d.%m.%Y %H:%M that exists in Europe/Berlin (or clock_change = \"same_rows\", where every day has the same rows)" },
        Case { replace: &[("step_s = 3600", "step_s = 2400")], a: A, message: "case.toml:10: profiles.time.step_s: 2400 s neither divides the window of 3600 s nor is a multiple of it; expected a divisor or a multiple of window_s" },
        Case { replace: &[("step_s = 3600", "zone = \"Atlantis\"\nstep_s = 3600")], a: A, message: "case.toml:10: profiles.time.zone: unknown zone 'Atlantis'; expected a time zone such as Europe/Berlin, or an offset such as +01:00" },
        Case { replace: &[("step_s = 3600", "column = \"t\"\nformat = \"rfc3339\"\nzone = \"UTC\"")], a: A, message: "case.toml:12: profiles.time.zone: the stamps say themselves how far they are from UTC; expected no zone, or a format without offset" },
        Case { replace: &[("step_s = 3600", "column = \"t\"\nformat = \"%Y-%m-%d %H:%M\"")], a: A, message: "case.toml:11: profiles.time.format: stamps without an offset, and no zone; expected zone beside it" },
        Case { replace: &[("step_s = 3600", "column = \"t\"\nformat = \"iso\"")], a: A, message: "case.toml:11: profiles.time.format: 'iso' is no time pattern; expected rfc3339, unix, unix_ms, or strftime such as %Y-%m-%d %H:%M" },
        Case { replace: &[("step_s = 3600", "column = \"t\"\nstart = \"2026-05-04\"")], a: A, message: "case.toml:11: profiles.time.start: the time column says when rows begin; expected either column or start" },
        Case { replace: &[("step_s = 3600", "")], a: A, message: "case.toml:9: profiles.time: neither column nor step_s is given; expected one of them" },
        Case { replace: &[("start = \"2026-05-04T00:00:00Z\"", "start = \"2026-05-04T00:30:00Z\"")], a: A, message: "case.toml:3: start: \"2026-05-04T00:30:00Z\" is inside a window of 3600 s; expected the edge of a window, in UTC (window_s = 1800 would have one there)" },
        Case { replace: &[("start = \"2026-05-04T00:00:00Z\"\n", "")], a: A, message: "case.toml:8: profiles.time: step_s without start; expected start here or for the scenario" },
    ]);
}

#[test]
fn keys() {
    check(&[
        Case { replace: &[("window_s", "windw_s")], a: A, message: "case.toml:2: windw_s: unknown field `windw_s`, expected one of `name`, `currency`, `timezone`, `window_s`, `start`, `days`, `generate`, `profiles`, `homes`, `groups`, `policy`, `tariff`, `carbon`, `zones`, `feeders`, `faults`, `attackers`" },
        Case { replace: &[("window_s = 3600", "window_s = \"an hour\"")], a: A, message: "case.toml:2: window_s: invalid type: string \"an hour\", expected u32" },
        Case { replace: &[("[tariff.import]", "[tariffs.import]")], a: A, message: "case.toml:11: tariffs.import: unknown field `tariffs`, expected one of `name`, …" },
        Case { replace: &[("step_s = 3600", "step_s = 3600\nsteps = 4")], a: A, message: "case.toml:11: profiles.time.steps: unknown field `steps`, expected one of `column`, …" },
        Case { replace: &[("[profiles]", "[profiles")], a: A, message: "case.toml:4: …" },
        Case { replace: &[("window_s = 3600", "window_s = 1000")], a: A, message: "case.toml:2: window_s: found 1000; expected seconds that divide a day, at least 60" },
        Case { replace: &[("window_s = 3600", "days = 0")], a: A, message: "case.toml:2: days: found 0; expected at least 1" },
        Case { replace: &[("unit = \"kW\"", "unit = \"horses\"")], a: A, message: "case.toml:8: profiles.generation[1].unit: unknown variant `horses`, expected one of `kWh`, `Wh`, `kWh register`, `Wh register`, `kW`, `W`, `W per kWp`, `kW per kWp`" },
        Case { replace: &[("unit = \"kW\"", "unit = \"W per kWp\"")], a: A, message: "case.toml:8: profiles.generation[1].unit: home 'a' has no kwp; expected kwp for the home, its group or the profiles" },
        Case { replace: &[("unit = \"kW\"", "unit = \"kW\", scale = 0")], a: A, message: "case.toml:8: profiles.generation[1].scale: found 0; expected a finite number other than 0" },
        Case { replace: &[("[profiles]\n", "[generate]\n[profiles]\n")], a: A, message: "case.toml:5: profiles: [generate] and [profiles] together; expected one or the other" },
        Case { replace: &[("generation = ", "net = ")], a: A, message: "case.toml:8: profiles.net: net beside load or generation; expected one or the other" },
        Case { replace: &[("file = \"{home}.csv\"\n", "")], a: A, message: "case.toml:6: profiles.load[1].file: home 'a' has no file; expected file here, for the home or in [profiles]" },
        Case { replace: &[("[\"a\", \"b\"]", "[]")], a: A, message: "case.toml:4: profiles: there are no homes; expected homes, or [[homes]]" },
        Case { replace: &[("[\"a\", \"b\"]", "[\"a\", \"a\"]")], a: A, message: "case.toml:6: profiles.homes: 'a' is there twice; expected names that differ" },
        Case { replace: &[("flat = 300_000\n", "flat = 300_000\n[[homes]]\nname = \"a\"\nkwp = -1\n")], a: A, message: "case.toml:15: homes[1].kwp: found -1; expected more than 0 kWp" },
        Case { replace: &[("flat = 300_000\n", "flat = 300_000\n[[homes]]\nname = \"a\"\nkind = \"consumer\"\n")], a: A, message: "case.toml:15: homes[1].kind: a consumer whose column 'pv' holds generation; expected another kind, or no generation" },
        Case { replace: &[("flat = 300_000\n", "flat = 300_000\n[[homes]]\nname = \"a\"\ngroup = \"x\"\n")], a: A, message: "case.toml:15: homes[1].group: no group is called 'x'; expected [groups.x], or another group's name" },
        Case { replace: &[("flat = 300_000\n", "flat = 300_000\n[groups.x]\nhomes = [\"c\"]\n")], a: A, message: "case.toml:14: groups.x.homes: no home is called 'c'; expected names of homes" },
        Case { replace: &[("flat = 300_000\n", "flat = 300_000\n[groups.consumr]\nzone = 2\n")], a: A, message: "case.toml:13: groups.consumr.homes: no home is in group 'consumr'; expected homes, or a kind's name (pv, wind, battery, mixed, consumer)" },
        Case { replace: &[("name = \"case\"", "name = ")], a: A, message: "case.toml:1: name =: string values must be quoted, expected literal string" },
        Case { replace: &[("load = [", "delimiter = \".\"\nload = [")], a: A, message: "case.toml:7: profiles.delimiter: '.' is the decimal mark too; expected another character" },
    ]);
}

#[test]
fn tariffs_zones_policies_and_faults() {
    const FLAT: &str = "flat = 300_000\n";
    check(&[
        Case { replace: &[("[tariff.import]\nflat = 300_000\n", "")], a: A, message: "case.toml:1: tariff.import: there is no purchase tariff; expected [tariff.import] with flat, file and column, or periods" },
        Case { replace: &[(FLAT, "flat = 300_000\nperiods = [{ value = 1 }]\n")], a: A, message: "case.toml:11: tariff.import: flat and periods together; expected one of flat, file with column, or periods" },
        Case { replace: &[(FLAT, "file = \"a.csv\"\n")], a: A, message: "case.toml:11: tariff.import: file without column; expected column beside it" },
        Case { replace: &[(FLAT, "flat = 300_000\nunit = \"kg per kWh\"\n")], a: A, message: "case.toml:13: tariff.import.unit: the unit of something else; expected micro per kWh, per kWh or per MWh for a price" },
        Case { replace: &[(FLAT, "flat = nan\n")], a: A, message: "case.toml:12: tariff.import.flat: found NaN; expected a price of at most 1000 a kWh, either sign" },
        Case { replace: &[(FLAT, "flat = 1\nfile = \"a.csv\"\n")], a: A, message: "case.toml:11: tariff.import: flat and file together; expected one of flat, file with column, or periods" },
        Case { replace: &[(FLAT, "flat = 1e10\n")], a: A, message: "case.toml:12: tariff.import.flat: found 10000000000; expected a price of at most 1000 a kWh, either sign" },
        Case { replace: &[(FLAT, "file = \"a.csv\"\ncolumn = \"price\"\n")], a: A, message: "a.csv:1: column 'price': is missing; expected one of: load, pv" },
        Case { replace: &[(FLAT, "periods = [{ from = \"8:00\", value = 1 }]\n")], a: A, message: "case.toml:12: tariff.import.periods[1].from: found '8:00'; expected HH:MM from 00:00 to 24:00" },
        Case { replace: &[(FLAT, "periods = [{ from = \"01:00\", value = 1 }]\n")], a: A, message: "case.toml:12: tariff.import.periods: no period holds Monday 2026-05-04 00:00; expected a last period without from, to, days and months" },
        Case { replace: &[(FLAT, "flat = 300_000\n[carbon]\nflat = -1\n")], a: A, message: "case.toml:14: carbon.flat: found -1; expected 0 to 10000 g CO2 per kWh" },
        Case { replace: &[(FLAT, "flat = 300_000\n[zones.between]\nloss = 1.0\n")], a: A, message: "case.toml:14: zones.between.loss: found 1; expected a share from 0 to less than 1" },
        Case { replace: &[(FLAT, "flat = 300_000\n[zones.between]\ncapacity_wh = 0\n")], a: A, message: "case.toml:14: zones.between.capacity_wh: found 0; expected at least 1 Wh, or no capacity_wh for no limit" },
        Case { replace: &[(FLAT, "flat = 300_000\n[[zones.pairs]]\nfrom = 1\nto = 7\n")], a: A, message: "case.toml:15: zones.pairs[1].to: no home is in zone 7; expected one of the homes' zones: 1" },
        Case { replace: &[(FLAT, "flat = 300_000\n[policy]\nsel = true\n")], a: A, message: "case.toml:14: policy.sel: unknown field `sel`; expected one of `paused`, `sell`, `buy`, …" },
        Case { replace: &[(FLAT, "flat = 300_000\n[policy]\nmin_sell_price = -5\n")], a: A, message: "case.toml:14: policy.min_sell_price: invalid value: integer `-5`; expected u64" },
        Case { replace: &[(FLAT, "flat = 300_000\n[policy.weights]\nprice = 0.5\n")], a: A, message: "case.toml:13: policy.weights: [0.25, 0.25, 0.15, 0.2, 0.15, 0.5], which sum to 1.5; expected shares from 0 to 1 that sum to 1" },
        Case { replace: &[(FLAT, "flat = 300_000\n[attackers]\nattack = \"clique\"\nshare = 1.5\n")], a: A, message: "case.toml:15: attackers.share: found 1.5; expected a share from 0 to 1" },
        Case { replace: &[(FLAT, "flat = 300_000\n[faults]\nmessage_loss = 1.5\n")], a: A, message: "case.toml:14: faults.message_loss: found 1.5; expected a share from 0 to 1" },
        Case { replace: &[(FLAT, "flat = 300_000\n[zones.within]\nloss = 1.0\n")], a: A, message: "case.toml:14: zones.within.loss: found 1; expected a share from 0 to less than 1" },
        Case { replace: &[(FLAT, "flat = 300_000\n[faults]\nhalt_seconds = inf\n")], a: A, message: "case.toml:14: faults.halt_seconds: found inf; expected 0 or more, finite" },
    ]);
}

#[test]
fn overrides_of_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.toml");
    fs::write(&path, "name = \"case\"\n[generate]\n").unwrap();
    for (overrides, message) in [
        (
            Overrides {
                days: Some(0),
                ..Default::default()
            },
            "--days: 0; expected at least 1",
        ),
        (
            Overrides {
                meters: Some(0),
                ..Default::default()
            },
            "--meters: 0; expected at least 1",
        ),
    ] {
        assert_eq!(
            load(&path, None, &overrides)
                .map(|n| n.name)
                .unwrap_err()
                .to_string(),
            message
        );
    }
}

#[test]
fn generated_scenarios() {
    for (text, message) in [
        ("name = \"x\"\n", "x.toml:1: scenario: neither [generate] nor [profiles]; expected one of them"),
        ("name = \"x\"\n[generate]\npv_share = 2\n", "x.toml:3: generate.pv_share: found 2; expected a share from 0 to 1"),
        ("name = \"x\"\nstart = \"noon\"\n[generate]\n", "x.toml:2: start: found \"noon\"; expected a date such as 2026-05-04 for [generate]"),
        ("name = \"x\"\n[generate]\n[[homes]]\nname = \"home-0001\"\nkwp = 3\n", "x.toml:5: homes[1].kwp: the home is generated; expected name, zone, group and policy for generated homes"),
        ("name = \"x\"\n[generate]\nhomes = 3\n[[homes]]\nname = \"home-0004\"\n", "x.toml:5: homes[1].name: no home is called 'home-0004'; expected a generated name from home-0001 to home-0003"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x.toml"), text).unwrap();
        let error = load(&dir.path().join("x.toml"), None, &Overrides::default()).map(|n| n.name).unwrap_err();
        assert_eq!(error.to_string().replace(&format!("{}/", dir.path().display()), ""), message);
    }
}

#[test]
fn policies_that_cannot_hold() {
    let refused = |line: &'static str, message: &'static str| Case {
        replace: Box::leak(Box::new([(
            "flat = 300_000\n",
            &*Box::leak(format!("flat = 300_000\n[policy]\n{line}\n").into_boxed_str()),
        )])),
        a: A,
        message,
    };
    check(&[
        refused("hours = { from = 7, to = 7 }", "case.toml:14: policy.hours: from 7 to 7; expected from 0–23 and to 0–24, not the same (leave the key out for the whole day)"),
        refused("min_quality = 1.5", "case.toml:14: policy.min_quality: 1.5; expected a share from 0 to 1"),
        refused("blocked = [\"home7\"]", "case.toml:14: policy.blocked…"),
        refused("min_sell_price = 3\nmax_sell_price = 2", "case.toml:14: policy.min_sell_price: 3, above 2; expected at most max_sell_price"),
    ]);
}
