//! `wattpool-testnet`: the command behind `testnet/up`, `down`, `status` and `reset`.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    wattpool_testnet::main(wattpool_testnet::Cli::parse())
}
