//! Runs and their results: nothing is lost, nothing is replaced without a word, one run for each folder; and files of
//! one's own on the way to a run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use std::fs;
use wattpool_program_harness::wattpool;

const SMALL: [&str; 5] = ["simulate", "--days", "1", "--meters", "2"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], more].concat()
}

#[test]
fn threads_are_as_many_as_there_is_use_for() {
    let ran = wattpool(&with(&["--json", "--threads", "20000"]));
    let threads = ran.json()["threads"].as_u64().unwrap();
    assert!((1..=2).contains(&threads), "{threads}");
    assert!(ran.stderr.contains("instead of 20000"), "{}", ran.stderr);
    let ran = wattpool(&with(&["--json", "--threads", "20000", "--force-threads"]));
    assert_eq!(ran.json()["threads"], 2);
}

#[test]
fn what_an_earlier_run_left_is_replaced_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let first = wattpool(&with(&["--out", out]));
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert!(!first.stderr.contains("replaced"), "{}", first.stderr);
    let second = wattpool(&with(&["--out", out]));
    assert!(
        second.stderr.contains("earlier run: they will be replaced"),
        "{}",
        second.stderr
    );
}

#[test]
fn a_folder_belongs_to_one_run_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let held = fs::File::open(dir.path()).unwrap();
    held.lock().unwrap();
    let ran = wattpool(&with(&["--out", dir.path().to_str().unwrap()]));
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("another run writes there"),
        "{}",
        ran.stderr
    );
    held.unlock().unwrap();
    assert_eq!(
        wattpool(&with(&["--out", dir.path().to_str().unwrap()])).code,
        Some(0)
    );
}

#[test]
fn a_folder_that_has_the_name_of_a_result_is_seen_before_the_run() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("report.html")).unwrap();
    let ran = wattpool(&with(&["--json", "--out", dir.path().to_str().unwrap()]));
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(2), ""),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("report.html: is a folder"),
        "{}",
        ran.stderr
    );
    assert!(!dir.path().join("windows.csv").exists());
}

#[test]
fn an_example_to_start_from_is_looked_at_and_run() {
    let dir = tempfile::tempdir().unwrap();
    let street = dir.path().join("street");
    let init = wattpool(&["simulate", "--init", street.to_str().unwrap()]);
    assert_eq!(init.code, Some(0), "{}", init.stderr);
    assert_eq!(init.stdout.lines().count(), 6, "{}", init.stdout);
    let scenario = street.join("street.toml");
    let ran = wattpool(&[
        "simulate",
        scenario.to_str().unwrap(),
        "--days",
        "1",
        "--json",
    ]);
    let summary = ran.json();
    assert_eq!(
        (&summary["meters"], &summary["windows"]),
        (&4.into(), &96.into())
    );
    assert!(
        summary["generation_wh"].as_u64().unwrap() > 0
            && summary["traded_wh"].as_u64().unwrap() > 0
    );
    // Nothing that is there is replaced.
    let again = wattpool(&["simulate", "--init", street.to_str().unwrap()]);
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("street.toml: cannot be written"),
        "{}",
        again.stderr
    );

    let anna = street.join("homes/anna.csv");
    let json = wattpool(&[
        "inspect",
        anna.to_str().unwrap(),
        "--zone",
        "Europe/Berlin",
        "--json",
    ])
    .json();
    assert_eq!(json["files"][0]["step_s"], 900);
    assert_eq!(json["files"][0]["columns"][1]["role"], "generation");
    let text = wattpool(&["inspect", anna.to_str().unwrap(), "--zone", "Europe/Berlin"]);
    assert_eq!((text.code, text.stderr.as_str()), (Some(0), ""));
    let (_, pasted) = text.stdout.split_once("name = ").unwrap();
    fs::write(street.join("homes/pasted.toml"), format!("name = {pasted}")).unwrap();
    let ran = wattpool(&[
        "simulate",
        street.join("homes/pasted.toml").to_str().unwrap(),
        "--days",
        "1",
        "--json",
    ]);
    assert_eq!(ran.json()["meters"], 1);
}

#[test]
fn a_choice_for_people() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("problem.json");
    fs::write(&file, r#"{"need_wh": 10, "offers": [{"id": "a", "offered_wh": 12, "efficiency": 1, "duration_s": 9, "quality": 1, "past_sales": 0}]}"#).unwrap();
    let ran = wattpool(&["choose", "--problem", file.to_str().unwrap()]);
    assert!(
        ran.stdout.starts_with("10 Wh from 1 seller, score "),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("a: 10 Wh arrive"), "{}", ran.stdout);
}
