//! `wattpool bench`: what the machinery costs and how well it does, one file per measurement.

#[cfg(feature = "agent")]
mod agent;
#[cfg(feature = "simulator")]
mod ceiling;
#[cfg(feature = "simulator")]
mod choose;
#[cfg(feature = "simulator")]
mod factors;
#[cfg(feature = "chain-bench")]
mod gas;
#[cfg(all(feature = "agent", feature = "simulator"))]
mod mesh;
#[cfg(feature = "simulator")]
mod predict;
#[cfg(feature = "chain-bench")]
mod settle;
#[cfg(feature = "simulator")]
mod simulate;

use crate::Failure;

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// What discovery finds and costs: real nodes, hostile ones among them, coming and going.
    #[cfg(all(feature = "agent", feature = "simulator"))]
    Mesh(mesh::Args),
    /// Memory, processor time and size of a running agent.
    #[cfg(feature = "agent")]
    Agent(agent::Args),
    /// Meter·windows per second of one core, memory, and where the time goes.
    #[cfg(feature = "simulator")]
    Simulate(simulate::Args),
    /// Time of the choice of a trade and its gap to the exact optimum.
    #[cfg(feature = "simulator")]
    Choose(choose::Args),
    /// Share of what perfect matching could deliver, with losses and thin lines, and on real homes.
    #[cfg(feature = "simulator")]
    Ceiling(ceiling::Args),
    /// The choice by six factors against price alone, nearest first and random, with confidence intervals.
    #[cfg(feature = "simulator")]
    Factors(factors::Args),
    /// Expected quality and duration of trades against the mean and the last value, out of sample.
    #[cfg(feature = "simulator")]
    Predict(predict::Args),
    /// Gas of every message and of a whole spot trade, on a local wasmd.
    #[cfg(feature = "chain-bench")]
    Gas(gas::Args),
    /// Settles per second and how long one takes, on local wasmd networks.
    #[cfg(feature = "chain-bench")]
    Settle(settle::Args),
}

/// Runs a benchmark.
///
/// # Errors
/// Those of the measurement: wrong arguments (exit code 2), or what it measures fails.
pub fn run(bench: &Bench) -> Result<u8, Failure> {
    match bench {
        #[cfg(all(feature = "agent", feature = "simulator"))]
        Bench::Mesh(args) => mesh::run(args),
        #[cfg(feature = "agent")]
        Bench::Agent(args) => agent::run(args),
        #[cfg(feature = "simulator")]
        Bench::Simulate(args) => simulate::run(args),
        #[cfg(feature = "simulator")]
        Bench::Choose(args) => choose::run(args),
        #[cfg(feature = "simulator")]
        Bench::Ceiling(args) => ceiling::run(args),
        #[cfg(feature = "simulator")]
        Bench::Factors(args) => factors::run(args),
        #[cfg(feature = "simulator")]
        Bench::Predict(args) => predict::run(args),
        #[cfg(feature = "chain-bench")]
        Bench::Gas(args) => gas::run(args),
        #[cfg(feature = "chain-bench")]
        Bench::Settle(args) => settle::run(args),
    }
}
