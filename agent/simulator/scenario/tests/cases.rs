//! Inputs from the field that went wrong somewhere: each gives its right value, or one line that says what to do. They
//! lie in the folder `$WATTPOOL_CASES`, a folder for each.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use wattpool_scenario::{load, Overrides};

/// What a case must give.
enum Right {
    /// Windows, first second, demand and generation of all homes in Wh.
    Runs(usize, u64, u64, u64),
    /// Windows, and in how many of them the grid's energy has this price.
    Prices(usize, usize, i64),
    /// A line with these parts.
    Says(&'static [&'static str]),
    /// It runs, and a note has these parts.
    Notes(&'static [&'static str]),
}

use Right::{Notes, Prices, Runs, Says};

/// 2026-05-04T10:00:00Z.
const TEN: u64 = 1_777_888_800;

const CASES: &[(&str, &str, Right)] = &[
    (
        "ampm",
        "scenario.toml",
        Runs(3, TEN + 5_400 + 14_400, 1_500, 0),
    ),
    (
        "date-and-time-columns",
        "scenario.toml",
        Says(&["data.csv:3:", "columns = [\"date\", \"time\"]"]),
    ),
    (
        "dst-48-rows",
        "scenario.toml",
        Says(&["data.csv:4:", "clock_change = \"same_rows\""]),
    ),
    (
        "dst-autumn",
        "scenario.toml",
        Runs(6, 1_792_884_600, 2_400, 3_000),
    ),
    (
        "dst-faulty-logger",
        "scenario.toml",
        Says(&["data.csv:7:", "line 6", "a later time"]),
    ),
    (
        "footer-total",
        "scenario.toml",
        Says(&["data.csv:4:", "'Total'", "footer = 1"]),
    ),
    (
        "half-hour-zone",
        "scenario.toml",
        Says(&["data.csv:2:", "window_s = 1800"]),
    ),
    (
        "half-hour-zone",
        "with-start.toml",
        Says(&["with-start.toml:3:", "window_s = 1800"]),
    ),
    (
        "half-hour-zone",
        "works.toml",
        Runs(16, 1_777_833_000, 3_200, 4_000),
    ),
    (
        "import-below-feed-in",
        "scenario.toml",
        Notes(&["nobody gains at these tariffs"]),
    ),
    (
        "iso-without-colon",
        "scenario.toml",
        Runs(8, TEN, 3_200, 4_000),
    ),
    (
        "jitter",
        "scenario.toml",
        Says(&["data.csv:", "tolerance_s = 3"]),
    ),
    (
        "linky-preamble",
        "scenario.toml",
        Says(&["line 3 has it", "skip = 2"]),
    ),
    (
        "long-format",
        "scenario.toml",
        Says(&["data.csv:4:", "home_column = \"id\""]),
    ),
    (
        "minus-9999",
        "scenario.toml",
        Notes(&["data.csv:5:", "-9999", "markers"]),
    ),
    (
        "net-negative-price",
        "scenario.toml",
        Notes(&["nobody gains"]),
    ),
    ("net-sign", "scenario.toml", Runs(2, TEN, 800, 600)),
    ("newest-first", "scenario.toml", Runs(3, TEN, 1_200, 0)),
    (
        "offset-hours-only",
        "scenario.toml",
        Runs(8, TEN + 21_600, 3_200, 4_000),
    ),
    (
        "offset-hours-only-z",
        "scenario.toml",
        Runs(8, TEN + 21_600, 3_200, 4_000),
    ),
    (
        "one-row",
        "scenario.toml",
        Says(&["data.csv:2:", "two rows at least, or step_s"]),
    ),
    ("periods-dst", "scenario.toml", Prices(96, 8, 500_000)),
    (
        "price-other-dialect",
        "scenario.toml",
        Runs(8, TEN, 3_200, 4_000),
    ),
    (
        "price-other-dialect2",
        "scenario.toml",
        Says(&["prices.csv:1:", "delimiter = \";\""]),
    ),
    (
        "pvgis",
        "scenario.toml",
        Says(&["data.csv:1:", "line 4 has it", "skip = 3"]),
    ),
    ("quoted-and-crlf", "scenario.toml", Runs(2, TEN, 1_000, 0)),
    (
        "ragged",
        "scenario.toml",
        Says(&["data.csv:2:", "2 cells", "expected 3 cells"]),
    ),
    ("rfc3339-space", "scenario.toml", Runs(8, TEN, 3_200, 4_000)),
    ("sep-line", "scenario.toml", Runs(8, TEN, 3_200, 4_000)),
    (
        "start-relabels",
        "scenario.toml",
        Notes(&[
            "rows without stamps are taken to begin at start",
            "2026-01-02",
        ]),
    ),
    (
        "thousands-separator",
        "scenario.toml",
        Says(&["data.csv:2:", "'1.250'", "thousands = \".\""]),
    ),
    ("trailing-comma", "scenario.toml", Runs(2, TEN, 1_000, 0)),
    (
        "two-stamps",
        "scenario.toml",
        Says(&["pv.csv:2:", "2021-02-14T23:00:00Z", "ISO 8601"]),
    ),
    (
        "unicode-column",
        "scenario.toml",
        Runs(8, TEN, 3_200, 4_000),
    ),
    ("unix-float", "scenario.toml", Runs(8, TEN, 3_200, 4_000)),
    (
        "unix-ms",
        "scenario.toml",
        Says(&["data.csv:2:", "unix_ms"]),
    ),
    ("utf16", "scenario.toml", Runs(8, TEN, 3_200, 4_000)),
    (
        "year-2600",
        "scenario.toml",
        Says(&["scenario.toml:2:", "start", "2554-07-21"]),
    ),
    (
        "zone-local-price",
        "scenario.toml",
        Runs(5, 1_774_738_800, 2_500, 0),
    ),
];

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("WATTPOOL_CASES").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: no cases (set WATTPOOL_CASES)");
    }
    folder
}

