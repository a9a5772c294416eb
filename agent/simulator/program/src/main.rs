//! `wattpool-simulate`: what `wattpool simulate` does, built without wallet and chain.
//!
//! stdout is the result, stderr the prose; exit codes are those of [`wattpool_program`].

use clap::Parser;
use std::process::ExitCode;
use wattpool_program::{end, VERSION};

// The contracts' in-memory store allocates much: this halves the time of a transaction.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Let a neighbourhood trade on a virtual clock, with the real agents and contracts.
#[derive(Parser)]
#[command(name = "wattpool-simulate", version = VERSION, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    args: wattpool_simulate::Args,
}

fn main() -> ExitCode {
    end("wattpool", wattpool_simulate::run(&Cli::parse().args))
}
