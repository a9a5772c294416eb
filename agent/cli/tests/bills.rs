//! Bills rebuilt from the chain and opened readings: equal to the simulator's own books, and to a second implementation.

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
use std::process::Command;
use wattpool_program_harness::{recorded, table, wattpool, Ran};

/// The homes' openings.
fn homes(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("openings.jsonl")).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn bill(run: &Path, meter: &str, more: &[&str]) -> Ran {
    let mut all = vec![
        "audit",
        "bill",
        run.to_str().unwrap(),
        "--meter",
        meter,
        "--json",
    ];
    all.extend(more);
    wattpool(&all)
}

fn number(value: &Value, field: &str) -> i64 {
    value[field]
        .as_i64()
        .unwrap_or_else(|| panic!("{field}: {value}"))
}

#[test]
fn bills_of_a_month_are_the_books_of_the_simulator() {
    let dir = tempfile::tempdir().unwrap();
    let run = recorded(dir.path(), &["--days", "30", "--meters", "6"]);
    let mut books: BTreeMap<String, BTreeMap<&str, i64>> = BTreeMap::new();
    let mut windows: BTreeMap<(String, i64), [i64; 4]> = BTreeMap::new();
    for row in table(&run.join("homes.csv")) {
        let of = |column: &str| row[column].parse::<i64>().unwrap();
        let home = books.entry(row["home"].clone()).or_default();
        for (name, value) in [
            ("bought_wh", of("bought_wh")),
            ("sold_wh", of("sold_gross_wh")),
            ("grid_import_wh", of("grid_import_wh")),
            ("feed_in_wh", of("feed_in_wh")),
            ("spent", of("spent_micro")),
            ("earned", of("earned_micro")),
            ("due", of("bill_micro") - of("fees_micro")),
        ] {
            *home.entry(name).or_default() += value;
        }
        let cells = [
            of("grid_import_wh"),
            of("feed_in_wh"),
            of("spent_micro"),
            of("earned_micro"),
        ];
        windows.insert((row["home"].clone(), of("window")), cells);
    }
    // The second implementation, which shares no code.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/bills.py");
    let python = Command::new("python3").arg(script).arg(&run).output();
    let python: Option<Value> = match python {
        Ok(done) => {
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
            Some(serde_json::from_slice(&done.stdout).unwrap())
        }
        Err(error) => {
            println!("skipped: the second implementation needs python3 ({error})");
            None
        }
    };
    let last = windows
        .keys()
        .map(|(_, window)| *window)
        .max()
        .unwrap()
        .to_string();
    let mut compared = 0;
    for home in homes(&run) {
        let (name, meter) = (
            home["home"].as_str().unwrap(),
            home["meter"].as_str().unwrap(),
        );
        // Windows that the run settles after the last one of the profiles are in nobody's books.
        let ran = bill(&run, meter, &["--windows", "--until", &last]);
        let report = ran.json();
        assert_eq!(report["violations"], 0, "{report}");
        let made = &report["bill"];
        for (field, expected) in &books[name] {
            let found = match *field {
                "due" => number(made, field),
                field => number(&made["total"], field),
            };
            assert_eq!(found, *expected, "{name}: {field}");
            compared += 1;
        }
        for item in made["items"].as_array().unwrap() {
            let key = (name.to_owned(), number(item, "window"));
            let cells =
                ["grid_import_wh", "feed_in_wh", "spent", "earned"].map(|f| number(item, f));
            assert_eq!(cells, windows[&key], "{key:?}");
        }
        assert_eq!(made["items"].as_array().unwrap().len(), 30 * 96);
        if let Some(python) = &python {
            assert_eq!(python["wrong"], serde_json::json!([]));
            let other = &python["bills"][meter];
            let whole = bill(&run, meter, &[]).json();
            for field in [
                "bought_wh",
                "sold_wh",
                "grid_import_wh",
                "feed_in_wh",
                "spent",
                "earned",
                "grid_cost",
                "feed_in_credit",
            ] {
                assert_eq!(
                    number(other, field),
                    number(&whole["bill"]["total"], field),
                    "{name}: {field}"
                );
                compared += 1;
            }
            assert_eq!(
                number(other, "due"),
                number(&whole["bill"], "due"),
                "{name}"
            );
        }
    }
    // All of them in one command are the same bills.
    let all = wattpool(&["audit", "bills", run.to_str().unwrap(), "--json"]).json();
    assert_eq!(all["violations"], 0, "{all}");
    let all = all["bills"].as_array().unwrap();
    assert_eq!(all.len(), books.len());
    for made in all {
        let mut one = bill(&run, made["meter"].as_str().unwrap(), &[]).json()["bill"].take();
        one["violations"] = 0.into();
        one["findings"] = serde_json::json!([]);
        assert_eq!(made, &one);
    }
    println!(
        "{} homes, {compared} figures compared, none different",
        books.len()
    );
}

