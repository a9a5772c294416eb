//! The measurements, one file each.

mod agent;
mod attack;
mod ceiling;
mod choose;
mod factors;
mod gas;
mod mesh;
mod node;
mod predict;
mod settle;
mod simulate;

use crate::Failure;

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Command {
    /// What discovery finds and costs: real nodes, hostile ones among them, coming and going.
    Mesh(mesh::Args),
    /// Memory, processor time and size of a running agent.
    Agent(agent::Args),
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
    /// What honest homes lose when a tenth of the others attack, attack by attack.
    Attack(attack::Args),
    /// Gas of every message and of a whole spot trade, on a local wasmd.
    Gas(gas::Args),
    /// What many agents ask of one node of the chain, and how it bears that.
    Node(node::Args),
    /// Settles per second and how long one takes, on local wasmd networks.
    Settle(settle::Args),
}

/// Runs a benchmark.
///
/// # Errors
/// Those of the measurement: wrong arguments (exit code 2), or what it measures fails.
pub fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Mesh(args) => mesh::run(args),
        Command::Agent(args) => agent::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Choose(args) => choose::run(args),
        Command::Ceiling(args) => ceiling::run(args),
        Command::Factors(args) => factors::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Attack(args) => attack::run(args),
        Command::Gas(args) => gas::run(args),
        Command::Node(args) => node::run(args),
        Command::Settle(args) => settle::run(args),
    }
}
