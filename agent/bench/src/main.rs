//! `wattpool-bench`: what the machinery costs and how well it does, one file per measurement.
//!
//! stdout is the result, stderr the prose; exit codes are those of [`wattpool_program`].

mod commands;

use clap::Parser;
use std::process::ExitCode;
use wattpool_program::{end, print, Failure};

// The contracts' in-memory store allocates much: this halves the time of a transaction.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the machinery.
#[derive(Parser)]
#[command(name = "wattpool-bench", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    end("wattpool-bench", commands::run(&Cli::parse().command))
}
