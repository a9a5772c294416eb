//! `wattpool compare`: finished runs side by side.

use crate::{print, Failure};
use anyhow::{anyhow, Context};
use std::path::PathBuf;
use wattpool_report::compare::{page, read_runs, table};

/// Puts finished runs side by side: money, energy, market, and in what their scenarios differ.
#[derive(clap::Args)]
pub struct Args {
    /// Folders that simulate --out wrote, two or more.
    #[arg(value_name = "DIR", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// Write the comparison as one page, too.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Print all figures of all runs as JSON: a list of name, summary, and the settings that differ.
    #[arg(long)]
    json: bool,
}

/// Reads the runs and prints the comparison.
///
/// # Errors
/// A folder holds no finished run (exit code 2), or the page cannot be written (1).
pub fn run(args: &Args) -> Result<u8, Failure> {
    let runs = read_runs(&args.runs).map_err(Failure::input)?;
    if let Some(file) = &args.page {
        let html = page(&runs).map_err(|e| anyhow!("the page cannot be drawn: {e}"))?;
        std::fs::write(file, html)
            .with_context(|| format!("{}: cannot be written", file.display()))?;
        eprintln!("wattpool: the comparison is in {}", file.display());
    }
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&runs)?))?;
    } else {
        print(&table(&runs))?;
    }
    Ok(0)
}
