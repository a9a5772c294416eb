//! `wattpool simulate`: a neighbourhood trades on a virtual clock.

use crate::{print, Failure};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use wattpool_program::memory::peak_bytes;
use wattpool_report::{check_out_dir, human, measure, write_all};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{load, neighbourhood, GenerateOptions, Overrides};
use wattpool_simulator::{run as simulate, RunOptions, Signatures};

/// Lets a neighbourhood trade on a virtual clock.
#[derive(clap::Args)]
pub struct Args {
    /// Scenario file; without one, a neighbourhood is generated.
    scenario: Option<PathBuf>,
    /// Folder with the scenario's profiles.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Days to simulate.
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Meters: the first N of the scenario, or so many generated ones.
    #[arg(long, value_name = "N")]
    meters: Option<u32>,
    /// Seed of everything random.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Threads for the agents; the result is the same for any number.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// How signatures are checked: trusted (a keyed checksum stands for the curves) or verified.
    #[arg(long, value_name = "HOW", default_value_t)]
    signatures: Signatures,
    /// Folder for summary, tables and report; without it nothing is written.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write rows per home and window, offers, requests and events of the chain to --out, too (needs memory for them).
    #[arg(long, requires = "out")]
    record: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the simulation.
///
/// # Errors
/// Wrong input (exit code 2), or the run or writing failed (1).
pub fn run(args: &Args) -> Result<u8, Failure> {
    let threads = match args.threads {
        Some(0) => {
            return Err(Failure::input(anyhow::anyhow!(
                "--threads: 0; expected at least 1"
            )))
        }
        Some(n) => n,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let n = read(args)?;
    // Before the work, not after it.
    if let Some(out) = &args.out {
        check_out_dir(out).map_err(Failure::input)?;
    }
    let options = RunOptions {
        seed: args.seed.unwrap_or(1),
        threads,
        signatures: args.signatures,
        record: args.record,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        // A second Ctrl-C does not wait for the window to end.
        if on_signal.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!(
            "wattpool: finishing the window; what is done will be kept (Ctrl-C again to drop it)"
        );
    })
    .context("Ctrl-C cannot be watched")?;
    let bar = progress_bar(n.windows);
    let mut outcome = simulate(&n, &options, &stop, &mut |p| {
        bar.set_position(u64::try_from(p.done).unwrap_or(u64::MAX));
        bar.set_message(format!("{} trades", p.trades));
    })?;
    bar.finish_and_clear();
    outcome.peak_memory_bytes = peak_bytes();
    let measures = measure(&n, &outcome)?;
    if let Some(out) = &args.out {
        write_all(out, &n, &outcome, &measures)?;
        eprintln!(
            "wattpool: results are in {}; open {}",
            out.display(),
            out.join("report.html").display()
        );
    }
    if args.json {
        print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&measures.summary)?
        ))?;
    } else {
        print(&human(&measures.summary))?;
    }
    for violation in &outcome.invariant_violations {
        eprintln!("wattpool: invariant violated: {violation}");
    }
    Ok(
        match (
            measures.summary.invariant_violations,
            stop.load(Ordering::Relaxed),
        ) {
            (1.., _) => 3,
            (_, true) => 130,
            _ => 0,
        },
    )
}

fn read(args: &Args) -> Result<Neighbourhood, Failure> {
    if let Some(path) = &args.scenario {
        let overrides = Overrides {
            days: args.days,
            meters: args.meters,
            seed: args.seed,
        };
        return load(path, args.data.as_deref(), &overrides).map_err(Failure::input);
    }
    if args.data.is_some() {
        return Err(Failure::input(anyhow::anyhow!(
            "--data: no scenario; expected one that reads profiles"
        )));
    }
    let defaults = GenerateOptions::default();
    for (name, value) in [("--days", args.days), ("--meters", args.meters)] {
        if value == Some(0) {
            return Err(Failure::input(anyhow::anyhow!(
                "{name}: 0; expected at least 1"
            )));
        }
    }
    let options = GenerateOptions {
        homes: args.meters.unwrap_or(defaults.homes),
        days: args.days.unwrap_or(defaults.days),
        seed: args.seed.unwrap_or(defaults.seed),
        ..defaults
    };
    neighbourhood(&options).map_err(Failure::input)
}

fn progress_bar(windows: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(windows).unwrap_or(u64::MAX));
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(4));
    let style = ProgressStyle::with_template(
        "{bar:32} {pos}/{len} windows, {msg}, {elapsed} (about {eta} left)",
    );
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
