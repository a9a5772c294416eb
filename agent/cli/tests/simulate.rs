//! `wattpool simulate`: what it reaches, prints and writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use wattpool_program_harness::{number, sum, table, wattpool};

/// A row of a table.
type Row = std::collections::HashMap<String, String>;

const FILES: [&str; 7] = [
    "dictionary.csv",
    "meters.csv",
    "report.html",
    "scenario.json",
    "summary.json",
    "trades.csv",
    "windows.csv",
];

/// Names in a folder, sorted.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The tables agree with the summary and with each other, and the page is whole.
fn results_agree(dir: &Path, summary: &Value) {
    assert_eq!(names(dir), FILES, "and nothing half-written");
    let written: Value =
        serde_json::from_str(&std::fs::read_to_string(dir.join("summary.json")).unwrap()).unwrap();
    assert_eq!(&written, summary, "summary.json is what was printed");
    let [windows, meters, trades] =
        ["windows.csv", "meters.csv", "trades.csv"].map(|name| table(&dir.join(name)));
    let rows =
        |rows: usize, field: &str| assert_eq!(rows as f64, number(summary, field), "{field}");
    rows(windows.len(), "windows");
    rows(meters.len(), "meters");
    rows(trades.len(), "trades");
    for field in [
        "demand_wh",
        "generation_wh",
        "own_use_wh",
        "grid_import_wh",
        "feed_in_wh",
    ] {
        for rows in [&windows, &meters] {
            assert_eq!(sum(rows, field), number(summary, field), "{field}");
        }
    }
    let traded = number(summary, "traded_wh");
    assert_eq!(
        (sum(&windows, "traded_wh"), sum(&meters, "bought_wh")),
        (traded, traded)
    );
    assert_eq!(
        sum(&meters, "sold_gross_wh"),
        traded + number(summary, "lost_wh")
    );
    assert_eq!(sum(&windows, "bill_micro"), number(summary, "bill"));
    assert_eq!(sum(&meters, "bill_micro"), number(summary, "bill"));
    assert_eq!(
        sum(&meters, "bill_without_trading_micro"),
        number(summary, "bill_without_trading")
    );
    assert_eq!(
        sum(&meters, "earned_micro"),
        number(summary, "prosumer_income")
    );
    assert!((sum(&windows, "ceiling_wh") - number(summary, "ceiling_wh")).abs() < 1e-3);
    assert!((sum(&windows, "co2_avoided_g") - number(summary, "co2_avoided_g")).abs() < 1e-3);
    fees_agree(&windows, &meters, &trades, summary);
    // A window whose orders are still open has traded more than its closed trades say.
    let arrived = sum(&trades, "arrived_wh");
    assert!(
        if summary["finished"] == true {
            arrived == traded
        } else {
            arrived <= traded
        },
        "{arrived} of {traded}"
    );
    let page = std::fs::read_to_string(dir.join("report.html")).unwrap();
    assert!(page.trim_start().starts_with("<!") && page.trim_end().ends_with("</html>"));
}

/// Fees add up to the micro-unit over windows, homes, trades and messages, and are those of the measured table.
fn fees_agree(windows: &[Row], meters: &[Row], trades: &[Row], summary: &Value) {
    let fees = &summary["machinery"];
    let all = number(fees, "fees");
    assert!(all > 0.0);
    for rows in [windows, meters] {
        assert_eq!(sum(rows, "fees_micro"), all);
    }
    assert_eq!(sum(trades, "fee_micro"), number(fees, "trades"));
    let parts = ["statements", "trades", "other"].map(|part| number(fees, part));
    assert!(parts.iter().all(|part| *part >= 0.0), "{parts:?}");
    assert_eq!(parts.iter().sum::<f64>(), all);
    assert_eq!(sum(meters, "gain_micro"), number(summary, "welfare"));
    assert_eq!(
        number(summary, "welfare"),
        number(summary, "welfare_before_fees") - all
    );
    let measured = measured();
    let (mut gas, mut paid) = (0.0, 0.0);
    for (name, cost) in fees["messages"].as_object().unwrap() {
        // Of several statements only fifty were measured.
        if let Some(pinned) = measured.get(name) {
            assert_eq!(&number(cost, "gas_each"), pinned, "{name}");
        }
        // 1.4 times the gas, at 0.0025 micro-units each, rounded up.
        let each = ((number(cost, "gas_each") * 1.4).ceil() * 0.0025).ceil();
        assert_eq!(number(cost, "fee_each"), each, "{name}");
        gas += number(cost, "count") * number(cost, "gas_each");
        paid += number(cost, "count") * each;
    }
    assert_eq!((gas, paid), (number(fees, "gas"), all));
}

