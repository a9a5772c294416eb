//! `wattpool-bench simulate`: what the machinery costs.

use crate::Failure;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use wattpool_program::memory::peak_bytes;
use wattpool_report::measure;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_simulator::{run as simulate, RunOptions, Signatures};

/// Measures simulations of a day.
#[derive(clap::Args)]
pub struct Args {
    /// Numbers of meters.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    meters: Vec<u32>,
    /// Days.
    #[arg(long, default_value_t = 1)]
    days: u32,
    /// Which signature modes.
    #[arg(long, value_delimiter = ',', default_values_t = [Signatures::Trusted, Signatures::Verified])]
    signatures: Vec<Signatures>,
    /// Print JSON lines instead of a table.
    #[arg(long)]
    json: bool,
    /// Measure one size in this process and print it (used by the command itself, so that memory is each size's own).
    #[arg(long, hide = true)]
    single: bool,
}

/// One row.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    meters: u32,
    windows: usize,
    signatures: String,
    meter_windows_per_second: f64,
    micros_per_meter_window: f64,
    peak_mib: f64,
    ledger: f64,
    network: f64,
    choice: f64,
    agent: f64,
    rest: f64,
    trades: u64,
    messages: u64,
    ceiling_share: Option<f64>,
    invariant_violations: u64,
}

/// Simulates each size in each signature mode and prints a row for it.
///
/// # Errors
/// An argument is zero (exit code 2), or a simulation fails.
pub fn run(args: &Args) -> Result<u8, Failure> {
    if args.meters.contains(&0) || args.days == 0 {
        return Err(Failure::input(anyhow::anyhow!(
            "--meters and --days: 0; expected at least 1"
        )));
    }
    if args.single {
        for (meters, signatures) in args.meters.iter().zip(&args.signatures) {
            println!(
                "{}",
                serde_json::to_string(&single(*meters, args.days, *signatures)?)?
            );
        }
        return Ok(0);
    }
    if !args.json {
        println!("| meters | signatures | meter·windows/s | µs each | peak MiB | ledger | network | choice | agent | rest | share of ceiling |");
        println!("|---|---|---|---|---|---|---|---|---|---|---|");
    }
    for signatures in &args.signatures {
        for meters in &args.meters {
            let row = in_own_process(*meters, args.days, *signatures)?;
            if args.json {
                println!("{}", serde_json::to_string(&row)?);
            } else {
                let share = row
                    .ceiling_share
                    .map_or_else(|| "-".to_owned(), |s| format!("{:.2} %", s * 100.0));
                println!(
                    "| {} | {} | {:.0} | {:.1} | {:.0} | {:.0} % | {:.0} % | {:.0} % | {:.0} % | {:.0} % | {share} |",
                    row.meters,
                    row.signatures,
                    row.meter_windows_per_second,
                    row.micros_per_meter_window,
                    row.peak_mib,
                    row.ledger,
                    row.network,
                    row.choice,
                    row.agent,
                    row.rest,
                );
            }
        }
    }
    Ok(0)
}

/// Peak memory is a process's own: every size gets one.
fn in_own_process(meters: u32, days: u32, signatures: Signatures) -> anyhow::Result<Row> {
    let program = std::env::current_exe().context("the program's own path")?;
    let output = Command::new(program)
        .args([
            "simulate",
            "--single",
            "--meters",
            &meters.to_string(),
            "--days",
            &days.to_string(),
        ])
        .args(["--signatures", signatures.name()])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "{meters} meters: {}",
        output.status
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn single(meters: u32, days: u32, signatures: Signatures) -> anyhow::Result<Row> {
    let n = neighbourhood(&GenerateOptions {
        homes: meters,
        days,
        ..GenerateOptions::default()
    })?;
    let options = RunOptions {
        seed: 1,
        threads: 1,
        signatures,
        record: false,
    };
    let outcome = simulate(&n, &options, &AtomicBool::new(false), &mut |_| {})?;
    let peak = peak_bytes().unwrap_or(0);
    let summary = measure(&n, &outcome)?.summary;
    let t = outcome.timings;
    let share = |s: f64| s / outcome.elapsed_s.max(1e-9) * 100.0;
    let rate = f64::from(meters) * count(n.windows) / outcome.elapsed_s.max(1e-9);
    Ok(Row {
        meters,
        windows: n.windows,
        signatures: outcome.signatures.clone(),
        meter_windows_per_second: rate,
        micros_per_meter_window: 1e6 / rate,
        peak_mib: count(usize::try_from(peak)?) / f64::from(1u32 << 20),
        ledger: share(t.ledger_s),
        network: share(t.network_s),
        choice: share(t.choice_s),
        agent: share(t.agent_s),
        rest: share(t.rest_s),
        trades: summary.trades,
        messages: outcome.messages,
        ceiling_share: summary.ceiling_share,
        invariant_violations: summary.invariant_violations,
    })
}

/// Counts here are far below 2^52.
fn count(n: usize) -> f64 {
    n as f64
}
