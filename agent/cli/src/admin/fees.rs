//! Fee grants: an operator pays the agents' fees.

use crate::chain::{block_on, failed, time, unusable, Session};
use crate::wallet::balances::account;
use crate::wallet::history::{grant_line, grant_value};
use crate::{print, Failure};
use anyhow::anyhow;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use wattpool_ledger_wasmd::fee_grant::allowance;
use wattpool_wallet::amount::{money, show_money};
use wattpool_wallet::message;

/// Grants fees of contract calls, up to an amount.
#[derive(clap::Args)]
pub struct Grant {
    /// Whose fees: an agent's address.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// Most that it may spend, such as "5 watt".
    #[arg(long, value_name = "AMOUNT")]
    limit: String,
    /// When the grant ends: a time such as 2030-01-31T12:00:00Z, or Unix seconds; without it, it does not.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Replace a grant that stands, so that the whole limit can be spent again.
    #[arg(long)]
    top_up: bool,
}

/// Takes a grant back.
#[derive(clap::Args)]
pub struct Revoke {
    /// Whose fees: an agent's address.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
}

/// Lists grants.
#[derive(clap::Args)]
pub struct List {
    /// Who grants: name of a key or an address; without it, --from.
    key: Option<String>,
    /// Only those that end within so many days, or have less left than --below.
    #[arg(long, value_name = "DAYS")]
    soon: Option<u32>,
    /// What is too little, such as "0.5 watt".
    #[arg(long, value_name = "AMOUNT", requires = "soon")]
    below: Option<String>,
}

/// A time as RFC 3339 in UTC.
fn until(text: &str) -> Result<String, Failure> {
    let seconds = text
        .parse::<i64>()
        .ok()
        .and_then(|s| chrono::DateTime::from_timestamp(s, 0));
    let parsed = seconds.or_else(|| {
        chrono::DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|t| t.to_utc())
    });
    let time = parsed.ok_or_else(|| {
        Failure::input(anyhow!(
            "--until: expected a time such as 2030-01-31T12:00:00Z, found {text:?}"
        ))
    })?;
    Ok(time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

/// Grants and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn grant(session: &Session, args: &Grant) -> Result<u8, Failure> {
    let denom = session.denom()?;
    let to = session.resolve("--to", &args.to)?;
    let limit = money("--limit", &args.limit, &denom).map_err(unusable)?;
    let end = args.until.as_deref().map(until).transpose()?;
    let signer = session.signer()?;
    if limit.is_zero() {
        return Err(Failure::input(anyhow!(
            "--limit: expected more than nothing"
        )));
    }
    block_on(async {
        let mut stands = false;
        if !session.options().offline {
            let client = session.client().await?;
            stands = client
                .rpc()
                .has_fee_grant(&signer.address, &to)
                .await
                .map_err(failed)?;
        }
        if stands && !args.top_up {
            print(&if session.as_json() {
                format!("{}\n", json!({"granted_already": true, "to": to}))
            } else {
                format!("fees of {to}: granted already (--top-up replaces the grant)\n")
            })?;
            return Ok(0);
        }
        let ends = end
            .as_ref()
            .map_or_else(|| "without an end".to_owned(), |e| format!("until {e}"));
        let words = format!(
            "pay fees of {to} up to {}, {ends}",
            show_money(limit, &denom)
        );
        let coins = [(u128::from(limit.get()), denom.clone())];
        session
            .transact(&words, |from| {
                let mut messages = Vec::new();
                if stands {
                    messages.push(message::revoke_fees(from, &to));
                }
                messages.push(message::grant_fees(from, &to, &coins, end.as_deref()));
                Ok(messages)
            })
            .await
    })
}

/// Revokes and prints what came of it.
///
/// # Errors
/// As [`grant`].
pub fn revoke(session: &Session, args: &Revoke) -> Result<u8, Failure> {
    let to = session.resolve("--to", &args.to)?;
    let words = format!("pay fees of {to} no longer");
    block_on(session.transact(&words, |from| Ok(vec![message::revoke_fees(from, &to)])))
}

/// Lists and prints.
///
/// # Errors
/// The account is none (exit code 2), or no node answers.
pub fn list(session: &Session, args: &List) -> Result<u8, Failure> {
    let address = account(session, args.key.as_ref())?;
    let denom = session.denom()?;
    let below = args
        .below
        .as_deref()
        .map(|text| money("--below", text, &denom))
        .transpose()
        .map_err(unusable)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|e| anyhow!("clock: {e}"))?
        .as_secs();
    block_on(async {
        let client = session.client().await?;
        let mut grants = client.rpc().fee_grants_by(&address).await.map_err(failed)?;
        if let Some(days) = args.soon {
            let end = now.saturating_add(u64::from(days).saturating_mul(86_400));
            grants.retain(|grant| {
                let (limit, until) = allowance(grant);
                let left = limit.filter(|l| !l.is_empty()).map(|l| {
                    l.iter()
                        .filter(|(_, d)| *d == denom)
                        .map(|(a, _)| *a)
                        .sum::<u128>()
                });
                let little = below.is_some_and(|b| left.is_some_and(|l| l < u128::from(b.get())));
                until.is_some_and(|u| u <= end) || little
            });
        }
        let values: Vec<_> = grants.iter().map(grant_value).collect();
        session.answer(&values, || {
            let mut text: String = grants.iter().map(grant_line).collect();
            text.push_str(&format!(
                "{} grants of {address} at {}\n",
                grants.len(),
                time(now)
            ));
            text
        })
    })
}