/// Gas per message as the documents have it, pinned.
fn measured() -> BTreeMap<String, f64> {
    let page = include_str!("../../../docs/bench/gas.md");
    let table = page
        .split("| message | unpinned | pinned |")
        .nth(1)
        .unwrap();
    let rows = table.lines().skip(2).take_while(|l| l.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let gas = cells[3].split(' ').next().unwrap().replace(',', "");
        (cells[1].to_owned(), gas.parse().unwrap())
    })
    .collect()
}

#[test]
fn the_default_neighbourhood_reaches_its_ceiling() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("deep/er");
    let ran = wattpool(&[
        "simulate",
        "--days",
        "2",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ]);
    let summary = ran.json();
    let share = number(&summary, "ceiling_share");
    assert!((0.99..=1.0).contains(&share), "{share}");
    assert_eq!(
        (
            &summary["meters"],
            &summary["windows"],
            &summary["finished"]
        ),
        (&32.into(), &192.into(), &true.into())
    );
    assert_eq!(summary["invariant_violations"], 0);
    assert!(number(&summary, "bill") < number(&summary, "bill_without_trading"));
    results_agree(&out, &summary);
    assert!(
        ran.stderr.contains("report.html"),
        "prose goes to stderr: {}",
        ran.stderr
    );
}

#[test]
fn json_is_one_object_with_every_documented_field() {
    let ran = wattpool(&[
        "simulate",
        "--days",
        "1",
        "--meters",
        "6",
        "--seed",
        "4",
        "--threads",
        "2",
        "--json",
    ]);
    let summary = ran.json();
    assert!(summary.is_object());
    for field in [
        "meters",
        "windows",
        "trades",
        "demand_wh",
        "generation_wh",
        "traded_wh",
        "lost_wh",
        "grid_import_wh",
        "feed_in_wh",
        "invariant_checks",
        "invariant_violations",
        "messages",
        "seed",
        "windows_planned",
        "threads",
    ] {
        assert!(summary[field].is_u64(), "{field}: {}", summary[field]);
    }
    for field in ["bill", "bill_without_trading"] {
        assert!(
            summary[field].is_i64() || summary[field].is_u64(),
            "{field}: {}",
            summary[field]
        );
    }
    for field in [
        "self_sufficiency",
        "self_sufficiency_without_trading",
        "self_sufficiency_ceiling",
        "self_consumption",
        "ceiling_share",
        "co2_avoided_g",
        "peak_import_w",
        "peak_to_average",
        "meter_windows_per_second",
    ] {
        assert!(summary[field].is_f64(), "{field}: {}", summary[field]);
        assert!(
            number(&summary, field) >= 0.0,
            "{field}: {}",
            summary[field]
        );
    }
    assert_eq!(summary["signatures"], "trusted");
    let hash = summary["state_hash"].as_str().unwrap();
    assert!(
        hash.len() == 64 && hash.bytes().all(|c| c.is_ascii_hexdigit()),
        "{hash}"
    );
    assert!(
        summary["faults"].is_object()
            && summary["notes"].is_array()
            && summary["finished"].is_boolean()
    );
    assert!(number(&summary, "invariant_checks") > 0.0);
}

#[test]
fn people_get_text_and_the_same_seed_the_same_state() {
    let args = ["simulate", "--days", "1", "--meters", "8", "--seed", "6"];
    let text = wattpool(&args);
    assert_eq!((text.code, text.stderr.as_str()), (Some(0), ""));
    assert!(
        text.stdout.lines().count() > 5 && serde_json::from_str::<Value>(&text.stdout).is_err()
    );
    let [a, b] = ["1", "3"].map(|threads| {
        wattpool(
            &[
                &args[..],
                &["--json", "--force-threads", "--threads", threads],
            ]
            .concat(),
        )
        .json()
    });
    assert_eq!(a["state_hash"], b["state_hash"]);
    let verified = wattpool(&[&args[..], &["--json", "--signatures", "verified"]].concat()).json();
    assert_eq!(verified["signatures"], "verified");
    assert_eq!(verified["demand_wh"], a["demand_wh"]);
}

#[test]
fn a_bad_day_is_survived() {
    let summary = wattpool(&[
        "simulate",
        &wattpool_program_harness::scenario("faults.toml"),
        "--days",
        "1",
        "--json",
    ])
    .json();
    assert_eq!(
        summary["invariant_violations"], 0,
        "{}",
        summary["violations"]
    );
    assert!(!summary["faults"].as_object().unwrap().is_empty());
    assert!(number(&summary, "traded_wh") > 0.0);
}

