//! `wattpool`: simulate a neighbourhood, choose a trade, run a market, own a meter.
//!
//! stdout is the result, stderr the prose; exit codes are those of [`wattpool_program`].

mod admin;
mod choose;
mod compare;
mod inspect;
mod on_chain;
mod out_folder;
mod owner;
mod simulate;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use wattpool_program::{end, print, Failure};

// The contracts' in-memory store allocates much: this halves the time of a transaction.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A peer-to-peer energy market for neighbourhoods.
#[derive(Parser)]
#[command(name = "wattpool", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Let a neighbourhood trade on a virtual clock, with the real agents and contracts.
    Simulate(simulate::Args),
    /// Put finished runs side by side.
    Compare(compare::Args),
    /// Find out how a file of profiles or prices is written, and the mapping that reads it.
    Inspect(inspect::Args),
    /// Choose the best trade for a need among offers.
    Choose(choose::Args),
    /// Operate a market: deploy it, register meters, pay homes' fees.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Own a meter: its money, its agent, its limits.
    #[command(subcommand)]
    Owner(owner::Owner),
}

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Simulate(args) => simulate::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Choose(args) => choose::run(&args),
        Command::Admin(admin) => admin::run(&admin),
        Command::Owner(owner) => owner::run(&owner),
    };
    end("wattpool", ended)
}
