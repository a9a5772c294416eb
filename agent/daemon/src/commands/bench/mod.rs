//! `wattpool bench`: what the machinery costs and how well it does, one file per measurement.

mod mesh;
mod simulate;

use crate::Failure;

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// What discovery finds and costs: real nodes, hostile ones among them, coming and going.
    Mesh(mesh::Args),
    /// Meter·windows per second of one core, memory, and where the time goes.
    Simulate(simulate::Args),
}

/// Runs a benchmark.
///
/// # Errors
/// Those of the measurement: wrong arguments (exit code 2), or what it measures fails.
pub fn run(bench: &Bench) -> Result<u8, Failure> {
    match bench {
        Bench::Mesh(args) => mesh::run(args),
        Bench::Simulate(args) => simulate::run(args),
    }
}
