//! `wattpool-bench gas`: what the market's messages cost on a chain.

use crate::Failure;
use std::path::PathBuf;
use wattpool_conformance::gas::{measure, FEW};
use wattpool_testnet::built;

/// Measures on a wasmd of its own (`WATTPOOL_WASMD`, or what `testnet/build` built), which ends with the command.
#[derive(clap::Args)]
pub struct Args {
    /// Meters and trades of a large market that is filled up to see whether messages cost more in it (minutes); 0: none.
    #[arg(long, default_value_t = 10_000)]
    many: usize,
    /// Folder of the compiled contracts [default: $WATTPOOL_CONTRACTS, or where scripts/build-contracts leaves them].
    #[arg(long)]
    contracts: Option<PathBuf>,
    /// Keep everything measured in this file too, as JSON.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// Prints the tables.
///
/// # Errors
/// An argument is out of range (exit code 2), there is no wasmd, a contract is missing, or a message fails.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let many = (args.many > 0).then_some(args.many);
    let range = FEW.saturating_add(FEW)..=20_000;
    if many.is_some_and(|many| !range.contains(&many)) {
        return Err(Failure::input(anyhow::anyhow!(
            "--many {}: 0, or {} to {} were expected",
            args.many,
            range.start(),
            range.end()
        )));
    }
    let contracts = args.contracts.clone().unwrap_or_else(built::contracts);
    let report = measure(&contracts, many, &mut |doing| eprintln!("{doing}"))?;
    let json = format!("{}\n", serde_json::to_string_pretty(&report)?);
    if let Some(file) = &args.save {
        std::fs::write(file, &json)
            .map_err(|e| anyhow::anyhow!("{}: cannot be written: {e}", file.display()))?;
    }
    let text = if args.json { json } else { report.markdown()? };
    crate::print(&text)?;
    Ok(0)
}
