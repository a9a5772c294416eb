//! `wattpool`: simulate a neighbourhood, measure the machinery, choose a trade.
//!
//! stdout is the result, stderr the prose. Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 done but an
//! invariant was violated, 130 interrupted (what was finished is written).

mod commands;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

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
    Simulate(commands::simulate::Args),
    /// Choose the best trade for a need among offers.
    Choose(commands::choose::Args),
    /// Measure the machinery.
    #[command(subcommand)]
    Bench(commands::bench::Bench),
}

/// A failure with its exit code.
struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// Wrong usage or input.
    fn input(error: impl Into<anyhow::Error>) -> Self {
        Self {
            code: 2,
            error: error.into(),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            code: 1,
            error: error.into(),
        }
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Simulate(args) => commands::simulate::run(&args),
        Command::Choose(args) => commands::choose::run(&args),
        Command::Bench(bench) => commands::bench::run(&bench),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("wattpool: {:#}", failure.error);
            ExitCode::from(failure.code)
        }
    }
}
