//! Bad input: each is refused in one line on stderr that says what is wrong where and what was expected; the
//! exit code tells, stdout stays empty, and no result is written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use wattpool_program_harness::{wattpool, wattpool_reading, Ran};

/// One clear line, an exit code that tells, nothing on stdout.
fn refused(ran: &Ran, what: &str, named: &[&str]) {
    assert_eq!(ran.code, Some(2), "{what}: {ran:?}");
    assert_eq!(ran.stdout, "", "{what}");
    assert_eq!(
        ran.stderr.matches('\n').count(),
        1,
        "{what}: {}",
        ran.stderr
    );
    assert!(
        ran.stderr.starts_with("wattpool: ") && ran.stderr.ends_with('\n'),
        "{what}: {}",
        ran.stderr
    );
    for part in named {
        assert!(
            ran.stderr.contains(part),
            "{what}: {part:?} is not in {}",
            ran.stderr
        );
    }
}

/// A change to the example that `simulate --init` writes; what is refused about files and keys themselves is tried where
/// they are read.
struct Case {
    what: &'static str,
    /// A file of the example, and what is replaced in it.
    file: &'static str,
    replace: (&'static str, &'static str),
    /// Further options.
    options: &'static [&'static str],
    /// What the line must name.
    named: &'static [&'static str],
}

const STREET: &str = "street.toml";
const ANNA: &str = "homes/anna.csv";

/// Runs the example with a change, with results asked for.
fn run(case: &Case, dir: &Path) -> Ran {
    let made = wattpool(&["simulate", "--init", dir.to_str().unwrap()]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let (from, to) = case.replace;
    let file = dir.join(case.file);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains(from),
        "{}: nothing to replace: {from}",
        case.what
    );
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
    let (scenario, out) = (dir.join(STREET), dir.join("out"));
    let args = [
        "simulate",
        scenario.to_str().unwrap(),
        "--json",
        "--out",
        out.to_str().unwrap(),
    ];
    wattpool(&[&args[..], case.options].concat())
}

#[test]
fn the_example_that_the_cases_change_runs() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(
        &Case {
            what: "base",
            file: STREET,
            replace: ("name = \"street\"", "name = \"case\""),
            options: &["--days", "1"],
            named: &[],
        },
        dir.path(),
    );
    assert_eq!(ran.json()["windows"], 96);
    assert!(dir.path().join("out/summary.json").is_file());
}

