//! A validator: made, edited, unjailed.

use crate::chain::{block_on, unusable, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::Value;
use std::path::PathBuf;
use wattpool_schema::{ADDRESS_PREFIX, STAKING_DENOM};
use wattpool_wallet::address;
use wattpool_wallet::amount::{coin, show_coin};
use wattpool_wallet::message::{self, Description, NewValidator};

/// What leaves a line of the description as it is.
const UNCHANGED: &str = "[do-not-modify]";

/// Makes a validator.
#[derive(clap::Args)]
pub struct Create {
    /// Stake of its own to begin with, such as "100 stake".
    #[arg(long, value_name = "AMOUNT")]
    amount: String,
    /// The node's consensus key: JSON as `wasmd comet show-validator` prints it, or a file with it.
    #[arg(long, value_name = "JSON|FILE")]
    pubkey: String,
    /// Its name.
    #[arg(long, value_name = "TEXT")]
    moniker: String,
    /// Where its identity can be checked.
    #[arg(long, value_name = "TEXT", default_value = "")]
    identity: String,
    /// Its site.
    #[arg(long, value_name = "URL", default_value = "")]
    website: String,
    /// Whom to write to when something is wrong.
    #[arg(long, value_name = "TEXT", default_value = "")]
    security_contact: String,
    /// Anything else.
    #[arg(long, value_name = "TEXT", default_value = "")]
    details: String,
    /// Commission on delegators' rewards, a fraction such as 0.1.
    #[arg(long, value_name = "FRACTION", default_value = "0.1")]
    commission_rate: String,
    /// Most that the commission can ever be.
    #[arg(long, value_name = "FRACTION", default_value = "0.2")]
    commission_max_rate: String,
    /// Most that it can rise in a day.
    #[arg(long, value_name = "FRACTION", default_value = "0.01")]
    commission_max_change_rate: String,
    /// Least stake of its own, such as "1 stake"; below it the validator is jailed.
    #[arg(long, value_name = "AMOUNT", default_value = "0.000001 stake")]
    min_self_delegation: String,
}

/// Changes a validator; what is not named stays.
#[derive(clap::Args)]
pub struct Edit {
    /// Its name.
    #[arg(long, value_name = "TEXT")]
    moniker: Option<String>,
    /// Where its identity can be checked.
    #[arg(long, value_name = "TEXT")]
    identity: Option<String>,
    /// Its site.
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// Whom to write to when something is wrong.
    #[arg(long, value_name = "TEXT")]
    security_contact: Option<String>,
    /// Anything else.
    #[arg(long, value_name = "TEXT")]
    details: Option<String>,
    /// Commission, a fraction such as 0.1; once a day at most.
    #[arg(long, value_name = "FRACTION")]
    commission_rate: Option<String>,
    /// Least stake of its own; it can only be raised.
    #[arg(long, value_name = "AMOUNT")]
    min_self_delegation: Option<String>,
}

/// The operator's address of an account.
///
/// # Errors
/// The account is none.
pub fn operator(account: &str) -> Result<String, Failure> {
    let bytes = address::with_prefix("account", account, ADDRESS_PREFIX).map_err(unusable)?;
    address::operator(&bytes, ADDRESS_PREFIX).map_err(unusable)
}

fn consensus_key(given: &str) -> Result<[u8; 32], Failure> {
    let text = if given.trim_start().starts_with('{') {
        given.to_owned()
    } else {
        std::fs::read_to_string(PathBuf::from(given))
            .with_context(|| format!("--pubkey {given}"))
            .map_err(Failure::input)?
    };
    let bad = || {
        Failure::input(anyhow!("--pubkey: expected such as {{\"@type\":\"/cosmos.crypto.ed25519.PubKey\",\"key\":\"…\"}}"))
    };
    let value: Value = serde_json::from_str(&text).map_err(|_| bad())?;
    // A node's priv_validator_key.json holds it too, beside the secret, which is not read.
    let value = value.get("pub_key").cloned().unwrap_or(value);
    let kind = value
        .get("@type")
        .or_else(|| value.get("type"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let known = [wattpool_wallet::key::ED25519, "tendermint/PubKeyEd25519"];
    let key = value
        .get("key")
        .or_else(|| value.get("value"))
        .and_then(Value::as_str);
    let bytes = key
        .filter(|_| known.contains(&kind))
        .and_then(|k| STANDARD.decode(k).ok());
    bytes.and_then(|b| b.try_into().ok()).ok_or_else(bad)
}

/// A fraction of at most 1, as given.
fn fraction(what: &str, text: &str) -> Result<String, Failure> {
    let bad = || {
        Failure::input(anyhow!(
            "{what}: expected a fraction from 0 to 1 such as 0.1, found {text:?}"
        ))
    };
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let one = whole == "1" && rest.bytes().all(|b| b == b'0');
    if !digits(whole) || !digits(rest) || rest.len() > 18 || (whole != "0" && !one) {
        return Err(bad());
    }
    Ok(text.to_owned())
}

fn stake(what: &str, text: &str) -> Result<(u128, String), Failure> {
    let found = coin(what, text).map_err(unusable)?;
    if found.1 != STAKING_DENOM {
        return Err(Failure::input(anyhow!(
            "{what}: the chain stakes {STAKING_DENOM}, found {}",
            found.1
        )));
    }
    Ok(found)
}

/// Makes it and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn create(session: &Session, args: &Create) -> Result<u8, Failure> {
    let amount = stake("--amount", &args.amount)?;
    let (least, _) = stake("--min-self-delegation", &args.min_self_delegation)?;
    let commission = [
        fraction("--commission-rate", &args.commission_rate)?,
        fraction("--commission-max-rate", &args.commission_max_rate)?,
        fraction(
            "--commission-max-change-rate",
            &args.commission_max_change_rate,
        )?,
    ];
    let consensus = consensus_key(&args.pubkey)?;
    let node = address::encode(
        &address::truncated(&consensus),
        &format!("{ADDRESS_PREFIX}{}", address::CONSENSUS),
    )
    .map_err(unusable)?;
    let words = format!(
        "make the validator {:?} with the node key {node} and {} staked, commission {} (at most {}, both limits for good)",
        args.moniker,
        show_coin(amount.0, &amount.1),
        args.commission_rate,
        args.commission_max_rate
    );
    block_on(session.transact(&words, |from| {
        Ok(vec![message::create_validator(&NewValidator {
            operator: operator(from)?,
            consensus,
            description: Description {
                moniker: args.moniker.clone(),
                identity: args.identity.clone(),
                website: args.website.clone(),
                security_contact: args.security_contact.clone(),
                details: args.details.clone(),
            },
            commission,
            least_own_stake: least,
            stake: amount,
        })])
    }))
}

/// Changes it and prints what came of it.
///
/// # Errors
/// As [`create`], or nothing is named.
pub fn edit(session: &Session, args: &Edit) -> Result<u8, Failure> {
    let rate = args
        .commission_rate
        .as_deref()
        .map(|r| fraction("--commission-rate", r))
        .transpose()?;
    let least = args
        .min_self_delegation
        .as_deref()
        .map(|t| stake("--min-self-delegation", t))
        .transpose()?;
    let lines = [
        ("name", &args.moniker),
        ("identity", &args.identity),
        ("site", &args.website),
        ("security contact", &args.security_contact),
        ("details", &args.details),
    ];
    let mut changes: Vec<String> = lines
        .iter()
        .filter_map(|(name, text)| Some(format!("{name} {:?}", text.as_ref()?)))
        .collect();
    changes.extend(rate.as_ref().map(|r| format!("commission {r}")));
    changes.extend(
        least
            .as_ref()
            .map(|(a, d)| format!("least own stake {}", show_coin(*a, d))),
    );
    if changes.is_empty() {
        return Err(Failure::input(anyhow!(
            "nothing to change: name at least one option"
        )));
    }
    let kept = |text: &Option<String>| text.clone().unwrap_or_else(|| UNCHANGED.to_owned());
    let description = Description {
        moniker: kept(&args.moniker),
        identity: kept(&args.identity),
        website: kept(&args.website),
        security_contact: kept(&args.security_contact),
        details: kept(&args.details),
    };
    let words = format!("change the validator: {}", changes.join(", "));
    block_on(session.transact(&words, |from| {
        Ok(vec![message::edit_validator(
            &operator(from)?,
            &description,
            rate.as_deref(),
            least.map(|(a, _)| a),
        )])
    }))
}

/// Unjails and prints what came of it.
///
/// # Errors
/// A node that is asked has not caught up, or the chain refuses: it is not jailed, or not long enough.
pub fn unjail(session: &Session) -> Result<u8, Failure> {
    let words =
        "let the validator sign again (its node should be running and up to date)".to_owned();
    block_on(async {
        let why = "a validator that misses its next blocks is jailed and slashed again; wait until the node has every block";
        session.caught_up(why).await?;
        let unjailed = |from: &str| Ok(vec![message::unjail(&operator(from)?)]);
        session.transact(&words, unjailed).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commissions_are_fractions_and_keys_are_ed25519() {
        for good in ["0", "0.1", "1", "1.0", "0.123456789012345678"] {
            assert!(fraction("--commission-rate", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1.1",
            "10",
            "-0.1",
            ".1",
            "0.",
            "0.1234567890123456789",
            "ten",
        ] {
            assert_eq!(
                fraction("--commission-rate", bad).unwrap_err().code,
                2,
                "{bad}"
            );
        }
        let key = STANDARD.encode([1; 32]);
        let text = format!("{{\"@type\":\"/cosmos.crypto.ed25519.PubKey\",\"key\":\"{key}\"}}");
        assert_eq!(consensus_key(&text).unwrap(), [1; 32]);
        assert!(consensus_key(&text.replace("ed25519", "secp256k1")).is_err());
        assert!(consensus_key("{}").is_err());
    }
}
