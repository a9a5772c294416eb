//! `wattpool-bench ceiling`: how near the market comes to what perfect matching could deliver.

use crate::{print, Failure};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use wattpool_report::measure;
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{contended, load, neighbourhood, GenerateOptions, Overrides};
use wattpool_simulator::{run as simulate, RunOptions, Signatures};

/// Measures the share of the ceiling (the best that a linear program finds in each window).
#[derive(clap::Args)]
pub struct Args {
    /// Numbers of meters in generated zones with losses, charges and thin lines between them.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1_000])]
    meters: Vec<u32>,
    /// Numbers of meters in one generated zone without loss.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000])]
    lossless: Vec<u32>,
    /// Neighbourhoods of each size of up to 1,000 meters, generated from the seeds 1, 2, …
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Days of the generated neighbourhoods.
    #[arg(long, default_value_t = 1)]
    days: u32,
    /// Folder with the CityLearn profiles: the scenarios that need them are measured over their whole year too.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder with the scenario files.
    #[arg(long, value_name = "DIR", default_value = "agent/simulator/scenarios")]
    scenarios: PathBuf,
    /// Print JSON lines instead of a table.
    #[arg(long)]
    json: bool,
}

/// Largest size of which several neighbourhoods are simulated.
const SEVERAL: u32 = 1_000;

/// One row: a kind of neighbourhood and size, over its seeds.
#[derive(Debug, Serialize)]
struct Row {
    neighbourhood: String,
    meters: usize,
    runs: usize,
    /// Delivered over the ceilings, all runs together, and the worst run's.
    share: f64,
    worst: f64,
    /// Of the ceiling: still to be matched at the windows' ends, and lost to detours.
    left_over: f64,
    misplaced: f64,
    trades: u64,
    refused_transactions: u64,
    invariant_violations: u64,
}

/// Simulates every kind and size and prints a row for it.
///
/// # Errors
/// An argument is zero or data are missing (exit code 2), or a simulation fails.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let sizes = args.meters.iter().chain(&args.lossless);
    if args.seeds == 0 || args.days == 0 || sizes.clone().any(|m| *m == 0) {
        return Err(Failure::input(anyhow::anyhow!(
            "--meters, --lossless, --seeds and --days: 0; expected at least 1"
        )));
    }
    let mut scenarios = Vec::new();
    for name in ["citylearn", "citylearn-losses"] {
        if let Some(data) = &args.data {
            let path = args.scenarios.join(format!("{name}.toml"));
            let read = load(&path, Some(data), &Overrides::default());
            scenarios.push((name, read.map_err(Failure::input)?));
        }
    }
    if !args.json {
        print(
            "| neighbourhood | meters | runs | share of ceiling | worst run | still to be matched | misplaced | trades | refused |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        )?;
    }
    let options = |homes, seed| GenerateOptions {
        homes,
        days: args.days,
        seed,
        ..GenerateOptions::default()
    };
    let mut violations = 0u64;
    let mut show = |row: Row| {
        violations = violations.saturating_add(row.invariant_violations);
        show(&row, args.json)
    };
    for meters in &args.meters {
        let seeds = if *meters <= SEVERAL { args.seeds } else { 1 };
        let made = (1..=seeds).map(|seed| (seed, contended(&options(*meters, seed))));
        show(row("losses and thin lines", made)?)?;
    }
    for meters in &args.lossless {
        let made = std::iter::once((1, neighbourhood(&options(*meters, 1))));
        show(row("one zone without loss", made)?)?;
    }
    for (name, n) in scenarios {
        show(row(name, std::iter::once((1, Ok(n))))?)?;
    }
    if args.data.is_none() {
        eprintln!("wattpool: without --data the CityLearn scenarios are left out");
    }
    Ok(if violations == 0 { 0 } else { 3 })
}

fn row(
    name: &str,
    runs: impl Iterator<Item = (u64, Result<Neighbourhood, wattpool_scenario::ScenarioError>)>,
) -> anyhow::Result<Row> {
    let mut row = Row {
        neighbourhood: name.to_owned(),
        meters: 0,
        runs: 0,
        share: 0.0,
        worst: 1.0,
        left_over: 0.0,
        misplaced: 0.0,
        trades: 0,
        refused_transactions: 0,
        invariant_violations: 0,
    };
    let mut ceiling = 0.0;
    for (seed, made) in runs {
        let n = made?;
        let options = RunOptions {
            seed,
            threads: 1,
            signatures: Signatures::Trusted,
            record: false,
        };
        let outcome = simulate(&n, &options, &AtomicBool::new(false), &mut |_| {})?;
        let s = measure(&n, &outcome)?.summary;
        row.meters = n.homes.len();
        row.runs = row.runs.saturating_add(1);
        ceiling += s.ceiling_wh;
        row.share += s.traded_wh as f64;
        row.left_over += s.left_over_wh;
        row.misplaced += s.misplaced_wh;
        row.worst = row.worst.min(s.ceiling_share.unwrap_or(1.0));
        row.trades = row.trades.saturating_add(s.trades);
        row.refused_transactions = row
            .refused_transactions
            .saturating_add(s.refused_transactions);
        row.invariant_violations = row
            .invariant_violations
            .saturating_add(s.invariant_violations);
    }
    anyhow::ensure!(ceiling > 0.0, "{name}: there was nothing to match");
    for sum in [&mut row.share, &mut row.left_over, &mut row.misplaced] {
        *sum /= ceiling;
    }
    Ok(row)
}

fn show(row: &Row, json: bool) -> anyhow::Result<()> {
    if json {
        return print(&format!("{}\n", serde_json::to_string(row)?));
    }
    print(&format!(
        "| {} | {} | {} | {:.3} % | {:.3} % | {:.3} % | {:.3} % | {} | {} |\n",
        row.neighbourhood,
        row.meters,
        row.runs,
        row.share * 100.0,
        row.worst * 100.0,
        row.left_over * 100.0,
        row.misplaced * 100.0,
        row.trades,
        row.refused_transactions,
    ))
}