fn wrong(folder: &Path, case: &str, file: &str, right: &Right) -> Option<String> {
    let found = load(&folder.join(case).join(file), None, &Overrides::default());
    let held = |text: &str, parts: &[&str]| parts.iter().all(|p| text.contains(p));
    let right_one = match (&found, right) {
        (Ok(n), Runs(windows, start, demand, generation)) => {
            let sum = |wh: &[u32]| wh.iter().map(|wh| u64::from(*wh)).sum::<u64>();
            let demand_wh: u64 = n.homes.iter().map(|h| sum(&h.demand_wh)).sum();
            let generation_wh: u64 = n.homes.iter().map(|h| sum(&h.generation_wh)).sum();
            let found = (n.windows, n.start().get(), demand_wh, generation_wh);
            if found != (*windows, *start, *demand, *generation) {
                return Some(format!("{case}/{file}: {found:?}"));
            }
            true
        }
        (Ok(n), Prices(windows, dear, price)) => {
            let found = n.import_tariff.iter().filter(|t| t.0 == *price).count();
            (n.windows, found) == (*windows, *dear)
        }
        (Ok(n), Notes(parts)) => n.notes.iter().any(|note| held(note, parts)),
        (Err(e), Says(parts)) => held(&e.to_string(), parts) && !e.to_string().contains('\n'),
        _ => false,
    };
    let said = match found {
        Ok(n) => format!("runs: {:?}", n.notes),
        Err(e) => e.to_string(),
    };
    (!right_one).then(|| format!("{case}/{file}: {said}"))
}

#[test]
fn each_case_gives_its_right_value_or_a_line_that_says_what_to_do() {
    let Some(folder) = folder() else { return };
    let wrong: Vec<String> = CASES
        .iter()
        .filter_map(|(case, file, right)| wrong(&folder, case, file, right))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What the messages offer reads the file.
#[test]
fn what_a_line_says_to_do_reads_the_case() {
    let Some(folder) = folder() else { return };
    // Replaced in the scenario, and what it then gives.
    type Mended<'a> = (&'a str, &'a [(&'a str, &'a str)], Right);
    let mended: &[Mended<'_>] = &[
        (
            "date-and-time-columns",
            &[
                ("homes=", "missing=\"zero\"\nhomes="),
                (
                    "column=\"date\"\nformat=\"%Y/%m/%d\"",
                    "columns=[\"date\",\"time\"]\nformat=\"%Y/%m/%d %H:%M\"\nstamp=\"end\"",
                ),
            ],
            Runs(24, 1_777_845_600, 1_500, 0),
        ),
        (
            "dst-48-rows",
            &[("zone =", "clock_change = \"same_rows\"\nzone =")],
            Runs(4, 1_774_742_400, 1_600, 0),
        ),
        (
            "footer-total",
            &[("homes=", "footer=1\nhomes=")],
            Runs(2, TEN, 1_000, 0),
        ),
        (
            "jitter",
            &[("column = \"t\"", "column = \"t\"\ntolerance_s = 3")],
            Runs(8, TEN, 3_200, 4_000),
        ),
        (
            "linky-preamble",
            &[("delimiter", "skip = 2\ndelimiter")],
            Runs(2, 1_672_527_600, 469, 0),
        ),
        (
            "long-format",
            &[("homes=", "home_column=\"id\"\nhomes=")],
            Runs(2, TEN, 1_000, 0),
        ),
        (
            "price-other-dialect2",
            &[(
                "unit=\"per MWh\"",
                "unit=\"per MWh\"\ndelimiter=\";\"\ndecimal=\",\"",
            )],
            Runs(8, TEN, 3_200, 4_000),
        ),
        (
            "pvgis",
            &[
                (
                    "file=\"data.csv\"\n",
                    "file=\"data.csv\"\nskip=3\nfooter=1\n",
                ),
                ("column=\"time\"", "column=\"time\"\nshift_s=-600"),
            ],
            Runs(6, 1_592_208_000, 0, 3_063),
        ),
        (
            "thousands-separator",
            &[("decimal = \",\"", "decimal = \",\"\nthousands = \".\"")],
            Runs(8, TEN, 2_701, 3_000),
        ),
        (
            "two-stamps",
            &[("column=\"pv\"", "time={column=\"t\"},column=\"pv\"")],
            Runs(2, 1_613_343_600, 200, 500),
        ),
        (
            "unix-ms",
            &[("\"unix\"", "\"unix_ms\"")],
            Runs(8, TEN, 3_200, 4_000),
        ),
    ];
    let mut found = Vec::new();
    for (case, replace, right) in mended {
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().join(case);
        std::fs::create_dir(&there).unwrap();
        for entry in std::fs::read_dir(folder.join(case)).unwrap() {
            let entry = entry.unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            std::fs::write(there.join(entry.file_name()), bytes).unwrap();
        }
        let file = there.join("scenario.toml");
        let mut text = std::fs::read_to_string(&file).unwrap();
        for (from, to) in *replace {
            assert!(text.contains(from), "{case}: nothing to replace: {from}");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(&file, text).unwrap();
        found.extend(wrong(dir.path(), case, "scenario.toml", right));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
