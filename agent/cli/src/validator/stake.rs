//! Stake and its rewards.

use super::node::operator;
use crate::chain::{amounts, block_on, failed, unusable, Session};
use crate::wallet::balances::account;
use crate::Failure;
use anyhow::anyhow;
use serde_json::json;
use wattpool_schema::{ADDRESS_PREFIX, STAKING_DENOM};
use wattpool_wallet::address::{self, OPERATOR};
use wattpool_wallet::amount::{coin, show_coin, show_coins};
use wattpool_wallet::message;

/// Stakes, or takes back.
#[derive(clap::Args)]
pub struct Delegate {
    /// With whom: the validator's operator address, or the name of its operator's key.
    validator: String,
    /// How much, such as "100 stake".
    amount: String,
}

/// Moves stake.
#[derive(clap::Args)]
pub struct Redelegate {
    /// From which validator.
    source: String,
    /// To which.
    destination: String,
    /// How much, such as "100 stake".
    amount: String,
}

/// Rewards.
#[derive(clap::Subcommand)]
pub enum Rewards {
    /// Show what can be taken out.
    Show {
        /// Name of a key or an address; without it, --from.
        key: Option<String>,
    },
    /// Take the rewards of all stakes out.
    Withdraw {
        /// Of this validator only.
        #[arg(long, value_name = "ADDRESS")]
        validator: Option<String>,
        /// The validator's commission too.
        #[arg(long)]
        commission: bool,
    },
}

/// A validator's operator address, of a name too.
///
/// # Errors
/// It is neither.
pub fn validator(session: &Session, named: &str) -> Result<String, Failure> {
    if let Ok(info) = session.find(named) {
        return operator(&info.public.address(ADDRESS_PREFIX).map_err(unusable)?);
    }
    let prefix = format!("{ADDRESS_PREFIX}{OPERATOR}");
    address::with_prefix("validator", named, &prefix).map_err(unusable)?;
    Ok(named.to_owned())
}

fn amount(text: &str) -> Result<(u128, String), Failure> {
    let found = coin("amount", text).map_err(unusable)?;
    if found.1 != STAKING_DENOM || found.0 == 0 {
        return Err(Failure::input(anyhow!(
            "amount: expected some {STAKING_DENOM} (such as \"100 stake\"), found {text:?}"
        )));
    }
    Ok(found)
}

/// Stakes and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn delegate(session: &Session, args: &Delegate) -> Result<u8, Failure> {
    let (to, amount) = (validator(session, &args.validator)?, amount(&args.amount)?);
    let words = format!(
        "stake {} with {to}, where it can be slashed and comes back only after the unbonding time",
        show_coin(amount.0, &amount.1)
    );
    block_on(session.transact(&words, |from| {
        Ok(vec![message::delegate(from, &to, &amount)])
    }))
}

/// Takes back and prints what came of it.
///
/// # Errors
/// As [`delegate`].
pub fn undelegate(session: &Session, args: &Delegate) -> Result<u8, Failure> {
    let (from_whom, amount) = (validator(session, &args.validator)?, amount(&args.amount)?);
    let words = format!(
        "take {} back from {from_whom}; it earns nothing and is free after the unbonding time",
        show_coin(amount.0, &amount.1)
    );
    block_on(session.transact(&words, |from| {
        Ok(vec![message::undelegate(from, &from_whom, &amount)])
    }))
}

/// Moves and prints what came of it.
///
/// # Errors
/// As [`delegate`].
pub fn redelegate(session: &Session, args: &Redelegate) -> Result<u8, Failure> {
    let source = validator(session, &args.source)?;
    let destination = validator(session, &args.destination)?;
    let amount = amount(&args.amount)?;
    let words = format!(
        "move {} from {source} to {destination}; it cannot be moved on before the unbonding time",
        show_coin(amount.0, &amount.1)
    );
    block_on(session.transact(&words, |from| {
        Ok(vec![message::redelegate(
            from,
            &source,
            &destination,
            &amount,
        )])
    }))
}

/// Shows rewards or takes them out.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn rewards(session: &Session, rewards: &Rewards) -> Result<u8, Failure> {
    match rewards {
        Rewards::Show { key } => {
            let address = account(session, key.as_ref())?;
            block_on(async {
                let client = session.client().await?;
                let found = client.rpc().rewards(&address).await.map_err(failed)?;
                let own = operator(&address)?;
                let commission = match client.rpc().validator(&own).await.map_err(failed)? {
                    Some(_) => client.rpc().commission(&own).await.map_err(failed)?,
                    None => Vec::new(),
                };
                let list: Vec<_> = found
                    .iter()
                    .map(|(v, a)| json!({"validator": v, "amount": amounts(a)}))
                    .collect();
                session.answer(&json!({"address": address, "rewards": list, "commission": amounts(&commission)}), || {
                    let lines: String = found.iter().map(|(v, a)| format!("{v}  {}\n", show_coins(a))).collect();
                    format!("{lines}commission  {}\n", show_coins(&commission))
                })
            })
        }
        Rewards::Withdraw {
            validator: of,
            commission,
        } => {
            let of = of.as_deref().map(|v| validator(session, v)).transpose()?;
            let signer = session.signer()?.address;
            block_on(async {
                let from = match of {
                    Some(one) => vec![one],
                    None => {
                        let client = session.client().await?;
                        let found = client.rpc().rewards(&signer).await.map_err(failed)?;
                        found.into_iter().map(|(validator, _)| validator).collect()
                    }
                };
                if from.is_empty() && !commission {
                    return Err(Failure::from(anyhow!(
                        "{signer}: it has no stake, so no rewards"
                    )));
                }
                let with = if *commission {
                    " and the validator's commission"
                } else {
                    ""
                };
                let words = format!("take out the rewards of {} stakes{with}", from.len());
                session
                    .transact(&words, |signer| {
                        let mut messages: Vec<_> = from
                            .iter()
                            .map(|v| message::withdraw_rewards(signer, v))
                            .collect();
                        if *commission {
                            messages.push(message::withdraw_commission(&operator(signer)?));
                        }
                        Ok(messages)
                    })
                    .await
            })
        }
    }
}
