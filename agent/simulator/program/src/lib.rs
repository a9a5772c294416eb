//! A neighbourhood trades on a virtual clock: `wattpool-simulate`, and `wattpool simulate`.

mod out_folder;

use crate::out_folder::OutFolder;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use wattpool_program::memory::peak_bytes;
use wattpool_program::{print, Failure};
use wattpool_report::{human, measure};
use wattpool_scenario::example::write_example;
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
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = wattpool_program::whole)]
    seed: Option<u64>,
    /// Threads for the agents, at most one for each core and home; the result is the same for any number.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// More threads than cores, if --threads says so.
    #[arg(long, requires = "threads")]
    force_threads: bool,
    /// How signatures are checked: trusted (5 to 30 times faster) or verified (with real keys, as on a chain); the trades are the same.
    #[arg(long, value_name = "HOW", default_value_t)]
    signatures: Signatures,
    /// Folder for summary, tables and report; without it nothing is written. Results of an earlier run there are
    /// replaced.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write rows per home and window, offers, requests and events of the chain to --out, too (needs memory for them).
    #[arg(long, requires = "out")]
    record: bool,
    /// Write a small example into a folder, a scenario with its CSV files, instead of simulating.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["scenario", "data", "days", "meters", "seed", "threads", "signatures", "out", "json"]
    )]
    init: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the simulation.
///
/// # Errors
/// Wrong input (exit code 2), or the run or writing failed (1).
pub fn run(args: &Args) -> Result<u8, Failure> {
    if let Some(dir) = &args.init {
        return init(dir);
    }
    if args.threads == Some(0) {
        return Err(Failure::input(anyhow::anyhow!(
            "--threads: 0; expected at least 1"
        )));
    }
    let n = read(args)?;
    let threads = threads(args, n.homes.len());
    // Before the work, not after it.
    let out = args.out.as_deref().map(OutFolder::take).transpose()?;
    let options = RunOptions {
        seed: args.seed.unwrap_or(1),
        threads,
        signatures: args.signatures,
        record: args.record,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        // A second Ctrl-C or SIGTERM does not wait for the window to end.
        if on_signal.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!(
            "wattpool: finishing the window; what is done will be kept (once more to drop it)"
        );
    })
    .context("Ctrl-C and the end of the session cannot be watched")?;
    let bar = progress_bar(n.windows);
    bar.set_message("0 trades");
    let mut outcome = simulate(&n, &options, &stop, &mut |p| {
        bar.set_position(u64::try_from(p.done).unwrap_or(u64::MAX));
        bar.set_message(format!("{} trades", p.trades));
    })?;
    bar.finish_and_clear();
    outcome.peak_memory_bytes = peak_bytes();
    let measures = measure(&n, &outcome)?;
    let written = out.map(|out| out.write(&n, &outcome, &measures));
    if args.json {
        print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&measures.summary)?
        ))?;
    } else {
        print(&human(&measures.summary))?;
    }
    // After the summary: whatever became of the files, the figures are not lost.
    written.transpose()?;
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

/// Threads for so many homes: as asked, but no more than there is work or, unless forced, cores for.
fn threads(args: &Args, homes: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = args.threads.unwrap_or(cores);
    let most = if args.force_threads {
        homes
    } else {
        cores.min(homes)
    };
    let most = most.max(1);
    if args.threads.is_some() && wanted > most {
        eprintln!(
            "wattpool: {most} threads instead of {wanted}: {homes} homes on {cores} cores have no use for more{}",
            if args.force_threads || cores >= homes {
                ""
            } else {
                " (--force-threads for more than cores)"
            }
        );
    }
    wanted.min(most)
}

/// Writes the example.
fn init(dir: &Path) -> Result<u8, Failure> {
    let files = write_example(dir).map_err(Failure::input)?;
    for file in &files {
        print(&format!("{}\n", file.display()))?;
    }
    if let Some(scenario) = files.first() {
        eprintln!(
            "wattpool: an example to start from; run wattpool simulate {}",
            scenario.display()
        );
    }
    Ok(0)
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
