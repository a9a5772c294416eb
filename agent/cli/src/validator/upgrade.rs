//! Upgrades of the chain's program: proposed, given up, looked at.

use super::governance::{propose, Proposed};
use crate::chain::{block_on, failed, unusable, Session};
use crate::Failure;
use anyhow::anyhow;
use serde_json::json;
use wattpool_ledger_wasmd::key::module_address;
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_wallet::amount::coins;
use wattpool_wallet::message;

/// What the chain takes of a plan at most, in bytes of name and of info.
const LONGEST: (usize, usize) = (140, 10_000);

/// What every proposal takes.
#[derive(clap::Args)]
pub struct About {
    /// How much to deposit, such as "10 stake"; without it, the least that the chain takes.
    #[arg(long, value_name = "AMOUNT")]
    deposit: Option<String>,
    /// What voters read.
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
}

/// Proposes an upgrade.
#[derive(clap::Args)]
pub struct Upgrade {
    /// Its name, as the new program calls it.
    name: String,
    /// The block before which every node halts until it runs the new program; after the vote's end.
    #[arg(long, value_name = "HEIGHT")]
    upgrade_height: u64,
    /// Where the new program is, with its checksum; cosmovisor takes {"binaries": {"linux/amd64": "https://…?checksum=sha256:…"}}.
    #[arg(long, value_name = "TEXT", default_value = "")]
    upgrade_info: String,
    #[command(flatten)]
    about: About,
}

async fn deposit(session: &Session, about: &About) -> Result<Vec<(u128, String)>, Failure> {
    match &about.deposit {
        Some(given) => coins("--deposit", given).map_err(unusable),
        None if session.options().offline => Err(Failure::input(anyhow!(
            "--offline: no node tells the least deposit: expected --deposit AMOUNT"
        ))),
        None => {
            let client = session.client().await?;
            client.rpc().proposal_deposit().await.map_err(failed)
        }
    }
}

fn authority() -> Result<String, Failure> {
    module_address("gov", ADDRESS_PREFIX).map_err(failed)
}

/// Proposes an upgrade and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn submit(session: &Session, args: &Upgrade) -> Result<u8, Failure> {
    let (name, info, height) = (args.name.trim(), &args.upgrade_info, args.upgrade_height);
    let (longest_name, longest_info) = LONGEST;
    if name.is_empty() || name.len() > longest_name {
        return Err(Failure::input(anyhow!(
            "NAME: expected the upgrade's name of 1 to {longest_name} bytes, found {}",
            name.len()
        )));
    }
    if info.len() > longest_info {
        return Err(Failure::input(anyhow!(
            "--upgrade-info: expected {longest_info} bytes at most, found {}",
            info.len()
        )));
    }
    block_on(async {
        if !session.options().offline {
            let client = session.client().await?;
            let now = client.rpc().status().await.map_err(failed)?;
            let now = now.sync_info.latest_block_height;
            if height <= now {
                return Err(Failure::input(anyhow!(
                    "--upgrade-height {height}: the chain is at block {now}; expected one after the vote's end"
                )));
            }
        }
        let summary = args.about.summary.clone();
        let proposal = Proposed {
            what: format!("upgrade the chain's program to {name:?} (every node halts before block {height} until it runs that)"),
            title: format!("Upgrade to {name}"),
            summary: summary.unwrap_or_else(|| {
                format!("Before block {height} every node is to run the program with upgrade {name}.")
            }),
            deposit: deposit(session, &args.about).await?,
        };
        propose(
            session,
            &proposal,
            message::upgrade(&authority()?, name, height, info),
        )
        .await
    })
}

/// Proposes to give up the planned upgrade and prints what came of it.
///
/// # Errors
/// No upgrade is planned, the input is wrong (exit code 2), or the chain refuses.
pub fn cancel(session: &Session, args: &About) -> Result<u8, Failure> {
    block_on(async {
        let planned = if session.options().offline {
            String::new()
        } else {
            let client = session.client().await?;
            let plan = client.rpc().upgrade_plan().await.map_err(failed)?;
            let plan = plan.ok_or_else(|| Failure::from(anyhow!("no upgrade is planned")))?;
            format!(" {:?} before block {}", plan.name, plan.height)
        };
        let proposal = Proposed {
            what: format!("give up the planned upgrade{planned}"),
            title: "Give up the planned upgrade".to_owned(),
            summary: args.summary.clone().unwrap_or_else(|| {
                "The chain does not halt for the upgrade that is planned.".to_owned()
            }),
            deposit: deposit(session, args).await?,
        };
        propose(session, &proposal, message::cancel_upgrade(&authority()?)).await
    })
}

/// Shows the planned upgrade.
///
/// # Errors
/// No node answers.
pub fn show(session: &Session) -> Result<u8, Failure> {
    block_on(async {
        let client = session.client().await?;
        let plan = client.rpc().upgrade_plan().await.map_err(failed)?;
        let now = client.rpc().status().await.map_err(failed)?;
        let now = now.sync_info.latest_block_height;
        let value = plan
            .as_ref()
            .map(|p| json!({"name": p.name, "height": p.height, "info": p.info, "now": now}));
        session.answer(&value, || match &plan {
            None => "no upgrade is planned\n".to_owned(),
            Some(plan) => {
                let left = u64::try_from(plan.height).unwrap_or(0).saturating_sub(now);
                let info = if plan.info.is_empty() {
                    String::new()
                } else {
                    format!("  {}\n", plan.info)
                };
                format!(
                    "upgrade {:?}: every node halts before block {}, in {left} blocks\n{info}",
                    plan.name, plan.height
                )
            }
        })
    })
}
