//! `wattpool wallet balances`: everything an account has, where it has it.

use crate::chain::{amounts, block_on, failed, time, unusable, Session};
use crate::Failure;
use serde::de::DeserializeOwned;
use serde_json::{json, Value};
use std::fmt::Write;
use wattpool_ledger_wasmd::proto::cosmos::staking::v1beta1::UnbondingDelegation;
use wattpool_ledger_wasmd::{Client, Market};
use wattpool_schema::escrow::{self, AccountResponse};
use wattpool_schema::pool::{self, FeedInResponse};
use wattpool_schema::token::{self, HoldingResponse};
use wattpool_schema::STAKING_DENOM;
use wattpool_wallet::address;
use wattpool_wallet::amount::{show_coin, show_coins, show_energy, show_money};

/// Shows what an account holds.
#[derive(clap::Args)]
pub struct Balances {
    /// Name of a key or an address; without it, --from.
    key: Option<String>,
}

/// The account that a command is about.
///
/// # Errors
/// It is neither a key nor an address.
pub fn account(session: &Session, named: Option<&String>) -> Result<String, Failure> {
    match named {
        Some(named) => session.resolve("account", named),
        None => Ok(session.signer()?.address),
    }
}

/// Asks one of the market's contracts.
///
/// # Errors
/// No answer.
pub async fn ask<T: DeserializeOwned>(
    client: &Client,
    contract: &str,
    question: &impl serde::Serialize,
) -> Result<T, Failure> {
    client.rpc().smart(contract, question).await.map_err(failed)
}

/// Stake that is on its way back: amount and Unix time of arrival.
fn arriving(all: &[UnbondingDelegation]) -> Vec<(u128, u64)> {
    let entries = all.iter().flat_map(|u| &u.entries);
    entries
        .map(|e| {
            let at = e.completion_time.as_ref().map_or(0, |t| t.seconds);
            (
                e.balance.parse().unwrap_or(0),
                u64::try_from(at).unwrap_or(0),
            )
        })
        .collect()
}

/// Asks and prints.
///
/// # Errors
/// The account is none (exit code 2), or no node answers.
pub fn run(session: &Session, args: &Balances) -> Result<u8, Failure> {
    let address = account(session, args.key.as_ref())?;
    let market = session.named_market()?;
    block_on(async {
        let client = session.client().await?;
        let rpc = client.rpc();
        let bank = rpc.balances(&address).await.map_err(failed)?;
        let staked = rpc.delegations(&address).await.map_err(failed)?;
        let staked: Vec<(u128, String, String)> = staked
            .into_iter()
            .filter_map(|d| {
                let coin = d.balance?;
                Some((
                    coin.amount.parse().ok()?,
                    coin.denom,
                    d.delegation?.validator_address,
                ))
            })
            .collect();
        let rewards = rpc.rewards(&address).await.map_err(failed)?;
        let unbonding = arriving(&rpc.unbonding(&address).await.map_err(failed)?);
        let bytes = address::parse("account", &address).map_err(unusable)?.bytes;
        let operator =
            address::operator(&bytes, wattpool_schema::ADDRESS_PREFIX).map_err(unusable)?;
        let commission = match rpc.validator(&operator).await.map_err(failed)? {
            Some(_) => rpc.commission(&operator).await.map_err(failed)?,
            None => Vec::new(),
        };
        let mut value = json!({
            "address": address,
            "bank": amounts(&bank),
            "stake": staked.iter().map(|(a, d, v)| json!({"amount": a.to_string(), "denom": d, "validator": v})).collect::<Vec<_>>(),
            "unbonding": unbonding.iter().map(|(a, at)| json!({"amount": a.to_string(), "denom": STAKING_DENOM, "at": at})).collect::<Vec<_>>(),
            "rewards": rewards.iter().map(|(v, a)| json!({"validator": v, "amount": amounts(a)})).collect::<Vec<_>>(),
            "commission": amounts(&commission),
        });
        let mut text = format!("{address}\n  bank       {}\n", show_coins(&bank));
        for (amount, denom, validator) in &staked {
            writeln!(
                text,
                "  stake      {} with {validator}",
                show_coin(*amount, denom)
            )
            .ok();
        }
        for (amount, at) in &unbonding {
            writeln!(
                text,
                "  unbonding  {} until {}",
                show_coin(*amount, STAKING_DENOM),
                time(*at)
            )
            .ok();
        }
        for (validator, amount) in rewards.iter().filter(|(_, a)| !a.is_empty()) {
            writeln!(text, "  rewards    {} from {validator}", show_coins(amount)).ok();
        }
        if !commission.is_empty() {
            writeln!(text, "  commission {}", show_coins(&commission)).ok();
        }
        if let Some(market) = market {
            let (more, lines) = in_market(&client, &market, &address).await?;
            text.push_str(&lines);
            if let Some(object) = value.as_object_mut() {
                object.insert("market".to_owned(), more);
            }
        }
        session.answer(&value, || text)
    })
}

/// What an account has in a market: as JSON and as lines.
///
/// # Errors
/// No answer.
pub async fn in_market(
    client: &Client,
    market: &Market,
    address: &str,
) -> Result<(Value, String), Failure> {
    let owner = address.to_owned();
    let money: AccountResponse = ask(
        client,
        &market.escrow.address,
        &escrow::QueryMsg::Account {
            owner: owner.clone(),
        },
    )
    .await?;
    let energy: HoldingResponse = ask(
        client,
        &market.token.address,
        &token::QueryMsg::Holding {
            address: owner.clone(),
        },
    )
    .await?;
    let feed_in: FeedInResponse = ask(
        client,
        &market.pool.address,
        &pool::QueryMsg::FeedIn {
            owner,
            start_after: None,
            limit: Some(100),
        },
    )
    .await?;
    let denom = &market.denom;
    // What was metered in a window is traded while the next one runs.
    let expires = energy.window.next().end(market.window_seconds).get();
    let late = feed_in
        .late
        .iter()
        .fold(0_u64, |sum, l| sum.saturating_add(l.wh.get()));
    let text = format!(
        "  escrow     {} free, {} locked in orders\n  energy     {} own, {} received (metered in window {}, expires {})\n  feed-in    {} owed, {} held, {} paid so far, {} late and not claimed\n",
        show_money(money.free, denom), show_money(money.locked, denom), show_energy(energy.own), show_energy(energy.received),
        energy.window, time(expires), show_money(feed_in.owed, denom), show_money(feed_in.held, denom), show_money(feed_in.paid, denom), show_energy(wattpool_schema::Wh(late)),
    );
    let value =
        json!({"escrow": money, "energy": energy, "energy_expires": expires, "feed_in": feed_in});
    Ok((value, text))
}
