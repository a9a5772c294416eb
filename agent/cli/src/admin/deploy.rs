//! `wattpool admin deploy`.

use crate::chain::{block_on, failed, Session};
use crate::{print, Failure};
use anyhow::anyhow;
use std::path::PathBuf;
use wattpool_ledger_wasmd::{Deployed, Key, Market};
use wattpool_operator::deploy::{deploy, read_codes, DeploySettings, Deployment, EXAMPLE};
use wattpool_schema::ADDRESS_PREFIX;

/// Uploads, instantiates and connects the contracts, or what of it is missing, and writes the addresses file.
#[derive(clap::Args)]
#[command(after_help = "A settings file with every key: wattpool admin deploy --example")]
pub struct Args {
    /// Settings of the market.
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    settings: Option<PathBuf>,
    /// Folder of the contracts and their checksums, as scripts/build-contracts makes it.
    #[arg(long, value_name = "DIR", default_value = "target/wasm-contracts")]
    contracts: PathBuf,
    /// Key of a validator in this keystore, to vote for pinning the codes (repeat it): for a chain whose validators'
    /// keys are in one hand. Where they are not, each votes for itself (`wattpool validator vote`).
    #[arg(long, value_name = "KEY")]
    voter: Vec<String>,
    /// Where to write the addresses.
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    out: Option<PathBuf>,
    /// Print a settings file in which every key is explained, and do nothing.
    #[arg(long)]
    pub example: bool,
}

/// Prints a settings file.
///
/// # Errors
/// Standard output takes no more.
pub fn example() -> Result<u8, Failure> {
    print(EXAMPLE)?;
    Ok(0)
}

/// The signing key of a name, as the chain's adapter takes it.
pub fn key(session: &Session, name: &str) -> Result<Key, Failure> {
    let info = session.find(name)?;
    let secret = session.secret(&info.name)?;
    Key::from_bytes(secret.expose(), ADDRESS_PREFIX).map_err(failed)
}

/// Deploys and prints the addresses.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses a step.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let (Some(settings), Some(out)) = (&args.settings, &args.out) else {
        return example();
    };
    if session.options().generate_only || session.options().dry_run {
        return Err(Failure::input(anyhow!(
            "deploy: its steps follow from each other: neither --dry-run nor --generate-only"
        )));
    }
    let settings = DeploySettings::read(settings).map_err(failed)?;
    let codes = read_codes(&args.contracts).map_err(failed)?;
    let signer = session.signer()?;
    let Some(info) = signer.info else {
        return Err(Failure::input(anyhow!(
            "--from: expected a key of this keystore"
        )));
    };
    session.confirm(&format!(
        "This will deploy the market {:?} (or what of it is missing), signed by {}.",
        settings.name, signer.address
    ))?;
    let deployer = key(session, &info.name)?;
    let voters: Vec<Key> = args
        .voter
        .iter()
        .map(|name| key(session, name))
        .collect::<Result<_, _>>()?;
    let deployment = Deployment {
        deployer,
        voters,
        settings,
        codes,
    };
    let market = block_on(async {
        let client = session.client().await?;
        let tell = |step: &str| eprintln!("{step}");
        deploy(&client, deployment, &tell).await.map_err(failed)
    })?;
    market.write(out).map_err(failed)?;
    session.answer(&market, || summary(&market))
}

fn summary(market: &Market) -> String {
    let parts = [
        ("energy-token", &market.token),
        ("energy-pool", &market.pool),
        ("trade-escrow", &market.escrow),
    ];
    let line = |(name, c): &(&str, &Deployed)| {
        let pinned = if c.pinned { ", pinned" } else { "" };
        format!("{name:<13} {} (code {}{pinned})\n", c.address, c.code_id)
    };
    parts.iter().map(line).collect()
}
