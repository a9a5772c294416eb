//! `wattpool-bench settle`: how many settles a chain takes, and how long one takes.

use crate::Failure;
use std::path::PathBuf;
use wattpool_conformance::load::{run as load, Load, LONGEST_S};
use wattpool_testnet::built;

/// Loads wasmd networks of its own (`WATTPOOL_WASMD`, or what `testnet/build` built), which end with the command.
#[derive(clap::Args)]
pub struct Args {
    /// Numbers of validators, 1 to 16.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4])]
    validators: Vec<u16>,
    /// Pairs of meters that trade at the same time, 1 to 100.
    #[arg(long, default_value_t = 40)]
    pairs: usize,
    /// Seconds that settles are sent.
    #[arg(long, default_value_t = LONGEST_S)]
    seconds: u32,
    /// Folder of the compiled contracts [default: $WATTPOOL_CONTRACTS, or where scripts/build-contracts leaves them].
    #[arg(long)]
    contracts: Option<PathBuf>,
    /// Print JSON lines instead of a table.
    #[arg(long)]
    json: bool,
}

/// Prints a row for each network.
///
/// # Errors
/// An argument is out of range (exit code 2), there is no wasmd, a contract is missing, or the set-up fails.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let contracts = args.contracts.clone().unwrap_or_else(built::contracts);
    let loads = args.validators.iter().map(|validators| Load {
        validators: *validators,
        pairs: args.pairs,
        seconds: args.seconds,
    });
    let loads: Vec<Load> = loads.collect();
    for load in &loads {
        load.check().map_err(Failure::input)?;
    }
    if !args.json {
        crate::print(
            "| validators | pairs | settles | refused | seconds | settles/s | p50 ms | p95 ms | blocks |\n|---|---|---|---|---|---|---|---|---|\n",
        )?;
    }
    for one in loads {
        let done = load(one, &contracts)?;
        let line = if args.json {
            serde_json::to_string(&done)?
        } else {
            format!(
                "| {} | {} | {} | {} | {:.1} | {:.1} | {} | {} | {} |",
                done.validators,
                done.pairs,
                done.settles,
                done.refused,
                done.seconds,
                done.settles_per_second,
                done.p50_ms,
                done.p95_ms,
                done.blocks
            )
        };
        crate::print(&format!("{line}\n"))?;
    }
    Ok(0)
}
