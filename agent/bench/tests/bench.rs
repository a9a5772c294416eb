//! `wattpool-bench factors` and `wattpool-bench ceiling` on generated homes: directions, not figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use wattpool_program_harness::{number, wattpool_bench};

#[test]
fn the_factors_are_better_where_they_look() {
    let args = [
        "factors",
        "--generated",
        "--meters",
        "16",
        "--seeds",
        "4",
        "--days",
        "3",
        "--json",
    ];
    let out = wattpool_bench(&args).json();
    assert_eq!((number(&out, "seeds"), number(&out, "days")), (4.0, 3.0));
    let strategies = out["strategies"].as_array().unwrap();
    let mean = |name: &str, field: &str| {
        let row = strategies.iter().find(|s| s["strategy"] == name);
        number(&row.unwrap_or_else(|| panic!("no {name}"))[field], "mean")
    };
    for row in strategies {
        println!("{row}");
        assert_eq!(number(row, "invariant_violations"), 0.0, "{row}");
        let half = number(&row["shortfall_more"], "half");
        assert!(half.is_finite() && half >= 0.0);
    }
    assert_eq!(strategies.len(), 4);
    // Who breaks promises is learned by the factors alone.
    for name in ["price alone", "nearest first", "random"] {
        assert!(mean(name, "shortfall_more") > 0.0, "{name}");
    }
    // The cheapest and the nearest sell, whoever else is there.
    for name in ["price alone", "nearest first"] {
        assert!(mean(name, "gini_like_sellers_more") > 0.0, "{name}");
    }
    // The nearest lose least; the estimate of the lines is what tells them.
    let lost = |name| mean(name, "lost_per_traded");
    assert!(lost("nearest first") < lost("random"));
    assert!(lost("six factors") < lost("random"));
    // Of the factors themselves the difference is nothing.
    assert_eq!(mean("six factors", "shortfall_more"), 0.0);
}

#[test]
fn shares_of_the_ceiling() {
    let args = [
        "ceiling",
        "--meters",
        "12",
        "--lossless",
        "9",
        "--seeds",
        "2",
        "--json",
    ];
    let ran = wattpool_bench(&args);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let rows: Vec<Value> = ran
        .stdout
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let sizes: Vec<(f64, f64)> = rows
        .iter()
        .map(|r| (number(r, "meters"), number(r, "runs")))
        .collect();
    assert_eq!(sizes, [(12.0, 2.0), (9.0, 1.0)]);
    for row in &rows {
        let parts = ["share", "left_over", "misplaced"].map(|field| number(row, field));
        assert!((parts.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{row}");
        assert!(parts[0] >= 0.995, "{row}");
    }
    assert!(ran.stderr.contains("without --data"));
}

#[test]
fn wrong_arguments_are_refused() {
    for (args, word) in [
        (&["factors"][..], "--data"),
        (
            &["factors", "--generated", "--seeds", "1"],
            "at least 2 seeds",
        ),
        (&["factors", "--data", "nowhere"], "citylearn-feeders.toml"),
        (&["ceiling", "--meters", "0"], "at least 1"),
        (&["gas", "--many", "3"], "0, or 20 to 20000"),
        (&["settle", "--validators", "1,17"], "validators 17"),
        (&["settle", "--pairs", "0"], "1 to 100"),
        (&["settle", "--seconds", "11"], "1 to 10"),
    ] {
        let ran = wattpool_bench(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(word), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}
