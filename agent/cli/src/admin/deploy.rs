//! `wattpool admin deploy`.

use crate::on_chain::{block_on, failed, read_key, ChainArgs};
use crate::{print, Failure};
use std::path::PathBuf;
use wattpool_ledger_wasmd::{Key, Market};
use wattpool_operator::deploy::{deploy, read_codes, DeploySettings, Deployment, EXAMPLE};

/// Uploads, instantiates and connects the contracts, or what of it is missing, and writes the addresses file.
#[derive(clap::Args)]
#[command(after_help = "A settings file with every key: wattpool admin deploy --example")]
pub struct Args {
    #[command(flatten)]
    chain: Option<ChainArgs>,
    /// Settings of the market.
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    settings: Option<PathBuf>,
    /// Folder of the contracts and their checksums, as scripts/build-contracts makes it.
    #[arg(long, value_name = "DIR", default_value = "target/wasm-contracts")]
    contracts: PathBuf,
    /// Key file of a validator, to vote for pinning the codes (repeat it).
    #[arg(long, value_name = "FILE")]
    voter_key: Vec<PathBuf>,
    /// Where to write the addresses.
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    out: Option<PathBuf>,
    /// Print the addresses as JSON.
    #[arg(long)]
    json: bool,
    /// Print a settings file in which every key is explained, and do nothing.
    #[arg(long, exclusive = true)]
    example: bool,
}

/// Deploys and prints the addresses.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses a step.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let (Some(chain), Some(settings), Some(out)) = (&args.chain, &args.settings, &args.out) else {
        print(EXAMPLE)?;
        return Ok(0);
    };
    let settings = DeploySettings::read(settings).map_err(failed)?;
    let codes = read_codes(&args.contracts).map_err(failed)?;
    let deployer = chain.key()?;
    let voters: Vec<Key> = args
        .voter_key
        .iter()
        .map(|path| read_key(path))
        .collect::<Result<_, _>>()?;
    let deployment = Deployment {
        deployer,
        voters,
        settings,
        codes,
    };
    let market = block_on(async {
        let client = chain.connect(None).await.map_err(failed)?;
        let tell = |step: &str| eprintln!("{step}");
        deploy(&client, deployment, &tell).await.map_err(failed)
    })?;
    market.write(out).map_err(failed)?;
    print(&if args.json {
        format!("{}\n", serde_json::to_string(&market)?)
    } else {
        summary(&market)
    })?;
    Ok(0)
}

fn summary(market: &Market) -> String {
    let parts = [
        ("energy-token", &market.token),
        ("energy-pool", &market.pool),
        ("trade-escrow", &market.escrow),
    ];
    let line = |(name, c): &(&str, &wattpool_ledger_wasmd::Deployed)| {
        let pinned = if c.pinned { ", pinned" } else { "" };
        format!("{name:<13} {} (code {}{pinned})\n", c.address, c.code_id)
    };
    parts.iter().map(line).collect()
}
