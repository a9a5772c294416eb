//! `wattpool bench`: what the machinery costs and how well it does, one file per measurement.

mod ceiling;
mod choose;
mod factors;
mod predict;
mod simulate;

use crate::Failure;

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// Meter·windows per second of one core, memory, and where the time goes.
    Simulate(simulate::Args),
    /// Time of the choice of a trade and its gap to the exact optimum.
    Choose(choose::Args),
    /// Share of what perfect matching could deliver, with losses and thin lines, and on real homes.
    Ceiling(ceiling::Args),
    /// The choice by six factors against price alone, nearest first and random, with confidence intervals.
    Factors(factors::Args),
    /// Expected quality and duration of trades against the mean and the last value, out of sample.
    Predict(predict::Args),
}

/// Runs a benchmark.
///
/// # Errors
/// Those of the measurement: wrong arguments (exit code 2), or what it measures fails.
pub fn run(bench: &Bench) -> Result<u8, Failure> {
    match bench {
        Bench::Simulate(args) => simulate::run(args),
        Bench::Choose(args) => choose::run(args),
        Bench::Ceiling(args) => ceiling::run(args),
        Bench::Factors(args) => factors::run(args),
        Bench::Predict(args) => predict::run(args),
    }
}