#[test]
fn results_replace_earlier_ones_and_leave_other_files_alone() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    std::fs::write(dir.path().join("mine.txt"), "notes").unwrap();
    for meters in ["5", "3"] {
        let summary = wattpool(&[
            "simulate", "--days", "1", "--meters", meters, "--json", "--out", out,
        ])
        .json();
        assert_eq!(
            std::fs::read_to_string(dir.path().join("mine.txt")).unwrap(),
            "notes"
        );
        std::fs::remove_file(dir.path().join("mine.txt")).unwrap();
        results_agree(dir.path(), &summary);
        std::fs::write(dir.path().join("mine.txt"), "notes").unwrap();
    }
}

/// Ctrl-C keeps what is finished.
#[cfg(target_os = "linux")]
mod interrupted {
    use super::*;
    use nix::sys::signal::{kill, Signal};
    use nix::unistd::Pid;
    use std::process::{Child, Command};
    use std::time::Duration;

    /// A field of `/proc/<pid>/status`, or the words of `/proc/<pid>/stat` after the name.
    fn of_process(child: &Child, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap_or_default()
    }

    fn watches_for_ctrl_c(child: &Child) -> bool {
        let status = of_process(child, "status");
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .map(str::trim);
        // SIGINT is signal 2, the second bit.
        caught
            .and_then(|mask| u64::from_str_radix(mask, 16).ok())
            .is_some_and(|mask| mask & 2 != 0)
    }

    /// Hundredths of a second that it has computed, which unlike the clock does not depend on others' load.
    fn computed(child: &Child) -> u64 {
        let stat = of_process(child, "stat");
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        after_name
            .split(' ')
            .nth(11)
            .and_then(|ticks| ticks.parse().ok())
            .unwrap_or(0)
    }

    fn started(args: &[&str]) -> Child {
        watched(wattpool_program_harness::command(args))
    }

    fn watched(mut command: Command) -> Child {
        let mut child = command.spawn().unwrap();
        while !watches_for_ctrl_c(&child) || computed(&child) < 200 {
            assert!(
                child.try_wait().unwrap().is_none(),
                "ended before it could be interrupted"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    fn interrupt(child: &Child) {
        signal(child, Signal::SIGINT);
    }

    fn signal(child: &Child, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    }

    const LONG: [&str; 6] = ["simulate", "--meters", "24", "--days", "365", "--json"];

    #[test]
    fn the_end_of_the_session_keeps_what_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("results");
        let child = started(&[&LONG[..], &["--out", out.to_str().unwrap()]].concat());
        signal(&child, Signal::SIGTERM);
        let ran = wattpool_program_harness::ended(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130), "{}", ran.stderr);
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(summary["finished"], false);
        assert!(out.join("summary.json").is_file());
    }

    /// The folder was there at the start and is a file at the end: the figures are printed, the rest is elsewhere.
    #[test]
    fn results_that_cannot_be_written_are_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (out, elsewhere) = (dir.path().join("results"), dir.path().join("elsewhere"));
        std::fs::create_dir(&elsewhere).unwrap();
        let mut command = wattpool_program_harness::command(
            &[&LONG[..], &["--out", out.to_str().unwrap()]].concat(),
        );
        command.env("TMPDIR", &elsewhere);
        let child = watched(command);
        std::fs::remove_dir_all(&out).unwrap();
        std::fs::write(&out, "a file now").unwrap();
        interrupt(&child);
        let ran = wattpool_program_harness::ended(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(summary["finished"], false);
        let (_, place) = ran.stderr.split_once("the results are in ").unwrap();
        let (place, _) = place.split_once(" instead").unwrap();
        assert!(place.starts_with(elsewhere.to_str().unwrap()), "{place}");
        assert!(std::path::Path::new(place).join("summary.json").is_file());
    }

    #[test]
    fn what_is_finished_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("results");
        let child = started(&[
            "simulate",
            "--meters",
            "24",
            "--days",
            "365",
            "--json",
            "--out",
            out.to_str().unwrap(),
        ]);
        interrupt(&child);
        let ran = wattpool_program_harness::ended(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130), "{}", ran.stderr);
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(summary["finished"], false);
        assert_eq!(summary["windows_planned"], 365 * 96);
        let windows = number(&summary, "windows");
        assert!(
            windows > 0.0 && windows < number(&summary, "windows_planned"),
            "{windows}"
        );
        assert_eq!(
            summary["invariant_violations"], 0,
            "{}",
            summary["violations"]
        );
        assert!(
            summary["notes"].to_string().contains("interrupted"),
            "{}",
            summary["notes"]
        );
        assert!(
            ran.stderr.contains("finishing the window"),
            "{}",
            ran.stderr
        );
        results_agree(&out, &summary);
    }
}
