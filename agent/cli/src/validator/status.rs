//! `wattpool validator status` and `list`.

use super::node::operator;
use super::stake::validator as named;
use crate::chain::{block_on, failed, time, unusable, Session};
use crate::Failure;
use anyhow::anyhow;
use serde_json::json;
use std::fmt::Write;
use wattpool_ledger_wasmd::proto::cosmos::crypto::ed25519::PubKey;
use wattpool_ledger_wasmd::proto::cosmos::staking::v1beta1::{BondStatus, Validator};
use wattpool_ledger_wasmd::proto::prost::Message;
use wattpool_schema::{ADDRESS_PREFIX, STAKING_DENOM};
use wattpool_wallet::address;
use wattpool_wallet::amount::show_coin;

/// Missed blocks, per cent of the window, from which the exit code is 1.
const MANY: u64 = 5;

/// Shows how a validator stands.
#[derive(clap::Args)]
pub struct Status {
    /// The validator's operator address, or the name of its operator's key; without it, --from.
    validator: Option<String>,
}

/// 18 decimals of the wire as a fraction for people.
fn fraction(wire: &str) -> String {
    let padded = format!("{wire:0>19}");
    let (whole, rest) = padded
        .split_at_checked(padded.len().saturating_sub(18))
        .unwrap_or((&padded, ""));
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{rest}")
    }
}

/// Address of a validator's consensus key.
fn consensus(validator: &Validator) -> Result<String, Failure> {
    let any = validator.consensus_pubkey.as_ref();
    let key = any.and_then(|any| PubKey::decode(any.value.as_slice()).ok());
    let key = key.ok_or_else(|| {
        Failure::from(anyhow!(
            "{}: its consensus key is of no known kind",
            validator.operator_address
        ))
    })?;
    let hash = address::truncated(&key.key);
    address::encode(&hash, &format!("{ADDRESS_PREFIX}{}", address::CONSENSUS)).map_err(unusable)
}

fn tokens(validator: &Validator) -> u128 {
    validator.tokens.parse().unwrap_or(0)
}

fn state(validator: &Validator) -> &'static str {
    match BondStatus::try_from(validator.status) {
        Ok(BondStatus::Bonded) => "bonded",
        Ok(BondStatus::Unbonding) => "unbonding",
        Ok(BondStatus::Unbonded) => "unbonded",
        _ => "unknown",
    }
}

/// Lists and prints.
///
/// # Errors
/// No node answers.
pub fn list(session: &Session) -> Result<u8, Failure> {
    block_on(async {
        let client = session.client().await?;
        let mut all = client.rpc().validators().await.map_err(failed)?;
        all.sort_by_key(|v| std::cmp::Reverse(tokens(v)));
        let name = |v: &Validator| {
            v.description
                .as_ref()
                .map(|d| d.moniker.clone())
                .unwrap_or_default()
        };
        let values: Vec<_> = all
            .iter()
            .map(|v| json!({"operator": v.operator_address, "moniker": name(v), "status": state(v), "jailed": v.jailed, "stake": v.tokens}))
            .collect();
        session.answer(&values, || {
            all.iter()
                .map(|v| {
                    let jailed = if v.jailed { ", jailed" } else { "" };
                    format!(
                        "{:<16} {}  {}{jailed}  {}\n",
                        name(v),
                        v.operator_address,
                        state(v),
                        show_coin(tokens(v), STAKING_DENOM)
                    )
                })
                .collect()
        })
    })
}

/// Shows and prints; exit code 1 while many blocks are missed, 3 when the validator does not sign.
///
/// # Errors
/// There is no such validator, or no node answers.
pub fn run(session: &Session, args: &Status) -> Result<u8, Failure> {
    let of = match &args.validator {
        Some(name) => named(session, name)?,
        None => operator(&session.signer()?.address)?,
    };
    block_on(async {
        let client = session.client().await?;
        let rpc = client.rpc();
        let all = rpc.validators().await.map_err(failed)?;
        let Some(validator) = all.iter().find(|v| v.operator_address == of) else {
            return Err(Failure::from(anyhow!(
                "{of}: there is no such validator on chain {}",
                client.chain_id()
            )));
        };
        let rank = all
            .iter()
            .filter(|v| tokens(v) > tokens(validator))
            .count()
            .saturating_add(1);
        let consensus = consensus(validator)?;
        let signing = rpc.signing(&consensus).await.map_err(failed)?;
        let params = rpc.slashing().await.map_err(failed)?;
        let window = u64::try_from(params.signed_blocks_window).unwrap_or(0);
        let missed = signing
            .as_ref()
            .map_or(0, |s| u64::try_from(s.missed_blocks_counter).unwrap_or(0));
        let tombstoned = signing.as_ref().is_some_and(|s| s.tombstoned);
        let until = signing
            .as_ref()
            .and_then(|s| s.jailed_until.as_ref())
            .and_then(|t| u64::try_from(t.seconds).ok());
        let account = address::parse("operator", &of).map_err(unusable)?.bytes;
        let account = address::encode(&account, ADDRESS_PREFIX).map_err(unusable)?;
        let own = rpc.delegations(&account).await.map_err(failed)?;
        let own = own
            .iter()
            .filter(|d| {
                d.delegation
                    .as_ref()
                    .is_some_and(|d| d.validator_address == of)
            })
            .filter_map(|d| d.balance.as_ref()?.amount.parse::<u128>().ok())
            .fold(0_u128, u128::saturating_add);
        let delegated = tokens(validator).saturating_sub(own);
        let rate = validator
            .commission
            .as_ref()
            .and_then(|c| c.commission_rates.as_ref())
            .map_or_else(String::new, |r| fraction(&r.rate));
        let signs = state(validator) == "bonded" && !validator.jailed;
        let many = window != 0 && missed.saturating_mul(100) >= window.saturating_mul(MANY);
        let code = match (signs, many) {
            (false, _) => 3,
            (true, true) => 1,
            (true, false) => 0,
        };
        let moniker = validator
            .description
            .as_ref()
            .map(|d| d.moniker.clone())
            .unwrap_or_default();
        let value = json!({
            "operator": of, "account": account, "consensus": consensus, "moniker": moniker, "status": state(validator),
            "jailed": validator.jailed, "jailed_until": until.filter(|_| validator.jailed), "tombstoned": tombstoned, "signing": signs,
            "missed_blocks": missed, "window_blocks": window, "rank": rank, "validators": all.len(), "commission": rate,
            "own_stake": own.to_string(), "delegated_stake": delegated.to_string(),
        });
        session.answer(&value, || {
            let mut text = format!("{moniker} ({of})\n");
            let word = if signs { "signs" } else { "does NOT sign" };
            writeln!(text, "  state      {}, {word}", state(validator)).ok();
            if validator.jailed {
                let end = until.map_or_else(String::new, |u| {
                    format!(", can be unjailed from {}", time(u))
                });
                writeln!(
                    text,
                    "  jailed     yes{}{end}",
                    if tombstoned {
                        ", for good (it signed twice)"
                    } else {
                        ""
                    }
                )
                .ok();
            }
            writeln!(text, "  missed     {missed} of the last {window} blocks").ok();
            writeln!(text, "  rank       {rank} of {}", all.len()).ok();
            writeln!(
                text,
                "  stake      {} own, {} delegated",
                show_coin(own, STAKING_DENOM),
                show_coin(delegated, STAKING_DENOM)
            )
            .ok();
            writeln!(text, "  commission {rate}\n  node key   {consensus}").ok();
            text
        })?;
        Ok(code)
    })
}
