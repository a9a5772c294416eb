//! `wattpool admin migrate`: another code for the contracts, by whoever may, or by a vote.

use super::deploy::key;
use crate::chain::{block_on, failed, Session};
use crate::Failure;
use anyhow::anyhow;
use serde_json::{json, Value};
use std::path::PathBuf;
use std::sync::Arc;
use wattpool_ledger_wasmd::key::module_address;
use wattpool_ledger_wasmd::{Account, Market};
use wattpool_operator::deploy::{read_codes, upload};
use wattpool_wallet::message;

/// Migrates the contracts.
#[derive(clap::Args)]
pub struct Migrate {
    /// Folder of the new contracts and their checksums, as scripts/build-contracts makes it.
    #[arg(long, value_name = "DIR", default_value = "target/wasm-contracts")]
    contracts: PathBuf,
    /// Propose it to the chain's governance, which then votes (where governance is the code administrator).
    #[arg(long)]
    propose: bool,
    /// Only one of them: energy_token, energy_pool or trade_escrow.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Where to write the addresses file with the new codes; it becomes true once the migration is executed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Uploads what is new, and migrates or proposes to.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(session: &Session, args: &Migrate) -> Result<u8, Failure> {
    let market = session.market()?;
    let codes = read_codes(&args.contracts).map_err(failed)?;
    let signer = session.signer()?;
    let names: Vec<&str> = codes.iter().map(|c| c.name).collect();
    if let Some(only) = args.only.as_deref().filter(|only| !names.contains(only)) {
        return Err(Failure::input(anyhow!(
            "--only: expected one of {}, found {only:?}",
            names.join(", ")
        )));
    }
    let chosen = |name: &str| args.only.as_deref().is_none_or(|only| only == name);
    let places = [&market.token, &market.pool, &market.escrow];
    let changed: Vec<_> = codes
        .iter()
        .zip(places)
        .filter(|(code, place)| chosen(code.name) && hex::encode(code.checksum) != place.checksum)
        .collect();
    if changed.is_empty() {
        return session.answer(&json!({"migrated": []}), || {
            "the contracts have these codes already\n".to_owned()
        });
    }
    block_on(async {
        let client = session.client().await?;
        let mut found = Vec::new();
        let mut uploader = None;
        for (code, place) in &changed {
            let known = client.rpc().codes().await.map_err(failed)?;
            let id = match known.iter().find(|c| c.data_hash == code.checksum) {
                Some(known) => known.code_id,
                None => {
                    if session.options().dry_run || session.options().generate_only {
                        return Err(Failure::input(anyhow!(
                            "{}: its code is not on the chain yet: run without --dry-run and --generate-only to upload it, or upload it with another account",
                            code.name
                        )));
                    }
                    let Some(info) = &signer.info else {
                        return Err(Failure::input(anyhow!(
                            "--from: expected a key of this keystore"
                        )));
                    };
                    if uploader.is_none() {
                        session.confirm(&format!(
                            "This will upload the code of {} ({} bytes), signed by {}.",
                            code.name,
                            code.wasm.len(),
                            signer.address
                        ))?;
                        uploader = Some(Account::new(
                            Arc::clone(&client),
                            key(session, &info.name)?,
                            None,
                        ));
                    }
                    let Some(account) = &uploader else {
                        continue;
                    };
                    upload(account, code, &|step| eprintln!("{step}"))
                        .await
                        .map_err(failed)?
                }
            };
            found.push((
                code.name,
                place.address.clone(),
                id,
                hex::encode(code.checksum),
            ));
        }
        if let Some(out) = &args.out {
            updated(&market, &found).write(out).map_err(failed)?;
        }
        let list: Vec<String> = found
            .iter()
            .map(|(name, _, id, _)| format!("{name} to code {id}"))
            .collect();
        let list = list.join(", ");
        if args.propose {
            let authority = module_address("gov", &market.address_prefix).map_err(failed)?;
            let messages: Vec<Value> = found
                .iter()
                .map(|(_, address, id, _)| message::migrate(&authority, address, *id, json!({})))
                .collect();
            let deposit = client.rpc().proposal_deposit().await.map_err(failed)?;
            let title = "Migrate Wattpool's contracts";
            let summary = format!("Gives the market's contracts other codes: {list}. Check the codes with `wattpool validator verify-code`.");
            let words = format!("propose to the chain's governance to migrate {list}");
            return session
                .transact(&words, |from| {
                    Ok(vec![message::propose(
                        from, messages, &deposit, title, &summary,
                    )])
                })
                .await;
        }
        let words = format!(
            "migrate {list}: from then on the contracts are what the new codes make of them"
        );
        session
            .transact(&words, |from| {
                Ok(found
                    .iter()
                    .map(|(_, address, id, _)| message::migrate(from, address, *id, json!({})))
                    .collect())
            })
            .await
    })
}

fn updated(market: &Market, found: &[(&'static str, String, u64, String)]) -> Market {
    let mut market = market.clone();
    for place in [&mut market.token, &mut market.pool, &mut market.escrow] {
        if let Some((_, _, id, checksum)) = found
            .iter()
            .find(|(_, address, ..)| *address == place.address)
        {
            place.code_id = *id;
            place.checksum.clone_from(checksum);
            place.pinned = false;
        }
    }
    market
}
