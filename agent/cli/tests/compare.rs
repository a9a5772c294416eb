//! `wattpool compare`, what a run records on demand, and the examples of the documents that read runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::process::Command;
use wattpool_program_harness::{built, number, sum, table, wattpool};

/// A small run in a folder.
fn run(out: &Path, meters: &str, more: &[&str]) -> serde_json::Value {
    let out = out.to_str().unwrap();
    let fixed = [
        "simulate", "--days", "1", "--meters", meters, "--json", "--out", out,
    ];
    wattpool(&[&fixed, more].concat()).json()
}

#[test]
fn runs_stand_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| dir.path().join(name));
    let (six, nine) = (run(&a, "6", &[]), run(&b, "9", &[]));
    let [a, b] = [a, b].map(|path| path.to_str().unwrap().to_owned());

    let printed = wattpool(&["compare", &a, &b]);
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let line = |label: &str| {
        let found = printed.stdout.lines().find(|l| l.starts_with(label));
        found.unwrap_or_else(|| panic!("{label}: {}", printed.stdout))
    };
    // Without the folder that holds both.
    let mut lines = printed.stdout.lines();
    let head = lines.find(|l| !l.starts_with("Note: ")).unwrap();
    assert_eq!(head.split_whitespace().collect::<Vec<_>>(), ["a", "b"]);
    assert!(line("Homes ").contains("6 homes") && line("Homes ").ends_with("9 homes"));
    for summary in [&six, &nine] {
        let gain = format!("{:.2} EUR", number(summary, "welfare") / 1e6);
        assert!(line("Gain of all homes").contains(&gain), "{gain}");
        let trades = summary["trades"].to_string();
        assert!(line("Trades").contains(&trades), "{trades}");
    }
    // What makes them incomparable comes first.
    assert!(printed
        .stdout
        .starts_with("Note: the numbers of homes differ"));
    // Less than a week was simulated: both are told for a day.
    assert_eq!(
        line("Gain of all homes at one")
            .matches("EUR a day")
            .count(),
        2
    );

    let page = dir.path().join("page.html");
    let page = page.to_str().unwrap();
    let json = wattpool(&["compare", &a, &b, "--json", "--page", page]);
    let runs: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(runs[0]["summary"], six);
    assert_eq!(runs[1]["summary"], nine);
    assert_eq!(runs[1]["name"], b);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("2 runs side by side") && html.trim_end().ends_with("</html>"));
    assert!(!html.contains("http:") && !html.contains("https:"));
}

#[test]
fn what_differs_in_the_scenarios_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let small = |name: &str, more: &str| {
        let (file, out) = (
            dir.path().join(format!("{name}.toml")),
            dir.path().join(name),
        );
        let text = format!("name = \"{name}\"\ndays = 1\n[generate]\nhomes = 4\n{more}");
        std::fs::write(&file, text).unwrap();
        let [file, out] = [file, out].map(|p| p.to_str().unwrap().to_owned());
        wattpool(&["simulate", &file, "--out", &out, "--json"]).json();
        out
    };
    let a = small("a", "[tariff.import]\nflat = 300_000\n");
    let b = small(
        "b",
        "[tariff.import]\nflat = 350_000\n[policy]\nthreshold_wh = 1\n",
    );
    let page = dir.path().join("page.html");
    let page = page.to_str().unwrap();
    let printed = wattpool(&["compare", &a, &b, "--page", page]).stdout;
    let html = std::fs::read_to_string(page).unwrap();
    let (_, settings) = printed.split_once("Settings that differ:\n").unwrap();
    for (key, values) in [
        ("name", ["a", "b"]),
        ("tariff.import_micro_per_kwh.mean", ["300000.0", "350000.0"]),
        ("homes[*].policy.threshold_wh of all 4", ["5", "1"]),
    ] {
        let line = format!("  {key}: {}\n", values.join(" | "));
        assert!(settings.contains(&line), "{line}{settings}");
        assert!(html.contains(key), "{key}");
    }
    assert!(
        !settings.contains("seed") && !settings.contains("demand_wh"),
        "{settings}"
    );
    let json = wattpool(&["compare", &a, &b, "--json"]).json();
    assert_eq!(json[0]["inputs"]["name"], "a");
    assert_eq!(json[1]["inputs"]["homes[home-0002].policy.threshold_wh"], 1);
    assert!(json[0]["inputs"].get("seed").is_none());
    // The same scenario twice, and a run that has not kept its own.
    let same = wattpool(&["compare", &a, &a]).stdout;
    assert!(same.contains("Note: the scenarios are the same"), "{same}");
    std::fs::remove_file(Path::new(&b).join("scenario.json")).unwrap();
    let unknown = wattpool(&["compare", &a, &b]).stdout;
    assert!(unknown.contains("has no scenario.json"), "{unknown}");
}

