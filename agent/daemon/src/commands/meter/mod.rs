//! `wattpool-agent meter`: what stands between a meter on the wall and a reading.

mod decode;
mod listening;
mod opening;
mod replaced;
mod scan;

use crate::Failure;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Meter {
    /// Print what the configured devices say, as they say it: a JSON line for each reading.
    Read(listening::Read),
    /// Listen to the configured devices for a minute and say what is right and what is wrong.
    Test(listening::Test),
    /// Decode what a meter said, from a file or standard input: a JSON line for each reading.
    Decode(decode::Args),
    /// Write the registers behind this meter's statements, so that somebody else can check its bill (wattpool audit bill). Whoever has the file knows what
    /// the home imported and exported in every window of it.
    Open(opening::Args),
    /// Go on at once with the meter that was put in the place of the old one: say it while the agent runs, when the new one is read.
    Replaced(replaced::Args),
    /// Show the SunSpec models of a device.
    Scan(scan::Args),
}

pub fn run(command: &Meter) -> Result<u8, Failure> {
    match command {
        Meter::Read(args) => listening::read(args),
        Meter::Test(args) => listening::test(args),
        Meter::Decode(args) => decode::run(args),
        Meter::Open(args) => opening::run(args),
        Meter::Replaced(args) => replaced::run(args),
        Meter::Scan(args) => scan::run(args),
    }
}