#[test]
fn wrong_openings_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let run = recorded(dir.path(), &["--days", "1", "--meters", "4"]);
    let home = homes(&run).remove(1);
    let meter = home["meter"].as_str().unwrap().to_owned();
    let file = dir.path().join("openings.json");
    let with = |home: &Value| {
        std::fs::write(&file, home.to_string()).unwrap();
        bill(&run, &meter, &["--openings", file.to_str().unwrap()])
    };
    let clean = with(&home);
    assert_eq!(clean.code, Some(0), "{}", clean.stdout);
    // A reading altered by 1 Wh, a salt, the order, a window kept back.
    let mut altered = home.clone();
    let register = &mut altered["openings"][40]["registers"]["import"];
    *register = serde_json::json!(register.as_u64().unwrap() + 1);
    let ran = with(&altered);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    assert!(ran.stdout.contains("make the commitment"), "{}", ran.stdout);
    // Among those of others in a folder, it is named.
    let folder = dir.path().join("openings");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.json"), altered.to_string()).unwrap();
    std::fs::write(folder.join("b.json"), homes(&run)[2].to_string()).unwrap();
    let folder = folder.to_str().unwrap();
    let ran = wattpool(&[
        "audit",
        "bills",
        run.to_str().unwrap(),
        "--openings",
        folder,
    ]);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    let lines = |start: &str| ran.stdout.lines().filter(|l| l.starts_with(start)).count();
    assert_eq!(lines("VIOLATION "), lines(&format!("VIOLATION {meter}: ")));
    assert!(
        lines("VIOLATION ") > 0 && ran.stdout.contains("WRONG"),
        "{}",
        ran.stdout
    );
    // A period that nobody opened is no clean one.
    let ran = |more: &[&str]| {
        let mut all = vec!["audit", "bills", run.to_str().unwrap()];
        all.extend(more);
        wattpool(&all)
    };
    assert_eq!(ran(&[]).code, Some(0));
    let last = &home["openings"].as_array().unwrap().last().unwrap()["window"];
    let last = last.as_u64().unwrap();
    let (since, until) = ((last + 10).to_string(), (last + 20).to_string());
    assert_eq!(ran(&["--since", &since]).code, Some(2));
    let period = ["--since", &since, "--until", &until];
    assert_eq!(ran(&period).code, bill(&run, &meter, &period).code);
    let mut salted = home.clone();
    salted["openings"][40]["salt"] = serde_json::json!("00".repeat(16));
    assert_eq!(with(&salted).code, Some(3));
    let mut kept_back = home.clone();
    kept_back["openings"].as_array_mut().unwrap().remove(40);
    let ran = with(&kept_back);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stdout.contains("is not opened"), "{}", ran.stdout);
    // A bill off by one: the trade on the chain says another sum, its hashes made anew or not.
    let chain = std::fs::read_to_string(run.join("chain.jsonl")).unwrap();
    let mut done = false;
    let edited: Vec<String> = chain
        .lines()
        .map(|line| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            let path = "/event/said/event/delivered/paid";
            match value.pointer_mut(path).filter(|_| !done) {
                Some(paid) => {
                    *paid = serde_json::json!(paid.as_u64().unwrap() + 1);
                    done = true;
                    value.to_string()
                }
                None => line.to_owned(),
            }
        })
        .collect();
    let forged = dir.path().join("chain.jsonl");
    std::fs::write(&forged, edited.join("\n")).unwrap();
    std::fs::write(&file, home.to_string()).unwrap();
    let ran = bill(&forged, &meter, &["--openings", file.to_str().unwrap()]);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    // Bad input.
    for more in [
        ["--since", "yesterday"],
        ["--since", "2030-01-01"],
        ["--openings", "/nowhere"],
    ] {
        let ran = bill(&run, &meter, &more);
        assert_eq!(ran.code, Some(2), "{more:?}: {}", ran.stdout);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
    let ran = bill(&run, &"00".repeat(16), &[]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
}