#[test]
fn scenarios_and_profiles() {
    const NAME: (&str, &str) = ("name", "name");
    let cases = [
        Case {
            what: "a file that is not there",
            file: STREET,
            replace: ("prices.csv", "costs.csv"),
            options: &[],
            named: &["costs.csv", "cannot be read", "expected a CSV file"],
        },
        Case {
            what: "a column that is not there",
            file: ANNA,
            replace: ("load_kwh", "load"),
            options: &[],
            named: &["anna.csv:1:", "'load_kwh'", "expected one of: time, load"],
        },
        Case {
            what: "a cell that is no number",
            file: ANNA,
            replace: ("00:00,0.", "00:00,much"),
            options: &[],
            named: &["anna.csv:2:", "'load_kwh'", "'much", "expected a number"],
        },
        Case {
            what: "a row too short",
            file: ANNA,
            replace: ("00:00,0", "00:00;0"),
            options: &[],
            named: &["anna.csv:2:", "2 cells", "expected 3 cells"],
        },
        Case {
            what: "a key that is unknown",
            file: STREET,
            replace: ("window_s = 900", "windows = 900"),
            options: &[],
            named: &["street.toml:6:", "windows", "expected"],
        },
        Case {
            what: "a value out of range",
            file: STREET,
            replace: ("window_s = 900", "window_s = 901"),
            options: &[],
            named: &["street.toml:6:", "window_s", "901", "expected"],
        },
        Case {
            what: "what is not TOML",
            file: STREET,
            replace: ("[profiles]", "[profiles"),
            options: &[],
            named: &["street.toml:8:"],
        },
        Case {
            what: "more days than the profiles hold",
            file: STREET,
            replace: NAME,
            options: &["--days", "9"],
            named: &["--days: 9;", "expected at most 7, what the profiles hold"],
        },
        Case {
            what: "no days",
            file: STREET,
            replace: NAME,
            options: &["--days", "0"],
            named: &["--days: 0;", "expected at least 1"],
        },
        Case {
            what: "no meters",
            file: STREET,
            replace: NAME,
            options: &["--meters", "0"],
            named: &["--meters: 0;", "expected at least 1"],
        },
        Case {
            what: "more meters than homes",
            file: STREET,
            replace: NAME,
            options: &["--meters", "5"],
            named: &[
                "--meters: 5;",
                "expected at most 4, the homes of the scenario",
            ],
        },
        Case {
            what: "no threads",
            file: STREET,
            replace: NAME,
            options: &["--threads", "0"],
            named: &["--threads: 0;", "expected at least 1"],
        },
    ];
    let mut wrong = Vec::new();
    for case in &cases {
        let dir = tempfile::tempdir().unwrap();
        let checked = std::panic::catch_unwind(|| {
            refused(&run(case, dir.path()), case.what, case.named);
            assert!(
                !dir.path().join("out").exists(),
                "{}: something was written",
                case.what
            );
        });
        if checked.is_err() {
            wrong.push(case.what);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_scenario_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("no.toml");
    refused(
        &wattpool(&["simulate", missing.to_str().unwrap()]),
        "missing",
        &["no.toml", "cannot be read", "expected"],
    );
    refused(
        &wattpool(&["simulate", dir.path().to_str().unwrap()]),
        "a folder",
        &["cannot be read", "expected"],
    );
    let data = wattpool(&[
        "simulate",
        "--days",
        "1",
        "--data",
        dir.path().to_str().unwrap(),
    ]);
    fs::write(&missing, [0xff, 0xfe, b'=']).unwrap();
    refused(
        &wattpool(&["simulate", missing.to_str().unwrap()]),
        "not text",
        &["no.toml", "cannot be read", "expected"],
    );
    refused(
        &data,
        "data without a scenario",
        &["--data: no scenario;", "expected one that reads profiles"],
    );
}

#[test]
fn options_out_of_range() {
    for (args, named) in [
        (
            &["--meters", "0"][..],
            &["--meters: 0;", "expected at least 1"][..],
        ),
        (&["--days", "0"], &["--days: 0;", "expected at least 1"]),
        (
            &["--threads", "0"],
            &["--threads: 0;", "expected at least 1"],
        ),
        (
            &["--meters", "4000000000", "--days", "4000000000"],
            &["expected", "at most"],
        ),
    ] {
        refused(
            &wattpool(&[&["simulate"][..], args].concat()),
            args[0],
            named,
        );
    }
}

/// The command line's own words may take several lines.
#[test]
fn wrong_usage() {
    let bad: [&[&str]; 10] = [
        &[],
        &["fly"],
        &["simulate", "--fast"],
        &["simulate", "--days"],
        &["simulate", "--days", "-1"],
        &["simulate", "--days", "1.5"],
        &["simulate", "--seed", "many"],
        &["simulate", "--out", ""],
        &["simulate", "--signatures", "none"],
        &["choose"],
    ];
    for args in bad {
        let ran = wattpool(args);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(2), ""),
            "{args:?}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
}

/// Permissions do not bind everybody; what is no directory binds all.
#[test]
fn results_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("taken");
    fs::write(&file, "mine").unwrap();
    for out in [file.clone(), file.join("below"), file.join("far/below")] {
        let ran = wattpool(&[
            "simulate",
            "--days",
            "1",
            "--meters",
            "2",
            "--json",
            "--out",
            out.to_str().unwrap(),
        ]);
        refused(&ran, "no directory", &[file.to_str().unwrap(), "directory"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }
}

const OFFER: &str = r#"{"id": "a", "offered_wh": 500, "efficiency": 0.9, "duration_s": 60.0, "quality": 0.9, "past_sales": 3}"#;

#[test]
fn problems_for_choose() {
    // Replacement in one good offer, and what the line must name.
    let cases: [(&str, &str, &[&str]); 16] = [
        (
            "0.9, \"duration",
            "NaN, \"duration",
            &["line 2 column", "offers[0].efficiency", "expected"],
        ),
        (
            "0.9, \"duration",
            "-0.9, \"duration",
            &[
                "offers[0] (id \"a\"): efficiency",
                "expected a number above 0 and at most 1",
                "-0.9",
            ],
        ),
        (
            "0.9, \"duration",
            "0, \"duration",
            &["efficiency", "expected a number above 0", "got 0"],
        ),
        (
            "0.9, \"duration",
            "1.01, \"duration",
            &["efficiency", "at most 1", "1.01"],
        ),
        (
            "0.9, \"duration",
            "1e999, \"duration",
            &[
                "line 2 column",
                "offers[0].efficiency",
                "number out of range",
            ],
        ),
        (
            "0.9, \"duration",
            "\"much\", \"duration",
            &["line 2 column", "offers[0].efficiency", "expected f64"],
        ),
        (
            "60.0",
            "0",
            &[
                "duration_s",
                "expected a finite number of seconds above 0",
                "got 0",
            ],
        ),
        ("60.0", "-1", &["duration_s", "above 0", "got -1"]),
        (
            "\"quality\": 0.9",
            "\"quality\": -0.1",
            &["quality", "expected a number from 0 to 1", "-0.1"],
        ),
        (
            "\"offered_wh\": 500",
            "\"offered_wh\": -500",
            &[
                "line 2 column",
                "offers[0].offered_wh",
                "-500",
                "expected u64",
            ],
        ),
        (
            "\"offered_wh\": 500",
            "\"offered_wh\": 18446744073709551615",
            &["offered_wh", "expected at most"],
        ),
        (
            "\"past_sales\": 3",
            "\"past_sales\": 3.5",
            &["line 2 column", "offers[0].past_sales", "expected u64"],
        ),
        (
            "\"past_sales\": 3",
            "\"past_sale\": 3",
            &["line 2 column", "unknown field `past_sale`", "expected"],
        ),
        (
            ", \"past_sales\": 3",
            "",
            &["line 2 column", "missing field `past_sales`"],
        ),
        (
            "\"id\": \"a\"",
            "\"id\": \"b\"",
            &[
                "offers[1] (id \"b\"): id",
                "expected an id that no earlier offer has",
            ],
        ),
        (
            "\"id\": \"a\"",
            "\"id\": \"\"",
            &["offers[0]", "id", "expected a name"],
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("problem.json");
    let other = OFFER.replace("\"a\"", "\"b\"");
    for (from, to, named) in cases {
        assert!(OFFER.contains(from), "{from}");
        fs::write(
            &file,
            format!(
                "{{\"need_wh\": 300, \"offers\": [\n{},\n{other}]}}",
                OFFER.replacen(from, to, 1)
            ),
        )
        .unwrap();
        let ran = wattpool(&["choose", "--problem", file.to_str().unwrap()]);
        refused(&ran, to, &[&["problem.json: "][..], named].concat());
    }
}

#[test]
fn problems_as_a_whole() {
    let cases: [(&str, &[&str]); 8] = [
        ("", &["line 1 column 0", "the problem", "EOF"]),
        ("need: 5", &["line 1 column", "expected"]),
        ("[]", &["line 1 column", "expected"]),
        ("{\"need_wh\": 5}", &["missing field `offers`"]),
        ("{\"need_wh\": 0, \"offers\": []}", &["need_wh", "expected from 1", "got 0"]),
        ("{\"need_wh\": -5, \"offers\": []}", &["need_wh", "-5", "expected u64"]),
        ("{\"need_wh\": 5, \"offers\": [], \"weights\": {\"surplus\": 1, \"efficiency\": 1, \"duration\": 0, \"quality\": 0, \"participation\": 0}}", &["weights", "expected weights that sum to 1", "got 2"]),
        ("{\"need_wh\": 5, \"offers\": []} {}", &["line 1 column", "after the problem"]),
    ];
    for (text, named) in cases {
        let ran = wattpool_reading(&["choose", "--problem", "-"], text);
        refused(&ran, text, &[&["standard input: "][..], named].concat());
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("bytes.json"), [0xff, 0xfe, b'{']).unwrap();
    for name in ["missing.json", "bytes.json", "."] {
        let ran = wattpool(&["choose", "--problem", &path(name)]);
        refused(
            &ran,
            name,
            &[&path(name), "cannot be read", "expected a problem in JSON"],
        );
    }
}

/// A full disk behind stdout: an error, no crash.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_printed() {
    for args in [
        &["simulate", "--days", "1", "--meters", "2", "--json"][..],
        &["simulate", "--days", "1", "--meters", "2"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let ran = wattpool_program_harness::ended(
            wattpool_program_harness::command(args)
                .stdout(full)
                .output()
                .unwrap(),
        );
        assert_eq!(
            (ran.code, ran.stderr.matches('\n').count()),
            (Some(1), 1),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr
                .starts_with("wattpool: standard output: No space left"),
            "{}",
            ran.stderr
        );
    }
}
