//! `wattpool`: simulate a neighbourhood, measure the machinery, choose a trade.
//!
//! stdout is the result, stderr the prose. Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 done but an
//! invariant was violated, 130 interrupted (what was finished is written).

#[cfg(feature = "agent")]
mod agent;
mod commands;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

// The contracts' in-memory store allocates much: this halves the time of a transaction.
#[cfg(feature = "simulator")]
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
    #[cfg(feature = "simulator")]
    /// Let a neighbourhood trade on a virtual clock, with the real agents and contracts.
    Simulate(commands::simulate::Args),
    #[cfg(feature = "agent")]
    /// Run the agent of a meter, and ask the one that runs.
    #[command(subcommand)]
    Agent(commands::agent::Agent),
    #[cfg(feature = "simulator")]
    /// Choose the best trade for a need among offers.
    Choose(commands::choose::Args),
    #[cfg(feature = "tools")]
    /// Operate a market: deploy it, register meters, pay homes' fees.
    #[command(subcommand)]
    Admin(commands::admin::Admin),
    #[cfg(feature = "tools")]
    /// Own a meter: its money, its agent, its limits.
    #[command(subcommand)]
    Owner(commands::owner::Owner),
    #[cfg(any(feature = "agent", feature = "simulator"))]
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
        #[cfg(feature = "simulator")]
        Command::Simulate(args) => commands::simulate::run(&args),
        #[cfg(feature = "agent")]
        Command::Agent(command) => commands::agent::run(&command),
        #[cfg(feature = "simulator")]
        Command::Choose(args) => commands::choose::run(&args),
        #[cfg(feature = "tools")]
        Command::Admin(admin) => commands::admin::run(&admin),
        #[cfg(feature = "tools")]
        Command::Owner(owner) => commands::owner::run(&owner),
        #[cfg(any(feature = "agent", feature = "simulator"))]
        Command::Bench(bench) => commands::bench::run(&bench),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("wattpool: {}", line(&failure.error));
            ExitCode::from(failure.code)
        }
    }
}

/// An error and its causes in one line. Some errors quote their cause: it is not said twice.
fn line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string().replace(['\n', '\r'], " ");
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

/// Prints the result. Unlike `println!` it fails where nobody reads or the disk is full.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("standard output")
}
