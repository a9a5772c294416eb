//! `wattpool bench`: what the machinery costs and how well it does, one file per measurement.

#[cfg(feature = "agent")]
mod agent;
#[cfg(feature = "simulator")]
mod simulate;

use crate::Failure;

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// Memory, processor time and size of a running agent.
    #[cfg(feature = "agent")]
    Agent(agent::Args),
    /// Meter·windows per second of one core, memory, and where the time goes.
    #[cfg(feature = "simulator")]
    Simulate(simulate::Args),
}

/// Runs a benchmark.
///
/// # Errors
/// Those of the measurement: wrong arguments (exit code 2), or what it measures fails.
pub fn run(bench: &Bench) -> Result<u8, Failure> {
    match bench {
        #[cfg(feature = "agent")]
        Bench::Agent(args) => agent::run(args),
        #[cfg(feature = "simulator")]
        Bench::Simulate(args) => simulate::run(args),
    }
}
