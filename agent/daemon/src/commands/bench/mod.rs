//! `wattpool bench`: what the machinery costs and how well it does, one file per measurement.

mod choose;
mod simulate;

use crate::Failure;

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// Meter·windows per second of one core, memory, and where the time goes.
    Simulate(simulate::Args),
    /// Time of the choice of a trade and its gap to the exact optimum.
    Choose(choose::Args),
}

/// Runs a benchmark.
///
/// # Errors
/// Those of the measurement: wrong arguments (exit code 2), or what it measures fails.
pub fn run(bench: &Bench) -> Result<u8, Failure> {
    match bench {
        Bench::Simulate(args) => simulate::run(args),
        Bench::Choose(args) => choose::run(args),
    }
}
