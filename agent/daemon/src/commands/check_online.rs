//! What the chain says of a configuration: nodes, proofs, registration, keys, balance and fee grant.

use super::check_config::noted;
use crate::keystore::Keystore;
use crate::passphrase;
use crate::registered::PublicKeys;
use anyhow::{anyhow, bail, Context, Result};
use std::fmt::Write;
use std::sync::Arc;
use wattpool_daemon::config::Config;
use wattpool_ledger_wasmd::proof::Prover;
use wattpool_ledger_wasmd::{Account, Client, Key, Market, WasmdLedger};
use wattpool_schema::pool::{MeterResponse, QueryMsg};

/// What was found: lines for people, and what is wrong.
#[derive(Default)]
pub struct Found {
    pub text: String,
    pub wrong: Vec<String>,
}

impl Found {
    fn line(&mut self, name: &str, value: &str) {
        // A string takes everything.
        let _ = writeln!(self.text, "{name:<10}{value}");
    }
}

/// Asks the chain.
///
/// # Errors
/// The keys cannot be opened, or the system refuses a runtime.
pub fn run(config: &Config, market: &Market) -> Result<Found> {
    let passphrase = passphrase::get(&config.keys.passphrase_file)?;
    let keystore = Keystore::open(&config.keys.file, passphrase)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(ask(config, market, &keystore))
}

async fn ask(config: &Config, market: &Market, keystore: &Keystore) -> Result<Found> {
    let mut found = Found::default();
    let settings = config.chain.settings(market).map_err(|e| anyhow!(e))?;
    let client = match Client::connect(settings).await {
        Ok(client) => Arc::new(client),
        Err(error) => {
            found.wrong.push(error.to_string());
            return Ok(found);
        }
    };
    nodes(&client, &mut found).await;
    let wrong = &mut found.wrong;
    let proven = proofs(config, market, &client).await.context("proofs");
    let proven = noted(proven, wrong);
    let registered = registration(config, market, &client, keystore).await;
    let registered = noted(registered.context("registration"), wrong);
    let key = || Key::from_bytes(&keystore.agent, &market.address_prefix);
    let granter = Some(config.chain.fee_granter.clone()).filter(|g| !g.is_empty());
    let fees = noted(fees(&client, key()?, granter.clone()).await, wrong);
    let open = WasmdLedger::new(Arc::clone(&client), market.clone(), key()?, granter);
    let ours = noted(open.await.map(|_| ()).context("market"), wrong);
    for (name, line) in [("proofs", proven), ("meter", registered), ("fees", fees)] {
        if let Some(line) = line {
            found.line(name, &line);
        }
    }
    if ours.is_some() {
        found.line("market", "the contracts are those of the addresses file");
    }
    Ok(found)
}

async fn nodes(client: &Client, found: &mut Found) {
    client.rpc().look(true).await;
    let (nodes, dispute) = client.rpc().nodes();
    for node in nodes {
        match &node.fault {
            Some(fault) => found.wrong.push(format!("node {}: {fault}", node.address)),
            None => {
                let (first, last) = (node.earliest.unwrap_or(0), node.height.unwrap_or(0));
                let line = format!("{}: blocks {first} to {last}", node.address);
                found.line("node", &line);
            }
        }
    }
    if let Some(dispute) = dispute {
        found.wrong.push(format!(
            "the nodes contradict each other about block {}: {}",
            dispute.height,
            dispute.hashes.join(", ")
        ));
    }
}

/// Goes on from the trusted block, and proves what the contracts run.
async fn proofs(config: &Config, market: &Market, client: &Arc<Client>) -> Result<String> {
    let Some(trust) = config.chain.trust(market) else {
        return Ok("none: no trusted block is named, what the nodes tell is believed".to_owned());
    };
    let kept = config.storage.file.with_extension("verified.json");
    let kept = Some(kept).filter(|file| file.is_file());
    let prover = Prover::new(Arc::clone(client), trust, market.window_seconds, kept);
    let head = prover.head().await?;
    prover.contract(&market.pool).await?;
    prover.contract(&market.escrow).await?;
    Ok(format!(
        "block {} is verified, and the contracts run the codes of the addresses file",
        head.height()
    ))
}

async fn registration(
    config: &Config,
    market: &Market,
    client: &Client,
    keystore: &Keystore,
) -> Result<String> {
    let meter = config.meter.id;
    let question = QueryMsg::Meter { meter };
    let found: MeterResponse = client.rpc().smart(&market.pool.address, &question).await?;
    let keys = PublicKeys {
        agent: keystore.signer.agent(),
        device: keystore.signer.device(),
    };
    keys.check(meter, &found)?;
    Ok(format!(
        "registered in zone {}, with this agent and this device",
        found.zone
    ))
}

async fn fees(client: &Arc<Client>, key: Key, granter: Option<String>) -> Result<String> {
    let address = key.address().to_owned();
    let payer = granter.clone();
    let account = Account::new(Arc::clone(client), key, granter);
    let left = account.fees_left().await?;
    let rpc = client.rpc();
    if let Some(payer) = &payer {
        if !rpc.has_fee_grant(payer, &address).await? {
            bail!("fees: {payer} pays none of {address}: there is no fee grant");
        }
    }
    let from = payer.map_or_else(|| address.clone(), |p| format!("{p}, by its grant"));
    match left {
        Some(0) => bail!("fees: nothing is left of {from}"),
        Some(left) => Ok(format!(
            "{left} {} are left of {from}",
            client.settings().gas_price.denom
        )),
        None => Ok(format!("without a bound, of {from}")),
    }
}
