//! `wattpool-agent meter`: what stands between a meter on the wall and a reading.

mod decode;

use crate::Failure;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Meter {
    /// Decode what a meter said, from a file or standard input: a JSON line for each reading.
    Decode(decode::Args),
}

pub fn run(command: &Meter) -> Result<u8, Failure> {
    match command {
        Meter::Decode(args) => decode::run(args),
    }
}