#[test]
fn what_is_no_run_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| dir.path().join(name));
    run(&a, "3", &[]);
    let [a_text, b_text] = [&a, &b].map(|path| path.to_str().unwrap().to_owned());
    let ran = wattpool(&["compare", &a_text, &b_text]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("b/summary.json") && ran.stderr.contains("expected the folder"),
        "{}",
        ran.stderr
    );
    std::fs::create_dir(&b).unwrap();
    std::fs::write(b.join("summary.json"), "{\n\"scenario\": 3}").unwrap();
    let ran = wattpool(&["compare", &a_text, &b_text]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("summary.json: line 2"),
        "{}",
        ran.stderr
    );
    assert_eq!(wattpool(&["compare", &a_text]).code, Some(2));
}

#[test]
fn everything_is_recorded_on_demand_and_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let summary = run(&out, "8", &["--record"]);
    let [homes, offers, requests, trades] = ["homes", "offers", "requests", "trades"]
        .map(|name| table(&out.join(format!("{name}.csv"))));
    assert_eq!(
        homes.len() as f64,
        number(&summary, "meters") * number(&summary, "windows")
    );
    for (column, field) in [
        ("demand_wh", "demand_wh"),
        ("bought_wh", "traded_wh"),
        ("grid_import_wh", "grid_import_wh"),
        ("bill_micro", "bill"),
        ("bill_without_trading_micro", "bill_without_trading"),
    ] {
        assert_eq!(sum(&homes, column), number(&summary, field), "{column}");
    }
    assert_eq!(
        sum(&homes, "fees_micro"),
        number(&summary["machinery"], "fees")
    );
    assert_eq!(requests.len() as f64, number(&summary, "requests"));
    let approved = requests.iter().filter(|row| row["answer"] == "approved");
    assert_eq!(approved.count() as f64, number(&summary, "approvals"));
    assert!(!offers.is_empty() && offers.iter().all(|row| row["offered_wh"] != "0"));
    // Every closed trade is an event of the chain.
    let events = std::fs::read_to_string(out.join("events.jsonl")).unwrap();
    let closed = events.lines().filter(|line| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["event"]["trade_closed"].is_object()
    });
    assert_eq!(closed.count(), trades.len());

    // A run without records leaves none of another's behind.
    run(&out, "8", &[]);
    assert!(!out.join("events.jsonl").exists() && !out.join("homes.csv").exists());
    // Records need a place.
    let ran = wattpool(&["simulate", "--days", "1", "--record"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

#[test]
fn the_scenario_lies_beside_its_results() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "4", &["--seed", "9"]);
    let text = std::fs::read_to_string(dir.path().join("scenario.json")).unwrap();
    let scenario: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(scenario["homes"].as_array().unwrap().len(), 4);
    assert_eq!(scenario["seed"], 9);
    assert_eq!(scenario["timezone"], "Europe/Berlin");
    assert_eq!(scenario["currency"], "EUR");
    assert!(scenario["homes"][0]["policy"]["sell"].is_boolean());
    // The dictionary knows every column of every table.
    let dictionary = std::fs::read_to_string(dir.path().join("dictionary.csv")).unwrap();
    for name in ["windows.csv", "meters.csv", "trades.csv"] {
        let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
        let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let known: Vec<&str> = dictionary
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(','))
            .filter_map(|rest| rest.split(',').next())
            .collect();
        assert_eq!(head, known, "{name}");
    }
}

/// Python with pandas where there is one: `WATTPOOL_PYTHON`, or python3.
fn python(module: &str) -> Option<String> {
    let python = std::env::var("WATTPOOL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .output();
    if found.is_ok_and(|ran| ran.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: {python} has no {module}; name another interpreter in WATTPOOL_PYTHON");
    None
}

fn example(name: &str) -> String {
    format!("{}/../../docs/examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_run_is_read_with_pandas() {
    let Some(python) = python("pandas") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "5", &["--record"]);
    let ran = Command::new(python)
        .arg(example("read_run.py"))
        .arg(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(
        said.contains("5 homes") && said.contains("home-0005"),
        "{said}"
    );
}

#[test]
fn a_sweep_runs_side_by_side_and_goes_on() {
    let Some(python) = python("csv") else { return };
    let dir = tempfile::tempdir().unwrap();
    let sweep = || {
        let ran = Command::new(&python)
            .arg(example("sweep.py"))
            .args([
                "--meters", "3,4", "--seeds", "1,2", "--days", "1", "--jobs", "2",
            ])
            .arg("--program")
            .arg(built("wattpool"))
            .arg("--out")
            .arg(dir.path())
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        table(&dir.path().join("sweep.csv"))
    };
    let rows = sweep();
    assert_eq!(rows.len(), 4);
    assert_eq!(sum(&rows, "meters"), 14.0);
    // What is there is not done again.
    let page = dir.path().join("meters-3-seed-1/report.html");
    std::fs::remove_file(&page).unwrap();
    assert_eq!(sweep(), rows);
    assert!(!page.exists());
}
