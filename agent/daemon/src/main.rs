//! `wattpool-agent`: the agent of a meter, and its owner's commands.
//!
//! stdout is the result, stderr the prose; exit codes are those of [`wattpool_program`].

mod beside;
mod client;
mod commands;
mod feed_in;
mod home_meter;
mod http;
mod keystore;
mod logs;
mod metrics;
mod notify;
mod passphrase;
mod process;
mod registered;
mod reload;
mod run;
mod status;

use clap::Parser;
use std::process::ExitCode;
use wattpool_program::{end, json, print, Failure, VERSION};

/// The agent of a meter: trades its home's surplus and need with the neighbours.
#[derive(Parser)]
#[command(name = "wattpool-agent", version = VERSION, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    metrics::begin();
    end("wattpool-agent", commands::run(&Cli::parse().command))
}
